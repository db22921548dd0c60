"""Arguments: which conversions are remembered."""

from typing import Any

import pytest
from graphql import Undefined
from graphql.execution.values import VariableValues

from app.execution.arguments import _remembering


@pytest.mark.parametrize(
    ("value", "remembered"),
    [("x" * 100, True), ("x" * 101, False), (7, True), (None, True), (Undefined, True), (["x"], False)],
)
def test_only_small_values_are_remembered(value: Any, remembered: bool) -> None:
    conversions: list[VariableValues] = []

    def convert(variables: VariableValues) -> dict[str, Any]:
        conversions.append(variables)
        return dict(variables.coerced)

    remembering = _remembering(convert, ["filter", "after"])
    for _ in range(2):
        assert remembering(VariableValues({}, {"filter": value, "after": "a"}))["filter"] == value
    assert len(conversions) == (1 if remembered else 2)
