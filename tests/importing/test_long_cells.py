"""Reading a long cell takes time in proportion to its length, whatever it repeats."""

from contextlib import suppress
from time import perf_counter

import pytest

from app.importing.values import NORMALISERS
from app.importing.values.columns import Column

_LENGTH = 50_000
_REPEATED = (
    "1", " 1", "1,", "1.", "1'000", "1-", "1/", "(1", "1k ", "1 x ", "2 hours ", "1 jan ", "6 ects ", "$",
    "%", "* ", ", ", "; ", "a-", "Ab Cd and ", "Moe, Ada ", "(a) ", "[", "&#x", "](a:", "<!--", "<b>",
    "<br> ", "<b>and ", "<b>" + 50 * " ",
)  # fmt: skip


@pytest.mark.alone
@pytest.mark.parametrize("name", [name for name in NORMALISERS if name != "day_offset"])
def test_a_long_cell_is_read_or_refused_soon(name: str) -> None:
    normaliser = NORMALISERS[name]
    for part in _REPEATED:
        text = f"1{part * (_LENGTH // len(part))}!"
        began = perf_counter()
        normaliser.decide(Column("column", [text, "1"]), {})
        with suppress(ValueError):
            normaliser.read(text)
        assert perf_counter() - began < 10, part
