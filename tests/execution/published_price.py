"""Computes a price as a client can: from schema.graphql and the formula in docs/cost.md, without our code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    build_schema,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    parse,
    value_from_ast_untyped,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_directive_values, get_variable_values

SCHEMA = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text())
VALUES_OF_AN_OBJECT, OBJECTS_OF_A_COMMAND = 5, 20


class Parts(NamedTuple):
    objects: int
    values: int
    commands: int

    @property
    def price(self) -> int:
        points = self.objects + self.values // VALUES_OF_AN_OBJECT + self.commands * OBJECTS_OF_A_COMMAND
        return max(1, points)


@dataclass
class Call:
    commands: int
    types: int
    list_values: int
    results: int = 0


class Place(NamedTuple):
    """A place where fields are selected.

    objects: the number of objects. page: the size of each, for pages. depth: the number of calls above. call:
    the last of them. root: a mutation's root field.
    """

    objects: int = 1
    page: int = 0
    depth: int = 0
    call: Any = None
    root: str = ""


class Published:
    def __init__(self, text: str, variables: dict[str, Any] | None, name: str | None = None) -> None:
        document = parse(text)
        operation = get_operation_ast(document, name)
        assert operation is not None
        self.text, self.operation = text, operation
        coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), variables or {})
        assert isinstance(coerced, VariableValues), coerced
        self.variables = coerced
        self.fragments = {
            d.name.value: FragmentDetails(d)
            for d in document.definitions
            if isinstance(d, FragmentDefinitionNode)
        }
        self.calls: dict[Any, Call] = {}

    def parts(self) -> Parts:
        root = SCHEMA.get_root_type(self.operation.operation)
        assert root is not None
        grouped = collect_fields(SCHEMA, self.fragments, self.variables, root, self.operation)
        objects, values = self.selection(root, grouped.grouped_field_set, Place())
        calls = self.calls.values()
        return Parts(
            objects,
            values + sum(call.list_values for call in calls),
            sum(call.commands * min(call.results, call.types) for call in calls),
        )

    def selection(self, parent: GraphQLObjectType, grouped: Any, place: Place) -> tuple[int, int]:
        sums = [self.field(parent, key, details, place) for key, details in grouped.items()]
        objects, values = sum(o for o, _ in sums), sum(v for _, v in sums)
        names = {details[0].node.name.value for details in grouped.values()}
        if place.page and not names & {"nodes", "edges"}:
            objects += place.objects * place.page
        return objects, values

    def field(self, parent: GraphQLObjectType, key: str, details: Any, place: Place) -> tuple[int, int]:
        node: FieldNode = details[0].node
        if node.name.value == "__typename":
            return 0, place.objects
        field = parent.fields[node.name.value]
        kind: Any = get_named_type(field.type)
        types = list(SCHEMA.get_possible_types(kind)) if is_abstract_type(kind) else [kind]
        size, is_page = self.size(field, node)
        count = place.objects
        if is_list_type(get_nullable_type(field.type)):
            count *= place.page if place.page or parent.name.endswith("Connection") else size
        root = place.root
        if place.depth == 0 and self.operation.operation.value == "mutation":
            root = key
        below = place._replace(objects=count, page=size if is_page else 0, root=root)
        if commands := directive(field, "commands"):
            below = self.called(parent, field, node, commands, len(types), below)
        weight = directive(field, "cost").get("weight")
        if is_leaf_type(kind):
            return 0, count * int(weight or 1)
        sums = [self.selection(t, self.subfields(t, details), below) for t in types]
        own = place.objects * int(weight or 0)
        return count + max(o for o, _ in sums), own + max(v for _, v in sums)

    def called(
        self, parent: GraphQLObjectType, field: Any, node: FieldNode, commands: Any, types: int, place: Place
    ) -> Place:
        searches = self.searches(node)
        of_page = parent.name.endswith("Connection")
        written = ""
        if node.arguments:
            first, last = node.arguments[0].loc, node.arguments[-1].loc
            assert first is not None
            assert last is not None
            written = self.text[first.start : last.end]
        key = (
            place.depth,
            parent.name,
            node.name.value,
            written,
            place.call if of_page else None,
            place.root,
        )
        count = commands["count"] + (commands.get("search", 0) if searches else 0)
        lists = sum(self.list_values(a.value, field.args[a.name.value].type) for a in node.arguments or ())
        call = self.calls.setdefault(key, Call(count, types, lists))
        call.results += place.objects
        return place._replace(depth=place.depth + 1, call=key)

    def subfields(self, type_: GraphQLObjectType, details: Any) -> Any:
        return collect_subfields(
            SCHEMA, self.fragments, self.variables, self.operation, type_, details
        ).grouped_field_set

    def size(self, field: Any, node: FieldNode) -> tuple[int, bool]:
        declared = directive(field, "listSize")
        names = declared.get("slicingArguments", ())
        given = [self.value(a.value) for a in node.arguments or () if a.name.value in names]
        sizes = [
            value if isinstance(value, int) else len(as_list(value)) for value in given if value is not None
        ]
        return max(0, max(sizes, default=declared.get("assumedSize", 0))), "sizedFields" in declared

    def searches(self, node: FieldNode) -> bool:
        filters = [self.value(a.value) for a in node.arguments or () if a.name.value == "filter"]
        return any(isinstance(f, dict) and f.get("search") is not None for f in filters)

    def value(self, node: ValueNode) -> Any:
        """Returns the value of an argument; None if it is a variable without a value."""
        value = value_from_ast_untyped(node, self.variables.coerced)
        return None if value is Undefined else value

    def list_values(self, node: ValueNode, type_: Any) -> Any:
        """The number of values in lists. A single value in place of a list is a list of one."""
        if isinstance(node, VariableNode):
            return lengths(self.variables.coerced.get(node.name.value))
        type_ = get_nullable_type(type_)
        if isinstance(node, NullValueNode):
            return 0
        if is_list_type(type_):
            items = node.values if isinstance(node, ListValueNode) else [node]
            return len(items) + sum(self.list_values(item, type_.of_type) for item in items)
        if isinstance(node, ObjectValueNode):
            return sum(self.list_values(m.value, type_.fields[m.name.value].type) for m in node.fields)
        return 0


def directive(field: Any, name: str) -> dict[str, Any]:
    """The arguments of a directive that is applied to a field; empty without it."""
    definition = SCHEMA.get_directive(name)
    assert definition is not None, name
    return get_directive_values(definition, field.ast_node) or {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lengths(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(lengths, value.values()))
    return len(value) + sum(map(lengths, value)) if isinstance(value, list) else 0


def published(text: str, variables: dict[str, Any] | None = None, name: str | None = None) -> Parts:
    return Published(text, variables, name).parts()
