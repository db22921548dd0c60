"""Describes the variables of an operation as JSON Schema (draft 2020-12), for the input of a tool."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
    value_from_ast_untyped,
)

from app.execution import JsonObject

#: The JSON Schemas of the scalars. A JSON value can be anything.
_SCALARS: Mapping[str, JsonObject] = {
    "Int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "Float": {"type": "number"},
    "String": {"type": "string"},
    "ID": {"type": "string"},
    "Boolean": {"type": "boolean"},
    "DateTime": {"type": "string", "format": "date-time"},
    "JSON": {},
}


class UnknownTypeError(Exception):
    """A variable has a type that the schema doesn't have."""


def input_schema(
    schema: GraphQLSchema, operation: OperationDefinitionNode, descriptions: Mapping[str, str]
) -> JsonObject:
    """Returns the JSON Schema of an object with an operation's variables.

    The operation must be valid. A value that matches can still be refused: the schema doesn't know the limits
    on lengths and sizes. descriptions: keyed by the names of variables. An input type that contains itself
    isn't supported; Lectern's schema has none.

    Raises UnknownTypeError.
    """
    variables = operation.variable_definitions or ()
    return _object(
        {v.variable.name.value: _variable(schema, v, descriptions) for v in variables},
        [v.variable.name.value for v in variables if _is_required(v)],
    )


def _is_required(variable: VariableDefinitionNode) -> bool:
    return variable.type.kind == "non_null_type" and variable.default_value is None


def _variable(
    schema: GraphQLSchema, variable: VariableDefinitionNode, descriptions: Mapping[str, str]
) -> JsonObject:
    if (type_ := type_from_ast(schema, variable.type)) is None:
        raise UnknownTypeError
    described = _of_type(type_)
    if variable.default_value is not None:
        described["default"] = value_from_ast_untyped(variable.default_value)
    if description := descriptions.get(variable.variable.name.value):
        described["description"] = description
    return described


def _of_type(type_: Any) -> JsonObject:  # Any: graphql-core has no one type for all input types
    """Returns the JSON Schema of an input type's values."""
    found = _of_nullable(get_nullable_type(type_))
    return found if is_non_null_type(type_) or not found else _nullable(found)


def _of_nullable(type_: Any) -> JsonObject:
    if is_list_type(type_):
        return {"type": "array", "items": _of_type(type_.of_type)}
    if isinstance(type_, GraphQLEnumType):
        return _described({"type": "string", "enum": list(type_.values)}, type_.description)
    if isinstance(type_, GraphQLInputObjectType):
        return _described(_of_input(type_), type_.description)
    return dict(_SCALARS[type_.name])


def _of_input(type_: GraphQLInputObjectType) -> JsonObject:
    required = [name for name, field in type_.fields.items() if is_required_input_field(field)]
    found = _object({name: _of_field(field) for name, field in type_.fields.items()}, required)
    return found | {"minProperties": 1, "maxProperties": 1} if type_.is_one_of else found


def _of_field(field: GraphQLInputField) -> JsonObject:
    return _described(_of_type(field.type), field.description)


def _object(properties: JsonObject, required: list[str]) -> JsonObject:
    found: JsonObject = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | {"required": required} if required else found


def _nullable(found: JsonObject) -> JsonObject:
    """Returns a JSON Schema that accepts null too."""
    nullable = found | {"type": [found["type"], "null"]}
    return nullable | {"enum": [*found["enum"], None]} if "enum" in found else nullable


def _described(found: JsonObject, description: str | None) -> JsonObject:
    return found | {"description": description} if description else found
