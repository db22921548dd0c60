"""Checks that a schema is compatible with a contract: `broken(contract, schema)`.

A schema may have more than its contract, have stricter outputs and more lenient inputs: no client notices.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    REMOVE,
    FieldDefinitionNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    Visitor,
    build_ast_schema,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
    is_specified_scalar_type,
    parse,
    print_ast,
    visit,
)

Input = GraphQLArgument | GraphQLInputField
Composite = GraphQLObjectType | GraphQLInterfaceType


def read(text: str, excepted: frozenset[str] = frozenset()) -> GraphQLSchema:
    """Builds a schema without the exceptions, which are names of types, or of fields as `Type.field`.

    Raises ValueError if an exception isn't in the text, TypeError if the rest of the schema refers to one.
    """
    without = _Without(excepted)
    document = visit(parse(text), without)
    if absent := excepted - without.removed:
        raise ValueError(f"not in the schema: {', '.join(sorted(absent))}")
    return build_ast_schema(document)


def own_types(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    """Returns the types that the schema itself defines, by name."""
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    }


def broken(contract: GraphQLSchema, schema: GraphQLSchema) -> list[str]:
    """Returns the incompatibilities, one line each. Both schemas come from `read`."""
    return [
        complaint
        for name, promised in own_types(contract).items()
        for complaint in _type(name, promised, schema.type_map.get(name))
    ]


def undescribed(schema: GraphQLSchema) -> list[str]:
    """Returns the coordinates of everything without a description."""
    return [name for name, described in _all(schema) if not described.description]


def _type(name: str, promised: GraphQLNamedType, actual: GraphQLNamedType | None) -> Iterator[str]:
    if actual is None:
        yield f"{name}: is missing"
    elif type(actual) is not type(promised):
        yield f"{name}: is another kind of type"
    elif isinstance(promised, Composite) and isinstance(actual, Composite):
        yield from _composite(promised, actual)
    elif isinstance(promised, GraphQLEnumType) and isinstance(actual, GraphQLEnumType):
        yield from (f"{name}.{value}: is missing" for value in promised.values if value not in actual.values)
    elif isinstance(promised, GraphQLInputObjectType) and isinstance(actual, GraphQLInputObjectType):
        yield from _inputs(f"{name}.{{}}", promised.fields, actual.fields)


def _composite(promised: Composite, actual: Composite) -> Iterator[str]:
    implemented = {interface.name for interface in actual.interfaces}
    for interface in promised.interfaces:
        if interface.name not in implemented:
            yield f"{promised.name}: no longer implements {interface.name}"
    for name, field in promised.fields.items():
        yield from _field(f"{promised.name}.{name}", field, actual.fields.get(name))


def _field(coordinate: str, promised: GraphQLField, actual: GraphQLField | None) -> Iterator[str]:
    if actual is None:
        yield f"{coordinate}: is missing"
        return
    if not _is_within(actual.type, promised.type):
        yield f"{coordinate}: {promised.type} became {actual.type}"
    yield from _inputs(f"{coordinate}({{}}:)", promised.args, actual.args)


def _inputs(coordinate: str, promised: Mapping[str, Input], actual: Mapping[str, Input]) -> Iterator[str]:
    """Compares arguments or input fields. coordinate: a format with a placeholder for the name."""
    for name, value in promised.items():
        yield from _input(coordinate.format(name), value, actual.get(name))
    for name, value in actual.items():
        if name not in promised and is_non_null_type(value.type) and _default(value) is None:
            yield f"{coordinate.format(name)}: is new and required"


def _input(coordinate: str, promised: Input, actual: Input | None) -> Iterator[str]:
    if actual is None:
        yield f"{coordinate}: is missing"
        return
    if not _is_within(promised.type, actual.type):
        yield f"{coordinate}: {promised.type} became {actual.type}"
    if _default(promised) != _default(actual):
        yield f"{coordinate}: the default {_default(promised)} became {_default(actual)}"


def _is_within(narrow: Any, wide: Any) -> bool:  # types, whose wrappers have no common class
    """Whether each value of one type is a value of the other: they may differ only in nullability."""
    if is_non_null_type(wide):
        return is_non_null_type(narrow) and _is_within(narrow.of_type, wide.of_type)
    if is_non_null_type(narrow):
        return _is_within(narrow.of_type, wide)
    if is_list_type(wide) and is_list_type(narrow):
        return _is_within(narrow.of_type, wide.of_type)
    return str(narrow) == str(wide)


def _default(value: Input) -> str | None:
    literal = value.ast_node and value.ast_node.default_value
    return print_ast(literal) if literal else None


def _all(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:  # whatever has a `description`
    """Yields everything that can have a description, with its coordinate."""
    for name, kind in own_types(schema).items():
        yield name, kind
        for member, value in _members(kind).items():
            yield f"{name}.{member}", value
            for argument, taken in getattr(value, "args", {}).items():
                yield f"{name}.{member}({argument}:)", taken


def _members(kind: GraphQLNamedType) -> Mapping[str, Any]:  # fields or enum values
    members: Mapping[str, Any] = getattr(kind, "values", None) or getattr(kind, "fields", {})  # as above
    return members


class _Without(Visitor):
    """Removes definitions by name, and remembers which ones it has removed."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self.names, self.removed = names, set[str]()
        self.type = ""

    def enter_object_type_definition(self, node: Any, *_: object) -> object:  # several kinds of nodes
        self.type = node.name.value
        return self._result(self.type)

    enter_enum_type_definition = enter_object_type_definition
    enter_input_object_type_definition = enter_object_type_definition
    enter_interface_type_definition = enter_object_type_definition

    def enter_field_definition(self, node: FieldDefinitionNode, *_: object) -> object:
        return self._result(f"{self.type}.{node.name.value}")

    def _result(self, name: str) -> object:
        if name not in self.names:
            return None
        self.removed.add(name)
        return REMOVE
