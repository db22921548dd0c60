"""The identity of arguments: calls with equal identities are shared."""

from datetime import UTC, datetime
from itertools import combinations

import pytest
from strawberry import UNSET

from resolvers.fields import identity
from resolvers.inputs import CourseFilter
from tests.resolvers.conftest import Doc, Json

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG = "é" * 100_000

#: All different from each other.
VALUES: list[Json] = [
    None, UNSET, True, False, 1, 0, 1.0, "1", "", "True", LONG, LONG + "é", NOW, [], [1], [True], ["1"],
    [[1]], {}, {"a": 1}, {"a": True}, {"b": 1}, CourseFilter(), CourseFilter(search="1"),
    CourseFilter(search=LONG), CourseFilter(tags=["1"]), CourseFilter(tags=["1", "2"]),
]  # fmt: skip


def test_different_values_have_different_identities() -> None:
    for one, other in combinations(VALUES, 2):
        assert identity({"v": one}) != identity({"v": other}), (one, other)
    assert identity({"v": 1}) != identity({"w": 1})
    assert identity({"v": 1}) != identity({"v": 1, "w": None})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
        ({"a": "é" * 300}, {"a": "".join(["é"] * 300)}),  # equal strings, but two objects
        ({"a": CourseFilter(tags=["x"])}, {"a": CourseFilter(tags=["x"])}),
    ],
)
def test_equal_arguments_have_equal_identities(one: Doc, other: Doc) -> None:
    assert identity(one) == identity(other)
    assert hash(identity(one)) == hash(identity(other))
