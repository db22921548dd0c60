"""A cached operation: its parsed document, with the plans and costs computed from it."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, TypeAlias, TypeVar

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
from app.execution.operation import JsonObject
from app.execution.pricing import (
    FIELDS,
    FILTERS,
    SIZES,
    Priced,
    ResponseSize,
    length,
    priced,
    searches,
)
from app.execution.upper_values import upper_values
from app.execution.variables import Variables
from app.operation_limits import Limits
from app.protection import all_selections

T = TypeVar("T")

#: The maximum number of cached plans, and of cached costs, per operation. A plan depends on the values in
#: @skip and @include. A cost also depends on page sizes, lengths of lists and introspected names.
_MAX_VARIANTS = 8
#: Maximum length of an operation's name in a log, and of a type name that can be part of a cache key.
_LONGEST_NAME = 100

_Key: TypeAlias = tuple[Any, ...]  # cache key; contains values of variables, which can have any type


class Document:
    """One operation of a valid document. Its plans and costs are computed on first use.

    hash: see app.execution.operation.text_hash. name: the operation's name, cut to _LONGEST_NAME characters;
    empty if it has none.
    is_query: False for a mutation. introspects: whether the operation queries the schema. is_about_schema:
    whether it queries only the schema. is_personal: whether it selects a field about the request or its
    viewer. compiled: False if graphql-core runs every operation.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        hash: str = "",
        *,
        names_schema: bool = True,
        compiled: bool = True,
    ) -> None:
        nodes = list(all_selections(document))
        self.document, self.definition, self.hash = document, definition, hash
        self.name = definition.name.value[:_LONGEST_NAME] if definition.name else ""
        self.is_query = definition.operation is OperationType.QUERY
        self.variables = Variables(schema, definition, names_schema=names_schema)
        root_fields = _root_fields(schema, document, definition)
        self.introspects = bool(root_fields & FIELDS)
        self.is_personal = any(_is_personal(node) for node in nodes)
        self.is_about_schema = self.introspects and root_fields <= FIELDS | {"__typename"}
        self._schema, self._compiled = schema, compiled
        self._conditions = sorted(set(_condition_variables(nodes)))
        defined = {v.variable.name.value for v in definition.variable_definitions or ()}
        self._own_conditions = [name for name in self._conditions if name in defined]
        self._sizes = sorted(set(_argument_variables(nodes, SIZES)))
        self._filters = sorted(set(_argument_variables(nodes, FILTERS)))
        self._lists = sorted(_list_variables(schema, definition))
        self._has_one_cost = not (self._conditions or self._sizes or self._filters or self._lists)
        self._plans: dict[_Key, Plan | str] = {}
        self._priced: dict[_Key, Priced] = {}
        self._response_sizes: dict[_Key, ResponseSize] = {}

    @property
    def variants(self) -> int:
        """The maximum number of cached plans. For n conditions, it is 2**n, but at most _MAX_VARIANTS."""
        return min(_MAX_VARIANTS, 1 << len(self._conditions))

    def priced(self, variables: VariableValues, limits: Limits) -> Priced:
        """Returns the operation's maximum cost with these variables (see app.execution.pricing.cost).

        Raises TooLargeError if the operation has too many fields.
        """
        key = () if self._has_one_cost else self._cost_key(variables)
        if (found := self._priced.get(key)) is None:
            found = priced(
                self._schema,
                self.document,
                self.definition,
                variables.coerced,
                limits,
                on_graphql_core=self._on_graphql_core(variables),
                merges_calls=self._compiled,
            )
            _keep(self._priced, key, found)
        return found

    def highest_priced(self, given: JsonObject, limits: Limits) -> Priced:
        """Returns the operation's maximum cost with any values of the variables that aren't given.

        A variable that isn't given has its default, if there is one. Raises TooLargeError and RefusedError.
        """
        nodes = list(all_selections(self.document))
        values = upper_values(self._schema, nodes, self.definition, given, limits)
        found = (self.priced(VariableValues({}, dict(v)), limits) for v in values)
        return max(found, key=lambda priced: priced.price)

    def actual_size(
        self, variables: VariableValues, limits: Limits, data: JsonObject | None
    ) -> tuple[int, int]:
        """Returns the objects and values of a response, counted as in the maximum cost.

        The elements of a page that aren't selected count as in the maximum cost, because the response doesn't
        show how many there were. So do the values of list arguments.
        """
        key = () if self._has_one_cost else self._cost_key(variables)
        if (counter := self._response_sizes.get(key)) is None:
            list_values = self.priced(variables, limits).list_values
            counter = ResponseSize(
                self._schema,
                self.document,
                self.definition,
                variables.coerced,
                list_values,
                on_graphql_core=self._on_graphql_core(variables),
            )
            _keep(self._response_sizes, key, counter)
        return counter.of(data)

    def _cost_key(self, variables: VariableValues) -> _Key:
        values, key = variables.coerced, self._conditions_of(variables)
        key += tuple([_size_key(values.get(name)) for name in self._sizes])
        key += tuple([searches(values.get(name)) for name in self._filters])
        return key + tuple([length(values.get(name)) for name in self._lists])

    def _on_graphql_core(self, variables: VariableValues) -> bool:
        """Returns whether graphql-core has to run it: it introspects, or a condition has no value."""
        values = variables.coerced
        return self.introspects or any(values.get(name) is None for name in self._own_conditions)

    def kept_plan(self, variables: VariableValues) -> Plan | str | None:
        """Returns the cached result of `plan` for these variables, or None if no result is cached."""
        return self._plans.get(self._conditions_of(variables))

    def plan(self, variables: VariableValues) -> Plan | str:
        """Returns the operation's plan, or the reason why it can't be planned.

        There is a separate plan for each combination of values of the variables in @skip and @include.
        """
        if (found := self.kept_plan(variables)) is None:
            values = variables.coerced
            found = self._planned({name: values[name] for name in self._conditions if name in values})
            _keep(self._plans, self._conditions_of(variables), found)
        return found

    def _conditions_of(self, variables: VariableValues) -> _Key:
        return tuple(map(variables.coerced.get, self._conditions)) if self._conditions else ()

    def _planned(self, conditions: Mapping[str, bool]) -> Plan | str:
        try:
            return plan_operation(self._schema, self.document, self.definition, conditions)
        except DeclinedError as reason:
            return str(reason)
        except GraphQLError:  # raised if the variable in a @skip or @include is null
            return "a condition without a value"
        except RecursionError:
            return "nested too deeply"


