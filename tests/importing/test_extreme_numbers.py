"""Numbers that no calculation expects: infinities, NaN, and numbers that are too large for a float."""

from math import isfinite

import pytest

from app.commands import CommandError
from app.importing.values.columns import Column
from app.importing.values.durations import duration
from app.importing.values.normalisers import NORMALISERS
from app.importing.values.numbers import exact
from tests.importing.shell import Shell

NUMBERS: tuple[object, ...] = (
    float("inf"), float("-inf"), float("nan"), 1e308, -1e308, 10**400, -(10**400), 5e-324,
    "9" * 150, "9" * 400, "-" + "9" * 400, "9" * 400 + ".5", "0." + "0" * 400 + "1", "9" * 5_000,
    "P" + "9" * 23 + "D", "PT" + "9" * 23 + "H", "9" * 309 + " 1/2 days", "inf", "-Infinity", "nan",
    "1e999", "-1e999", "1e-999", "1" + ",000" * 150,
)  # fmt: skip
REQUIRED = {"day_offset": {"start": "2020-01-31"}}
TOO_LARGE = "9" * 400


def reads(name: str, value: object, options: dict[str, object]) -> bool:
    message, read = "", None
    try:
        read = NORMALISERS[name].read(value, **{**REQUIRED.get(name, {}), **options})
    except ValueError as error:
        message = str(error)
    assert "convert" not in message  # Python's own wording
    assert "limit" not in message
    assert not isinstance(read, float) or isfinite(read)
    return not message


@pytest.mark.parametrize("name", NORMALISERS)
def test_each_is_read_or_refused_in_a_sentence(name: str) -> None:
    """Also with the options that its column decides."""
    for value in NUMBERS:
        for cells in ([value], ["1", value], ["44197", value], [1, value], list(NUMBERS)):
            options = NORMALISERS[name].decide(Column(name, cells), {}).options
            reads(name, value, dict(options))
        if name in ("date", "end_date"):
            assert not reads(name, value, {})
            assert not reads(name, value, {"excel": True})


@pytest.mark.parametrize("name", NORMALISERS)
def test_a_million_digits_are_read_or_refused(name: str) -> None:
    """Decimal has exponents of up to 999,999, and a cell may have 1,048,576 characters."""
    for suffix in ("", "k", "½"):
        reads(name, "-" + "9" * 1_048_000 + suffix, {})


@pytest.mark.parametrize("value", [10**18 - 1, "999999999999999999", "-999999999999999.999k", -(10**18) + 1])
def test_the_largest_number(value: object) -> None:
    assert abs(exact(value)) < 10**18


@pytest.mark.parametrize("value", [10**18, "1000000000000000000", "1000000000000000k", -(10**18), 1e18])
def test_a_larger_number_is_out_of_range(value: object) -> None:
    with pytest.raises(ValueError, match="is out of range"):
        exact(value)


@pytest.mark.parametrize(("text", "days"), [("99999 days", 99_999), ("P99999D", 99_999)])
def test_the_longest_duration(text: str, days: int) -> None:
    assert duration(text) == days


@pytest.mark.parametrize("text", ["99999.5 days", "100000 days", "P100000D"])
def test_a_longer_duration_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


def test_an_hour_of_the_shortest_day_is_no_duration() -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration("8 hours", hours_per_day=1e-25)


BAD = '{"id": "2", "title": "B", "X": '


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a.ndjson", BAD + "1e999}"),
        ("a.ndjson", BAD + TOO_LARGE + "}"),
        ("a.ndjson", BAD + '{"$numberLong": 1e999}}'),
        ("a.ndjson", BAD + '{"$numberLong": "abc"}}'),
        ("a.ndjson", BAD + '{"$numberInt": "' + "9" * 5_000 + '"}}'),
        ("a.ndjson", BAD + '{"$numberDouble": ' + TOO_LARGE + "}}"),
        ("a.ndjson", BAD + '{"$numberDouble": ""}}'),
        ("a.ndjson", BAD + '{"$numberDouble": "Infinity"}}'),
        ("a.ndjson", BAD + "[" * 900 + "]" * 900 + "}"),
        ("a.csv", "2,B," + TOO_LARGE),
        ("a.csv", f"2,B,P{'9' * 23}D"),
    ],
)
@pytest.mark.parametrize(
    "column", ["createdAt", "durationDays", "rating", "price", "seats", "credits", "summary"]
)
def test_one_cell_does_not_end_an_import(shell: Shell, column: str, name: str, row: str) -> None:
    """The other row is imported."""
    good = "id,title,X\n1,A," if name.endswith(".csv") else '{"id": "1", "title": "A"}'
    file = shell.write(name, f"{good}\n{row}\n".replace("X", column))
    result = shell.run("import", "courses", file, "--source", "s")
    assert result.exception is None or isinstance(result.exception, CommandError), repr(result.exception)
    assert "1" in [course["externalId"]["id"] for course in shell.all("courses")], result.output
