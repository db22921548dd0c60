from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.numbers import UNLIMITED, Mark, count, decimal, decimal_mark, seats


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,24,980", 124_980),
        ("1.299,50", 1299.5),
        ("1,299.50", 1299.5),
        ("12 500", 12_500),
        ("12\u00a0500", 12_500),
        ("12\u2009500,5", 12_500.5),
        ("1,234.5", 1234.5),
        ("4,5", 4.5),
        ("4,50", 4.5),
        ("0,125", 0.125),
        ("0.125", 0.125),
        (".5", 0.5),
        ("1.2k", 1200),
        ("3M", 3_000_000),
        ("2 lakh", 200_000),
        ("1.234.567", 1_234_567),
        ("1,234,567", 1_234_567),
        ("1234567.891", 1_234_567.891),
        ("-7", -7),
        ("\u22127", -7),
        ("1'000", 1000),
        ("1\u2019000.5", 1000.5),
        ("\uff11\uff12", 12),
        ("\u0664\u066b\u0665", 4.5),
        (5, 5),
        (2.5, 2.5),
        ("0", 0),
    ],
)
def test_decimal(text: object, number: float) -> None:
    assert decimal(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1a",
        True,
        float("nan"),
        float("inf"),
        "1-2",
        ".",
        "1.2.3",
        "1,2,3",
        "1,299,00",
        "1e3",
        "12 50",
    ],
)
def test_not_a_number(text: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        decimal(text)


@pytest.mark.parametrize("text", ["1.299", "124,980", "1,299."])
def test_a_number_that_can_be_read_in_two_ways_needs_the_decimal_mark(text: str) -> None:
    with pytest.raises(ValueError, match="thousands or with decimals"):
        decimal(text)
    as_decimals: Mark = "." if "." in text.rstrip(".") else ","
    as_thousands: Mark = "," if as_decimals == "." else "."
    assert decimal(text, decimal=as_decimals) * 1000 == decimal(text, decimal=as_thousands)


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.299", "4.75"], "."),
        (["1.299", "4,75"], ","),
        (["1.299", "12.000.000"], ","),
        (["1.299", "1.299,00"], ","),
        (["1,299", "1,299.00"], "."),
        (["1.299"], None),
        (["1.299", "12"], None),
        (["1.299", 4.75], None),
    ],
)
def test_the_decimal_mark_is_what_the_other_numbers_of_the_column_show(
    cells: list[object], mark: str | None
) -> None:
    assert decimal_mark(Column("", cells), {}).options.get("decimal") == mark


def test_a_column_with_both_marks_is_told_and_its_unclear_numbers_are_not_read() -> None:
    decision = decimal_mark(Column("", ["4,75", "4.75", "1.299"]), {})
    assert decision.options == {}
    assert decision.notes == ["both “,” and “.” begin decimals; “1.299” can be read in two ways"]


@pytest.mark.parametrize("below", [-1, "-1", "-2,000"])
def test_a_count_is_not_negative(below: object) -> None:
    assert count("2,000") == count("2.000") == 2000
    with pytest.raises(ValueError, match="is below zero"):
        count(below)


def test_a_count_is_whole() -> None:
    assert count("3.0") == count(3.0) == 3
    with pytest.raises(ValueError, match="is not a whole number"):
        count("3.5")


@pytest.mark.parametrize(
    ("text", "number"),
    [("5.3k", 5_300), ("1,2 tys.", 1_200), ("1.2萬", 12_000), ("3 lakh", 300_000), ("1 млн", 10**6)],
)
def test_a_count_can_have_a_multiple(text: str, number: int) -> None:
    assert count(text) == number


@given(st.integers(0, 2 * 10**9), st.sampled_from([",", ".", " ", "'", "\u00a0", "\u202f"]))
def test_a_count_is_read_with_and_without_separators(number: int, separator: str) -> None:
    assert count(f"{number:,}".replace(",", separator)) == count(str(number)) == number


#: How countries write numbers: thousands separator, decimal mark.
STYLES = st.sampled_from(
    [(",", "."), (".", ","), (" ", ","), ("\u00a0", ","), ("'", "."), ("", "."), ("", ",")]
)


@given(STYLES, st.lists(st.decimals(0, 10**9, places=2), min_size=1))
def test_a_column_in_one_style_is_read_as_it_means_or_not_at_all(
    style: tuple[str, str], numbers: list[object]
) -> None:
    thousands, mark = style
    cells = [f"{n:,}".replace(",", "T").replace(".", mark).replace("T", thousands) for n in numbers]
    decision = decimal_mark(Column("", cells), {})
    for cell, number in zip(cells, numbers, strict=True):
        with suppress(ValueError):
            assert decimal(cell, **decision.options) == float(str(number))


@given(st.text())
def test_any_text_is_a_number_or_raises_value_error(text: str) -> None:
    for normaliser in (decimal, count):
        with suppress(ValueError):
            assert normaliser(text) is not None


@given(
    st.integers(0, 2 * 10**9),
    st.sampled_from(["", "max. ", "Maximum ", "up to ", "bis zu "]),
    st.sampled_from(["", " seats", " Plätze", "名", " places", " pax"]),
    st.sampled_from(["{}", "{:,}"]),
)
def test_seats_are_numbers_with_words(number: int, before: str, after: str, style: str) -> None:
    assert seats(f"{before}{style.format(number)}{after}") == number


@pytest.mark.parametrize(
    "text", ["2k", "5 dozen", "12/30", "20-30", "some", "-3", "1.5", "30 left", "", "9 999 999 999"]
)
def test_what_is_no_number_of_seats(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (each has its own words)
        seats(text)


@given(st.text())
def test_seats_of_any_text_are_a_count_unlimited_or_refused(text: str) -> None:
    with suppress(ValueError):
        found = seats(text)
        assert found == UNLIMITED or (isinstance(found, int) and found >= 0)


@pytest.mark.alone
def test_a_number_of_a_million_digits_is_refused_at_once() -> None:
    for digits in ("1" * 900_000, "-" + "1" * 900_000):
        began = perf_counter()
        with pytest.raises(ValueError, match=r"is above 2,000,000,000|is below zero"):
            count(digits)
        assert perf_counter() - began < 2
