"""The price of an operation, known before it is run."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from app.execution import introspection_size
from app.execution.compiler import Fields, Selected
from app.execution.introspection_size import Introspection, Population
from app.protection import Limits, over
from resolvers.relay import DEFAULT_SIZE
from resolvers.schema import declaration

#: The arguments whose values say how much a field can return.
SIZES = frozenset({"first", "last", "ids", "name"})

#: The fields of a connection that have its elements.
_ELEMENTS = frozenset({"nodes", "edges"})
_LONGEST_INT = 11  # characters

_VALUES_OF_AN_OBJECT = 5
_OBJECTS_OF_A_COMMAND = 20

#: graphql-core answers introspection, and then all that is asked beside it: an object takes it ten times as
#: long as the plan, a value twice as long as a value is counted for.
_BESIDE_INTROSPECTION = 10
_INTROSPECTED_VALUE = 2


class Cost(NamedTuple):
    """The most that an operation can take.

    objects: JSON objects of the answer, and documents that are fetched without being in it. values: its other
    values, by the weights that their fields declare, and those of lists in arguments. commands: sent to
    MongoDB as a rule, where each call has parents; equal calls of one depth are one.
    """

    objects: int
    values: int
    commands: int

    @property
    def price(self) -> int:
        """In objects that are fetched with a few values: about 10 µs of the server's CPU each."""
        return self.objects + self.values // _VALUES_OF_AN_OBJECT + self.commands * _OBJECTS_OF_A_COMMAND


def cost(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limits: Limits,
) -> Cost:
    """The cost of a valid operation.

    A page has as many elements as `first` or `last` says, or the default; `nodes(ids:)` as many as it has
    IDs; any other list as many as its field declares. What is selected on an object counts once for each; of
    an interface, the largest of its types. Introspection is counted on the schema itself.

    variables: coerced, with their defaults.

    Raises TooLargeError for more fields than are allowed, after fragments are expanded.
    """
    return _Pricing(schema, document, operation, variables, limits).cost()


class _Sum(NamedTuple):
    objects: int
    values: int


class _Place(NamedTuple):
    """Where fields are selected: on how many objects, and how many calls deep.

    page: how many elements the objects have, if they are connections. call: the last one above. root: the key
    of the root field above, where root fields share no calls.
    """

    objects: int
    page: int = 1
    depth: int = 0
    call: Hashable = None
    root: str = ""


