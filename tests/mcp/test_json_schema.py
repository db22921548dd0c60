"""The JSON Schema of a tool's input, against what the gateway accepts."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import get_variable_values
from jsonschema import Draft202012Validator

from app.mcp import input_schema
from resolvers.schema import schema

SMALL = build_schema(
    """
    type Query { f: Int }
    enum Mode { ONLINE "In a room." ON_SITE }
    scalar DateTime
    scalar JSON
    input Range { min: Int! max: Int = 10 }
    input Filter { modes: [Mode!] range: Range since: DateTime any: JSON flag: Boolean! = false price: Float }
    input One @oneOf { id: ID slug: String }
    """
)


def operation(text: str) -> OperationDefinitionNode:
    definition = parse(text).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return definition


def schema_of(variables: str, of: GraphQLSchema = SMALL, **descriptions: str) -> dict[str, Any]:
    found = input_schema(of, operation(f"query({variables}) {{ f }}"), descriptions)
    Draft202012Validator.check_schema(found)
    return found


def test_an_operation_without_variables_takes_nothing() -> None:
    found = input_schema(SMALL, operation("{ f }"), {})
    assert found == {"type": "object", "properties": {}, "additionalProperties": False}


def test_types_nulls_defaults_and_descriptions() -> None:
    assert schema_of("$id: ID!, $first: Int = 10, $words: String", id="Which one.") == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "Which one."},
            "first": {
                "type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31 - 1, "default": 10,
            },
            "words": {"type": ["string", "null"]},
        },
        "additionalProperties": False,
        "required": ["id"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "value"),
    [
        ("$v: Mode", "ONLINE"), ("$v: Mode", None), ("$v: Mode!", None), ("$v: Mode", "online"),
        ("$v: Mode", 1),
        ("$v: [Mode!]", ["ONLINE", "ON_SITE"]), ("$v: [Mode!]", ["ONLINE", None]), ("$v: [Mode]!", [None]),
        ("$v: Int", 2**31 - 1), ("$v: Int", 2**31), ("$v: Int", 1.5), ("$v: Int", "1"), ("$v: Float", 1),
        ("$v: Float", "1"), ("$v: String", ""), ("$v: String", 1), ("$v: Boolean", True), ("$v: Boolean", 1),
        ("$v: Range", {"min": 1}), ("$v: Range", {"max": 1}), ("$v: Range", {"min": 1, "max": None}),
        ("$v: Range", {"min": 1, "more": 1}), ("$v: Range", []), ("$v: Filter", {}),
        ("$v: Filter", {"flag": None}),
        ("$v: Filter", {"any": {"a": [1]}}), ("$v: Filter", {"any": None}), ("$v: Filter", {"price": 1.5}),
        ("$v: Filter", {"range": {"min": 1}, "modes": ["ONLINE"], "since": "2026-06-01T15:00:00Z"}),
        ("$v: One", {"id": "1"}), ("$v: One", {"slug": "a"}), ("$v: One", {}),
        ("$v: One", {"id": "1", "slug": "a"}),
        ("$v: One!", None),
    ],
)  # fmt: skip
def test_it_matches_what_the_gateway_accepts(variables: str, value: object) -> None:
    coerced = get_variable_values(
        SMALL, operation(f"query({variables}) {{ f }}").variable_definitions or (), {"v": value}
    )
    matches = Draft202012Validator(schema_of(variables)).is_valid({"v": value})
    assert matches == (not isinstance(coerced, list))


def test_every_input_type_of_the_schema_has_one() -> None:
    inputs = [t for t in schema.type_map.values() if isinstance(t, GraphQLInputObjectType)]
    assert len(inputs) > 20
    for type_ in inputs:
        described = schema_of(f"$input: {type_.name}!", schema)
        assert described["properties"]["input"]["properties"].keys() == type_.fields.keys()
