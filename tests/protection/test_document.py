"""The figures in docs/protection.md are correct."""

import re
from pathlib import Path

import pytest

from app.execution import Executor, Operation, Prepared
from app.operation_limits import Limits
from resolvers.schema import schema

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protection.md").read_text(encoding="utf-8")
LIMITS = Limits()


def test_every_limit_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `LECTERN_MAX_(\w+)` \| ([\d,]+) \|", DOCUMENT, re.MULTILINE))
    priced = dict(re.findall(r"`LECTERN_MAX_(\w+)` \(([\d,]+)", DOCUMENT))
    documented = {name.lower(): int(value.replace(",", "")) for name, value in (rows | priced).items()}
    assert {name: documented.get(name) for name in Limits.__dataclass_fields__} == {
        name: getattr(LIMITS, name) for name in Limits.__dataclass_fields__
    }


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            "{ courses(first: 100) { nodes { reviews(first: 10) { nodes { id } } } } }",
            "which is {objects:,}. The elements",
        ),
        (
            "query ($after: String) { courses(first: 20, after: $after) { nodes { title "
            "reviews(first: 5) { nodes { rating student { name } } } } totalCount } }",
            "up to {price:,} of 50,000 (LECTERN_MAX_COST): "
            "{objects:,} objects, {values:,} values, {commands:,} commands",
        ),
    ],
)
def test_the_prices_in_it_are_correct(query: str, sentence: str) -> None:
    prepared = Executor(schema).prepare(Operation(query))
    assert isinstance(prepared, Prepared)
    expected = sentence.format(price=prepared.cost.price, **prepared.cost._asdict())
    assert expected in " ".join(DOCUMENT.split())
