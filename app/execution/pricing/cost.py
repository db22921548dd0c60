"""The price of an operation, computed before it runs."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from app.execution.compiler import CoercedValues, Fields, Selected
from app.execution.pricing import introspection_size
from app.execution.pricing.argument_values import ArgumentValues, SizeArguments, page_size
from app.execution.pricing.introspection_size import Introspection, Population
from app.operation_limits import Limits
from app.protection import over
from resolvers.schema import declaration

#: The fields of a connection that return its elements.
_ELEMENTS = frozenset({"nodes", "edges"})

_VALUES_OF_AN_OBJECT = 5
_OBJECTS_OF_A_COMMAND = 20

#: The characters of a text that take as long to parse and validate as an object takes to fetch.
_CHARACTERS_OF_AN_OBJECT = 2

#: Cost factor for the fields of an operation that graphql-core runs. It takes ten times as long per object as
#: a compiled plan.
ON_GRAPHQL_CORE = 10
#: A value in the result of introspection counts as two values.
INTROSPECTED_VALUE = 2

#: The metadata that resolvers.fields attaches to a field, such as its batch function and its weight.
_FieldMetadata: TypeAlias = Mapping[str, Any]


class Cost(NamedTuple):
    """The maximum cost of an operation.

    objects: the number of JSON objects in the response, plus the fetched documents that don't appear in it.
    values: the number of other values in the response, each multiplied by the weight that its field declares,
    plus the number of values in list arguments. commands: the number of MongoDB commands that are usually
    sent if no list is empty and no object is null. A search is assumed to find nothing, because a search
    without results sends more commands. Equal calls at the same depth count once.
    """

    objects: int
    values: int
    commands: int

    @property
    def price(self) -> int:
        """The cost as one number, in objects; at least 1. An object nominally costs 10 µs of CPU time.

        A value costs a fifth of an object, and a command costs as much as 20 objects.
        """
        return price_of(*self)


def price_of(objects: int, values: int, commands: int) -> int:
    """Returns the price of a cost (see Cost.price)."""
    return objects + values // _VALUES_OF_AN_OBJECT + commands * _OBJECTS_OF_A_COMMAND or 1


class Priced(NamedTuple):
    """The maximum cost of an operation.

    price: the price of the cost, computed once. list_values: how many of its values are those of list
    arguments. apart: the part of its price that budgets don't count: the weights of root fields that have
    limits of their own. has_fixed_size: whether every response without a null has exactly these objects and
    values, because the operation selects no lists, interfaces or introspection.
    """

    cost: Cost
    price: int
    list_values: int
    apart: int
    has_fixed_size: bool


def price_of_text(text: str, limits: Limits) -> int:
    """Estimates the price of parsing and validating a text; 0 if it is too long to be parsed."""
    return len(text) // _CHARACTERS_OF_AN_OBJECT if len(text) <= limits.query_length else 0


def priced(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: CoercedValues,
    limits: Limits,
    *,
    on_graphql_core: bool = False,
    merges_calls: bool = True,
) -> Priced:
    """Computes the maximum cost of a valid operation.

    A page is assumed to have the number of elements given by `first` or `last`, or the default page size.
    `nodes(ids:)` has one element per ID, and a list without pages as many as its `first`. Any other list has
    the maximum length that its field declares. A selection is counted once per object; on an interface, the
    most expensive type is used. The result of introspection is counted by walking the schema.

    variables: the coerced values, including defaults. on_graphql_core: whether graphql-core must run the
    operation, because it has introspection or a condition without a value. merges_calls: whether other
    operations run as plans, in which equal calls are made once.

    Raises TooLargeError if the operation has too many fields with its fragments expanded.
    """
    pricing = _Pricing(
        schema,
        document,
        operation,
        variables,
        limits,
        on_graphql_core=on_graphql_core,
        merges_calls=merges_calls and not on_graphql_core,
    )
    return pricing.priced()


class _Sum(NamedTuple):
    objects: int
    values: int


class _Place(NamedTuple):
    """A place in an operation where fields are selected.

    objects: the number of objects on which the fields are selected. page: for connections, the number of
    elements in each. depth: the number of calls needed to reach the place. call: the last of these calls.
    root: the response key of the enclosing root field; "" if root fields can share calls.
    """

    objects: int
    page: int = 1
    depth: int = 0
    call: Hashable = None
    root: str = ""


@dataclass(slots=True)
class _Call:
    """A call of a level or root function.

    commands: the maximum number of commands for each type of object that it returns. types: the number of
    types that it can return. list_values: the number of values in its list arguments. returned: the maximum
    number of values that it returns.
    """

    commands: int
    types: int
    list_values: int
    returned: int = 0


class _Pricing:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: CoercedValues,
        limits: Limits,
        *,
        on_graphql_core: bool,
        merges_calls: bool,
    ) -> None:
        self._schema, self._operation = schema, operation
        self._arguments = ArgumentValues(variables)
        self._selected = Selected(schema, document, variables)
        self._introspection = Introspection(schema)
        self._limits = limits
        self._fields_left = limits.fields
        self._introspected_left = limits.introspection_cost
        self._calls: dict[Hashable, _Call] = {}
        self._merges_calls = merges_calls
        self._has_fixed_size = True
        self._shares_calls = operation.operation is OperationType.QUERY and merges_calls
        self._factor = ON_GRAPHQL_CORE if on_graphql_core else 1

    def priced(self) -> Priced:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None  # noqa: S101  # validation has ensured this
        fields = self._selected.on(root, [self._operation.selection_set])
        self._count(fields)
        sums = [self._of_root_field(root, key, nodes) for key, nodes in fields.items()]
        objects, values = _sum(sums)
        list_values = sum(call.list_values for call in self._calls.values())
        commands = sum(call.commands * min(call.returned, call.types) for call in self._calls.values())
        apart = self._factor * sum(_weight_apart(root, nodes) for nodes in fields.values())
        cost = Cost(objects, values + list_values, commands)
        return Priced(cost, cost.price, list_values, apart, self._has_fixed_size)

    def _of_root_field(self, root: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> _Sum:
        sum_ = self._of_field(root, key, nodes, _Place(1))
        if nodes[0].name.value in introspection_size.FIELDS:
            return sum_
        return _Sum(sum_.objects * self._factor, sum_.values * self._factor)

    def _of_fields(self, parent: GraphQLObjectType, fields: Fields, place: _Place) -> _Sum:
        self._count(fields)
        return _sum(self._of_field(parent, key, nodes, place) for key, nodes in fields.items())

    def _of_field(
        self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], place: _Place
    ) -> _Sum:
        name = nodes[0].name.value
        if name == "__typename":
            return _Sum(0, place.objects)
        if name in introspection_size.FIELDS:
            return self._introspected_root(name, nodes)
        field = parent.fields[name]
        metadata = declaration(field).metadata
        sizes = self._arguments.sizes(nodes[0])
        count = place.objects * _length(field, metadata, parent, place, sizes)
        root = key if place.depth == 0 and not self._shares_calls else place.root
        below = place._replace(objects=count, page=page_size(sizes), root=root)
        kind = get_named_type(field.type)
        if is_list_type(get_nullable_type(field.type)) or is_abstract_type(kind):
            self._has_fixed_size = False
        if function := metadata.get("level") or metadata.get("root"):
            below = self._called(function, field, parent, nodes[0], below)
        if is_leaf_type(kind):
            return _Sum(0, count * metadata.get("weight", 1))
        own = _Sum(count, place.objects * metadata.get("weight", 0))
        return _sum([own, self._most_expensive(kind, nodes, below)])

    def _called(
        self,
        function: Callable[..., object],
        field: GraphQLField,
        parent: GraphQLObjectType,
        node: FieldNode,
        place: _Place,
    ) -> _Place:
        """Records a call that resolves a field. Returns the _Place of the fields selected on its results.

        Two calls count as one if they call the same function at the same depth, and their arguments are
        written in the same way. For fields of connections, such as `totalCount`, the connections must also
        come from the same call. Root fields share no calls in a mutation. On graphql-core, those of a query
        share none either, and calls below different calls count separately, because only their timing decides
        whether they are batched.
        """
        metadata = declaration(field).metadata
        is_apart = is_connection(parent) or not self._merges_calls
        key = (place.depth, function, _arguments_text(node), place.call if is_apart else None, place.root)
        if (call := self._calls.get(key)) is None:
            commands = metadata["commands"] + metadata["rare_commands"]
            commands += metadata["search_commands"] if self._arguments.search(node) else 0
            types = self._types(get_named_type(field.type))
            call = self._calls[key] = _Call(commands, len(types), self._arguments.list_values(field, node))
        call.returned += place.objects
        return place._replace(depth=place.depth + 1, call=key)

    def _most_expensive(self, kind: GraphQLNamedType, nodes: Sequence[FieldNode], place: _Place) -> _Sum:
        """Returns the cost of a selection on the most expensive of the possible types.

        The maximum number of objects and the maximum number of values can come from different types.
        """
        sums = [
            self._of_object(type_, self._selected.on(type_, _sets(nodes)), place)
            for type_ in self._types(kind)
        ]
        return _Sum(max(sum_.objects for sum_ in sums), max(sum_.values for sum_ in sums))

    def _types(self, kind: Any) -> Sequence[Any]:  # Any: get_named_type returns a wider type
        return self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]

    def _of_object(self, type_: GraphQLObjectType, fields: Fields, place: _Place) -> _Sum:
        """Returns the cost of a selection on objects.

        The cost of a page includes its elements even if they aren't selected, because they are fetched too.
        """
        selected = self._of_fields(type_, fields, place)
        if leaves_out_elements(type_, fields):
            return _sum([selected, _Sum(place.objects * place.page, 0)])
        return selected

    def _introspected_root(self, name: str, nodes: Sequence[FieldNode]) -> _Sum:
        self._has_fixed_size = False
        if name == introspection_size.SCHEMA:
            return self._introspected(
                self._schema.type_map["__Schema"], nodes, self._introspection.of_schema()
            )
        of_type = self._introspection.of_type(self._arguments.sizes(nodes[0]).get("name"))
        return self._introspected(self._schema.type_map["__Type"], nodes, of_type)

    def _introspected(self, kind: Any, nodes: Sequence[FieldNode], population: Population) -> _Sum:
        """Returns the cost of a selection within `__schema` or `__type`. Stops once the limit is exceeded.

        kind: an object type; annotated as Any because `type_map` and `get_named_type` are declared to return
        any kind of type.
        """
        size = introspection_size.size(population)
        sums = [_Sum(size, 0)]
        self._introspected_left -= size
        if self._introspected_left < 0:
            return sums[0]
        fields = self._selected.on(kind, _sets(nodes))
        self._count(fields)
        for below in fields.values():
            name = below[0].name.value
            field = kind.fields.get(name)
            if field is None or is_leaf_type(get_nullable_type(field.type)):
                sums.append(_Sum(0, size * INTROSPECTED_VALUE))
            elif is_leaf_type(get_named_type(field.type)):
                items = introspection_size.size(self._introspection.below(population, name, field))
                sums.append(_Sum(0, items * INTROSPECTED_VALUE))
            else:
                inner = self._introspection.below(population, name, field)
                sums.append(self._introspected(get_named_type(field.type), below, inner))
        return _sum(sums)

    def _count(self, fields: Fields) -> None:
        """Counts fields of the operation. Raises TooLargeError once there are more than the limit allows."""
        self._fields_left -= len(fields)
        if self._fields_left < 0:
            raise over(
                f"The operation has more than {self._limits.fields:,} fields with its fragments expanded",
                self._limits.fields,
                "LECTERN_MAX_FIELDS",
                "Request fewer fields in one operation.",
            )


def _weight_apart(root: GraphQLObjectType, nodes: Sequence[FieldNode]) -> int:
    """Returns the price of a root field's weight, if the field has limits of its own; otherwise 0."""
    field = root.fields.get(nodes[0].name.value)
    metadata = declaration(field).metadata if field is not None else {}
    return metadata["weight"] // _VALUES_OF_AN_OBJECT if metadata.get("has_own_limit") else 0