class _Pricing:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        limits: Limits,
    ) -> None:
        self._schema, self._operation, self._variables = schema, operation, variables
        self._selected = Selected(schema, document, variables)
        self._introspection = Introspection(schema)
        self._limits = limits
        self._fields_left = limits.fields
        self._introspected_left = limits.introspection_cost
        self._commands: dict[Hashable, int] = {}
        self._given: dict[Hashable, int] = {}
        self._shares_calls = True

    def cost(self) -> Cost:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None  # noqa: S101  # validation saw to it
        fields = self._selected.on(root, [self._operation.selection_set])
        introspects = any(nodes[0].name.value in introspection_size.FIELDS for nodes in fields.values())
        # Each field of a mutation reads afresh, and graphql-core makes a call for every alias.
        self._shares_calls = self._operation.operation is OperationType.QUERY and not introspects
        place = _Place(_BESIDE_INTROSPECTION if introspects else 1)
        objects, values = self._of_fields(root, fields, place)
        return Cost(objects, values + sum(self._given.values()), sum(self._commands.values()))

    def _of_fields(self, parent: GraphQLObjectType, fields: Fields, place: _Place) -> _Sum:
        self._take_note(fields)
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
        how = declaration(field).metadata
        sizes = self._sizes(nodes[0])
        count = place.objects * _length(field, how, parent, place, sizes)
        root = key if place.depth == 0 and not self._shares_calls else place.root
        below = place._replace(objects=count, page=_page_size(sizes), root=root)
        kind = get_named_type(field.type)
        if function := how.get("level") or how.get("root"):
            commands = how["commands"] * min(count, len(self._types(kind)))
            below = self._called(function, commands, parent, nodes[0], below)
        if is_leaf_type(kind):
            return _Sum(0, count * how.get("weight", 1))
        return _sum([_Sum(count, place.objects * how.get("weight", 0)), self._dearest(kind, nodes, below)])

    def _called(
        self,
        function: Callable[..., Any],
        commands: int,
        parent: GraphQLObjectType,
        node: FieldNode,
        place: _Place,
    ) -> _Place:
        """The place below a call. Equal calls of a depth, as they are written, are one; but what is asked of
        lists is asked of each, however many there are. An interface is looked for type by type.
        """
        of = place.call if _is_connection(parent) else None
        call = (place.depth, function, _arguments_text(node), of, place.root)
        self._commands[call] = commands
        self._given[call] = sum(self._length_of(argument.value) for argument in node.arguments or ())
        return place._replace(depth=place.depth + 1, call=call)

    def _dearest(self, kind: GraphQLNamedType, nodes: Sequence[FieldNode], place: _Place) -> _Sum:
        """Of what is selected on the types that an object can have, the most."""
        sums = [
            self._of_object(type_, self._selected.on(type_, _sets(nodes)), place)
            for type_ in self._types(kind)
        ]
        return _Sum(max(found.objects for found in sums), max(found.values for found in sums))

    def _types(self, kind: Any) -> Sequence[Any]:
        return self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]

    def _of_object(self, type_: GraphQLObjectType, fields: Fields, place: _Place) -> _Sum:
        """What is selected on objects. Elements of a page are fetched whether they are selected or not."""
        found = self._of_fields(type_, fields, place)
        if not _is_connection(type_) or any(nodes[0].name.value in _ELEMENTS for nodes in fields.values()):
            return found
        return _sum([found, _Sum(place.objects * place.page, 0)])

    def _introspected_root(self, name: str, nodes: Sequence[FieldNode]) -> _Sum:
        if name == introspection_size.SCHEMA:
            return self._introspected(
                self._schema.type_map["__Schema"], nodes, self._introspection.of_schema()
            )
        of_type = self._introspection.of_type(self._sizes(nodes[0]).get("name"))
        return self._introspected(self._schema.type_map["__Type"], nodes, of_type)

    def _introspected(self, kind: Any, nodes: Sequence[FieldNode], population: Population) -> _Sum:
        """What is selected on elements of the schema; no further once it is more than is allowed."""
        size = introspection_size.size(population)
        found = [_Sum(size, 0)]
        self._introspected_left -= size
        if self._introspected_left < 0:
            return found[0]
        fields = self._selected.on(kind, _sets(nodes))
        self._take_note(fields)
        for below in fields.values():
            name = below[0].name.value
            field = kind.fields.get(name)
            if field is None or is_leaf_type(get_named_type(field.type)):
                found.append(_Sum(0, size * _INTROSPECTED_VALUE))
            else:
                inner = self._introspection.below(population, name, field)
                found.append(self._introspected(get_named_type(field.type), below, inner))
        return _sum(found)

    def _take_note(self, fields: Fields) -> None:
        self._fields_left -= len(fields)
        if self._fields_left < 0:
            raise over(
                f"The operation has more than {self._limits.fields:,} fields with its fragments expanded",
                self._limits.fields,
                "MAX_FIELDS",
                "Ask for less at once.",
            )

    def _sizes(self, node: FieldNode) -> dict[str, Any]:
        return {
            argument.name.value: self._value(argument.value)
            for argument in node.arguments or ()
            if argument.name.value in SIZES
        }

    def _length_of(self, node: ValueNode) -> int:
        """How many values the lists of an argument have."""
        if isinstance(node, VariableNode):
            return length(self._variables.get(node.name.value))
        if isinstance(node, ObjectValueNode):
            return sum(self._length_of(member.value) for member in node.fields)
        return len(node.values) if isinstance(node, ListValueNode) else 0

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        if isinstance(node, IntValueNode):  # one for `ids` may have any number of digits
            return int(node.value) if len(node.value) <= _LONGEST_INT else None
        if isinstance(node, StringValueNode):
            return node.value
        return list(node.values) if isinstance(node, ListValueNode) else None


def length(value: Any) -> int:
    """How many values the lists in a value have."""
    if isinstance(value, dict):
        return sum(map(length, value.values()))
    return len(value) + sum(map(length, value)) if isinstance(value, list) else 0


def _sum(sums: Any) -> _Sum:
    objects = values = 0
    for found in sums:
        objects, values = objects + found.objects, values + found.values
    return _Sum(objects, values)


def _sets(nodes: Sequence[FieldNode]) -> list[Any]:
    return [node.selection_set for node in nodes if node.selection_set]


def _length(
    field: GraphQLField,
    how: Mapping[str, Any],
    parent: GraphQLObjectType,
    place: _Place,
    sizes: Mapping[str, Any],
) -> int:
    """How many elements a field has for each parent: one, if it is no list."""
    if not is_list_type(get_nullable_type(field.type)):
        return 1
    if _is_connection(parent):
        return place.page
    ids = sizes.get("ids")
    most: int = how["most"]
    return len(ids) if isinstance(ids, list) else most


def _is_connection(kind: GraphQLNamedType) -> bool:
    return kind.name.endswith("Connection")


def _page_size(sizes: Mapping[str, Any]) -> int:
    given = [size for name in ("first", "last") if isinstance(size := sizes.get(name), int)]
    return max(0, *given) if given else DEFAULT_SIZE


def _arguments_text(node: FieldNode) -> str:
    """A field's arguments as they are written; equal texts are equal arguments."""
    if not node.arguments:
        return ""
    first, last = node.arguments[0].loc, node.arguments[-1].loc
    assert first is not None  # noqa: S101  # parsed with locations
    assert last is not None  # noqa: S101
    return first.source.body[first.start : last.end]
