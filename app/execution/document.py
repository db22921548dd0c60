"""A valid operation as it is kept: its document, and what was compiled from it."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)
from graphql.execution.values import VariableValues

from app.execution.arguments import variables_in
from app.execution.plan import Plan
from app.execution.planner import DeclinedError, plan
from app.execution.variables import Variables
from app.limits import SIZES, count_nodes

#: For one operation: the combinations of @skip and @include, and of page sizes, that are kept.
_MOST_KEPT = 8


class Document:
    """One operation of a document. Plans and sizes are made when they are asked for first."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode
    ) -> None:
        self.document, self.definition = document, definition
        self.variables = Variables(schema, definition)
        self._schema = schema
        self._conditions = sorted(set(_conditions(document)))
        self._sizes = sorted(set(_sizes(document)))
        self._plans: dict[tuple[Any, ...], Plan | str] = {}
        self._nodes: dict[tuple[Any, ...], int] = {}

    @property
    def is_query(self) -> bool:
        return self.definition.operation.value == "query"

    @property
    def variants(self) -> int:
        """How many plans may be kept of it."""
        return _MOST_KEPT if self._conditions else 1

    def nodes(self, variables: VariableValues) -> int:
        """The most objects it can return with these variables: app.limits.count_nodes.

        Raises RecursionError.
        """
        given = variables.coerced
        key = tuple(_size(given.get(name)) for name in self._sizes)
        if (nodes := self._nodes.get(key)) is None:
            nodes = count_nodes(self._schema, self.document, self.definition, given)
            _keep(self._nodes, key, nodes)
        return nodes

    def plan(self, variables: VariableValues) -> Plan | str:
        """The plan, or the reason why there is none: one for each combination of what @skip and @include
        depend on.
        """
        given = variables.coerced
        key = tuple(given.get(name) for name in self._conditions)
        if (found := self._plans.get(key)) is None:
            conditions = {name: given[name] for name in self._conditions if name in given}
            found = self._planned(conditions)
            _keep(self._plans, key, found)
        return found

    def _planned(self, conditions: Mapping[str, bool]) -> Plan | str:
        try:
            return plan(self._schema, self.document, self.definition, conditions)
        except DeclinedError as reason:
            return str(reason)
        except GraphQLError:  # @skip or @include with null
            return "a condition without a value"
        except RecursionError:
            return "nested too deeply"


def _keep(kept: dict[tuple[Any, ...], Any], key: tuple[Any, ...], value: Any) -> None:
    if len(kept) == _MOST_KEPT:
        del kept[next(iter(kept))]
    kept[key] = value


def _size(value: Any) -> Any:
    """What of a variable's value the size of a page depends on."""
    return ("list", len(value)) if isinstance(value, list) else value if isinstance(value, int) else None


def _conditions(document: DocumentNode) -> Iterator[str]:
    for node in _selections(document):
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                for argument in directive.arguments or ():
                    yield from variables_in(argument.value)


def _sizes(document: DocumentNode) -> Iterator[str]:
    for node in _selections(document):
        if isinstance(node, FieldNode):
            for argument in node.arguments or ():
                if argument.name.value in SIZES:
                    yield from variables_in(argument.value)


def _selections(document: DocumentNode) -> Iterator[SelectionNode]:
    """Every field and fragment of a document, in no order."""
    sets = [getattr(definition, "selection_set", None) for definition in document.definitions]
    while sets:
        selected = sets.pop()
        for node in selected.selections if selected else ():
            yield node
            if isinstance(node, FieldNode | InlineFragmentNode):
                sets.append(node.selection_set)
