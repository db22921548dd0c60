"""A valid operation as it is kept: its document, and what was compiled from it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    get_nullable_type,
    is_leaf_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues

from app.execution.compiler import DeclinedError, Plan, Selected, plan_operation, variables_in
from app.execution.cost import SIZES, Cost, cost, length
from app.execution.introspection_size import FIELDS
from app.execution.variables import Variables
from app.protection import Limits, all_selections

#: For one operation: the combinations of @skip and @include, and of page sizes, that are kept.
_MOST_KEPT = 8
_LONGEST_NAME = 100  # characters of a type's name


class Document:
    """One operation of a valid document. Plans and costs are made when they are asked for first.

    is_query: or it is a mutation. introspects: whether it asks about the schema. is_about_schema: whether it
    asks about nothing else.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        *,
        hide_suggestions: bool = False,
    ) -> None:
        nodes = list(all_selections(document))
        self.document, self.definition = document, definition
        self.is_query = definition.operation is OperationType.QUERY
        self.variables = Variables(schema, definition, hide_suggestions=hide_suggestions)
        asked = _roots(schema, document, definition)
        self.introspects = bool(asked & FIELDS)
        self.is_about_schema = self.introspects and asked <= FIELDS | {"__typename"}
        self._schema = schema
        self._conditions = sorted(set(_conditions(nodes)))
        self._sizes = sorted(set(_sizes(nodes)))
        self._lists = sorted(_lists(schema, definition))
        self._plans: dict[tuple[Any, ...], Plan | str] = {}
        self._costs: dict[tuple[Any, ...], Cost] = {}

    @property
    def variants(self) -> int:
        """How many plans may be kept of it: its conditions are true or false."""
        return min(_MOST_KEPT, 1 << len(self._conditions))

    def cost(self, variables: VariableValues, limits: Limits) -> Cost:
        """What it can take with these variables: app.execution.cost.

        Raises TooLargeError.
        """
        given = variables.coerced
        key = self._conditions_of(variables)
        if self._sizes or self._lists:
            key += tuple([_size(given.get(name)) for name in self._sizes])
            key += tuple([length(given.get(name)) for name in self._lists])
        if (found := self._costs.get(key)) is None:
            found = cost(self._schema, self.document, self.definition, given, limits)
            _keep(self._costs, key, found)
        return found

    def kept_plan(self, variables: VariableValues) -> Plan | str | None:
        """What `plan` returns, if it was made before."""
        return self._plans.get(self._conditions_of(variables))

    def plan(self, variables: VariableValues) -> Plan | str:
        """The plan, or the reason why there is none: one for each combination of what @skip and @include
        depend on.
        """
        if (found := self.kept_plan(variables)) is None:
            given = variables.coerced
            found = self._planned({name: given[name] for name in self._conditions if name in given})
            _keep(self._plans, self._conditions_of(variables), found)
        return found

    def _conditions_of(self, variables: VariableValues) -> tuple[Any, ...]:
        return tuple(map(variables.coerced.get, self._conditions)) if self._conditions else ()

    def _planned(self, conditions: Mapping[str, bool]) -> Plan | str:
        try:
            return plan_operation(self._schema, self.document, self.definition, conditions)
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


def _roots(schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) -> set[str]:
    """The names of the fields at the root."""
    root = schema.get_root_type(definition.operation)
    assert root is not None  # noqa: S101  # validation saw to it
    fields = Selected(schema, document, {}).on(root, [definition.selection_set])
    return {nodes[0].name.value for nodes in fields.values()}


def _size(value: Any) -> Any:
    """What of a variable's value the cost depends on."""
    if isinstance(value, list):
        return ("list", len(value))
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_NAME else None
    return value if isinstance(value, int) else None


def _conditions(nodes: Iterable[SelectionNode]) -> Iterator[str]:
    for node in nodes:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                for argument in directive.arguments or ():
                    yield from variables_in(argument.value)


def _sizes(nodes: Iterable[SelectionNode]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, FieldNode):
            for argument in node.arguments or ():
                if argument.name.value in SIZES:
                    yield from variables_in(argument.value)


def _lists(schema: GraphQLSchema, definition: OperationDefinitionNode) -> Iterator[str]:
    """The variables that may have lists in them."""
    for variable in definition.variable_definitions or ():
        type_: Any = type_from_ast(schema, variable.type)
        if not is_leaf_type(get_nullable_type(type_)):
            yield variable.variable.name.value
