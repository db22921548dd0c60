"""Reads every example of the import guide."""

from datetime import UTC, datetime

import pytest

from app.importing.values import NORMALISERS
from tests.importing.examples import EXAMPLES, Example, read


def test_every_normaliser_has_examples() -> None:
    assert EXAMPLES.keys() == NORMALISERS.keys()


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, example) for name, (_, examples) in EXAMPLES.items() for example in examples],
    ids=lambda part: str(part.cell) if isinstance(part, Example) else part,
)
def test_an_example_is_read_as_the_guide_says(name: str, example: Example) -> None:
    value = example.value
    expected = value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
    assert read(name, example.cell, example.given) == expected