def _is_personal(node: SelectionNode) -> bool:
    """Returns whether a field is about the request, or about its viewer (such as `viewerReview`)."""
    name = node.name.value if isinstance(node, FieldNode) else ""
    return name.startswith("viewer") or name == "rateLimit"


def _keep(cached: dict[_Key, T], key: _Key, value: T) -> None:
    """Caches a value, and evicts the oldest entry if the cache is full."""
    if len(cached) == _MAX_VARIANTS:
        del cached[next(iter(cached))]
    cached[key] = value


def _root_fields(
    schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode
) -> set[str]:
    """Returns the names (not aliases) of the selected root fields."""
    root = schema.get_root_type(definition.operation)
    assert root is not None  # noqa: S101  # validation has ensured this
    fields = Selected(schema, document, {}).on(root, [definition.selection_set])
    return {nodes[0].name.value for nodes in fields.values()}


def _size_key(value: object) -> object:
    """Converts a variable's value to a cache key, which contains only what affects the cost."""
    if isinstance(value, list):
        return ("list", len(value))
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_NAME else None
    return value if isinstance(value, int) else None


def _condition_variables(nodes: Iterable[SelectionNode]) -> Iterator[str]:
    """Yields the names of the variables used in @skip and @include."""
    for node in nodes:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                for argument in directive.arguments or ():
                    yield from variables_in(argument.value)


def _argument_variables(nodes: Iterable[SelectionNode], arguments: Set[str]) -> Iterator[str]:
    """Yields the names of variables that are used in the given arguments."""
    for node in nodes:
        if isinstance(node, FieldNode):
            for argument in node.arguments or ():
                if argument.name.value in arguments:
                    yield from variables_in(argument.value)


def _list_variables(schema: GraphQLSchema, definition: OperationDefinitionNode) -> Iterator[str]:
    """Yields the names of the variables whose values can contain lists."""
    for variable in definition.variable_definitions or ():
        type_: Any = type_from_ast(schema, variable.type)  # Any, so that mypy accepts the next line
        if not is_leaf_type(get_nullable_type(type_)):
            yield variable.variable.name.value
