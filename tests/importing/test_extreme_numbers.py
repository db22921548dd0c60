"""Numbers that no calculation expects: infinities, NaN, and numbers that are too large for a float."""

import pytest

from app.commands import CommandError
from app.importing.values.columns import Column
from app.importing.values.normalisers import NORMALISERS
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
    message = ""
    try:
        NORMALISERS[name].read(value, **{**REQUIRED.get(name, {}), **options})
    except ValueError as error:
        message = str(error)
    assert "convert" not in message  # Python's own wording
    assert "limit" not in message
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


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.ndjson", '{"id": "1", "title": "A", "startDate": 1e999}'),
        ("a.json", f'[{{"id": "1", "title": "A", "startDate": {TOO_LARGE}}}]'),
        ("b.ndjson", '{"id": "1", "title": "A", "startDate": {"$numberLong": 1e999}}'),
        ("a.csv", f"id,title,startDate\n1,A,44197\n2,B,{TOO_LARGE}"),
    ],
)
@pytest.mark.parametrize(
    "column", ["createdAt", "durationDays", "rating", "price", "seats", "credits", "title"]
)
def test_one_cell_does_not_end_an_import(shell: Shell, column: str, file: str, content: str) -> None:
    content = content.replace('"title": "A", ', "") if column == "title" else content
    path = shell.write(file, content.replace("startDate", column))
    result = shell.run("import", "courses", path, "--source", "s")
    assert result.exception is None or isinstance(result.exception, CommandError), repr(result.exception)