def _sum(sums: Iterable[_Sum]) -> _Sum:
    objects = values = 0
    for sum_ in sums:
        objects, values = objects + sum_.objects, values + sum_.values
    return _Sum(objects, values)


def _sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


def _length(
    field: GraphQLField,
    metadata: _FieldMetadata,
    parent: GraphQLObjectType,
    place: _Place,
    sizes: SizeArguments,
) -> int:
    """Returns the maximum number of elements a field has per parent; 1 if it is not a list."""
    if not is_list_type(get_nullable_type(field.type)):
        return 1
    if is_connection(parent):
        return place.page
    ids, first = sizes.get("ids"), sizes.get("first")
    if isinstance(ids, list):
        return len(ids)
    most: int = metadata["most"]
    return max(0, first) if isinstance(first, int) else most


def is_connection(kind: GraphQLNamedType) -> bool:
    return kind.name.endswith("Connection")


def leaves_out_elements(type_: GraphQLNamedType, fields: Fields) -> bool:
    """Returns whether a selection on a page doesn't select the page's elements, which are fetched anyway."""
    return is_connection(type_) and not any(nodes[0].name.value in _ELEMENTS for nodes in fields.values())


def _arguments_text(node: FieldNode) -> str:
    """Returns the source text of a field's arguments. Fields with equal text have equal arguments."""
    if not node.arguments:
        return ""
    first, last = node.arguments[0].loc, node.arguments[-1].loc
    assert first is not None  # noqa: S101  # documents are always parsed with locations
    assert last is not None  # noqa: S101  # the same
    return first.source.body[first.start : last.end]
