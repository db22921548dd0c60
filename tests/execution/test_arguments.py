"""Arguments: which conversions are cached."""

from typing import Any

import pytest
from graphql import FieldNode, GraphQLField, OperationDefinitionNode, Undefined, parse
from graphql.execution.values import VariableValues

from app.execution.compiler.field_arguments import _cached, _Template, compiled
from resolvers.schema import schema


@pytest.mark.parametrize(
    ("value", "cached"),
    [("x" * 100, True), ("x" * 101, False), (7, True), (None, True), (Undefined, True), (["x"], False)],
)
def test_only_small_values_are_cached(value: Any, cached: bool) -> None:
    conversions: list[VariableValues] = []

    def convert(variables: VariableValues) -> _Template:
        conversions.append(variables)
        return _Template(dict(variables.coerced), [])

    convert_cached = _cached(convert, ["filter", "after"])
    for _ in range(2):
        assert (
            convert_cached(VariableValues({}, {"filter": value, "after": "a"})).constants["filter"] == value
        )
    assert len(conversions) == (1 if cached else 2)


def test_a_cached_conversion_does_not_depend_on_plain_variables() -> None:
    """The cursor changes from page to page; the filter does not."""
    text = "query ($c: String!, $after: String) { courses(after: $after, filter: { categories: [$c] }) }"
    field, node = _field("courses", text)
    values = compiled(schema, field, node).values
    first = values(VariableValues({}, {"c": "math", "after": "a"}))
    second = values(VariableValues({}, {"c": "math", "after": "b"}))
    assert (first["after"], second["after"]) == ("a", "b")
    assert first["filter"] is second["filter"]
    assert "after" not in values(VariableValues({}, {"c": "math"}))
    assert values(VariableValues({}, {"c": "law"}))["filter"] != first["filter"]


def test_a_variable_may_be_in_two_arguments() -> None:
    text = "query ($x: String) { courses(after: $x, filter: { search: $x }) }"
    values = compiled(schema, *_field("courses", text)).values
    for x in ("one", "two"):
        given = values(VariableValues({}, {"x": x}))
        assert (given["after"], given["filter"].search) == (x, x)


def _field(name: str, text: str) -> tuple[GraphQLField, FieldNode]:
    query = schema.query_type
    (operation,) = parse(text).definitions
    assert query is not None
    assert isinstance(operation, OperationDefinitionNode)
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    return query.fields[name], node
