"""Numbers of credits."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.credit_numbers import credits_of, names_credits
from app.importing.values.durations import decide_duration, duration
from app.importing.values.numbers import decimal_mark


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3), (2.5, 2.5), ("3", 3), ("0", 0), ("3.0 credits", 3), ("7,5 hp", 7.5), ("3 cr.", 3),
        ("ECTS 6", 6),
        ("Credits: 4", 4), ("3-credit", 3), ("3 credit hours", 3), ("3 hours.", 3), ("1.5 CEUs", 1.5),
        ("6 ECTS (180 hours)", 6), ("3 credits (ECTS)", 3), ("4単位", 4), ("3학점", 3), ("12 créditos", 12),
        ("9 CFU", 9), ("5 punktów ECTS", 5), ("٣", 3), ("1000", 1000),
    ],
)  # fmt: skip
def test_credits(value: object, number: float) -> None:
    assert credits_of(value) == number


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1-4", "has several numbers"), ("3 or 4 hours", "has several numbers"),
        ("3/4", "has several numbers"),
        ("6 weeks, 3 credits", "has several numbers"), ("3 credits (4 for graduates)", "has several numbers"),
        ("three", "is not a number of credits"), ("3 weeks", "is not a number of credits"),
        ("-3", "is not a number of credits"), ("", "is not a number of credits"), (True, "is not a number"),
        (float("nan"), "is not a number"), (-1, "is not from 0 to 1,000"),
        ("3,000", "is not from 0 to 1,000"),
        ("1001", "is not from 0 to 1,000"), ([3], "is not a number"),
    ],
)  # fmt: skip
def test_no_credits(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}"):
        credits_of(value)


def test_a_comma_begins_the_decimals_if_the_column_says_so() -> None:
    options = decimal_mark(Column("ects", ["7,5", "3,000"]), {}).options
    assert credits_of("3,000", **options) == 3


def test_a_number_beside_credits_is_no_duration() -> None:
    decision = decide_duration(Column("duration", ["3 credits", "4"]), {})
    assert decision.notes == ["numbers without a unit are left out: the column has credits"]
    for cell in ("3 credits", "4"):
        with pytest.raises(ValueError, match="has no unit"):
            duration(cell, **decision.options)


FORMS = ["{n}", "{n} credits", "{n} ECTS", "{n} cr.", "Credits: {n}", "{n}学分", "{n} credit hours"]


@given(st.integers(0, 200), st.sampled_from(["", ".0", ".5", ",5", ".25"]), st.sampled_from(FORMS))
def test_every_written_form_is_read_as_it_means(whole: int, decimals: str, form: str) -> None:
    written = f"{whole}{decimals}"
    assert credits_of(form.format(n=written)) == float(written.replace(",", "."))


@given(st.text())
def test_any_text_is_credits_or_raises_value_error(text: str) -> None:
    names_credits(text)
    with suppress(ValueError):
        assert 0 <= credits_of(text) <= 1_000


@pytest.mark.parametrize("text", ["9" * 1_000_000, "cr " * 300_000, "1 " * 500_000, "(" * 1_000_000])
def test_a_long_cell_costs_little(text: str) -> None:
    """Only its beginning is searched: all of it would take minutes."""
    assert names_credits(text) is False
    with pytest.raises(ValueError, match="number"):
        credits_of(text)
