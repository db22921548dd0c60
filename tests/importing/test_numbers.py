from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values import numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("124,980", 124_980),
        ("1,24,980", 124_980),
        ("1.299,50", 1299.5),
        ("12 500", 12_500),
        ("12\u00a0500", 12_500),
        ("1,234.5", 1234.5),
        ("4,5", 4.5),
        ("4,50", 4.5),
        ("1.2k", 1200),
        ("3M", 3_000_000),
        ("1.234.567", 1_234_567),
        ("-7", -7),
        ("1'000", 1000),
        (5, 5),
        (2.5, 2.5),
        ("0", 0),
    ],
)
def test_decimal(text: object, number: float) -> None:
    assert numbers.decimal(text) == number


@pytest.mark.parametrize("text", ["", "abc", "1a", True, float("nan"), float("inf"), "1-2", "."])
def test_not_a_number(text: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        numbers.decimal(text)


@pytest.mark.parametrize("below", [-1, "-1", "-2,000"])
def test_a_count_is_not_negative(below: object) -> None:
    assert numbers.count("2,000") == 2000
    with pytest.raises(ValueError, match="is below zero"):
        numbers.count(below)


@given(st.integers(-(10**12), 10**12))
def test_an_integer_is_read_with_and_without_separators(number: int) -> None:
    assert numbers.integer(f"{number:,}") == numbers.integer(str(number)) == number


@given(st.text())
def test_any_text_is_a_number_or_raises_value_error(text: str) -> None:
    for normaliser in (numbers.decimal, numbers.integer, numbers.stars, numbers.hours, numbers.duration):
        with suppress(ValueError):
            assert normaliser(text) is not None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("45 days", 45),
        ("60days", 60),
        ("60 Days", 60),
        ("8 weeks", 56),
        ("1 week", 7),
        ("1.5 months", 45),
        ("Approx. 33 hours", 5),
        ("8 hours", 1),
        ("4-6 weeks", 35),
        ("4\u20136 weeks", 35),
        ("2 weeks 3 days", 17),
        ("1 year", 365),
        ("269", 269),
        (269, 269),
        ("3\u00a0weeks", 21),
        ("Duration: 10 days.", 10),
    ],
)
def test_duration(text: object, days: int) -> None:
    assert numbers.duration(text) == days


def test_duration_options() -> None:
    assert numbers.duration("6", unit="weeks") == 42
    assert numbers.duration("30 hours", hours_per_day=2) == 15


@pytest.mark.parametrize("text", ["soon", "-", "999999999 days"])
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        numbers.duration(text)


@pytest.mark.parametrize(
    ("text", "average", "count"),
    [
        ("4.7 (55)", 4.7, 55),
        ("4.2(85)", 4.2, 85),
        ("4,5 (1.2k ratings)", 4.5, 1200),
        ("4.7/5 (1,234)", 4.7, 1234),
        ("4.8 stars (20 reviews)", 4.8, 20),
        ("4.5\u00a0(28)", 4.5, 28),
    ],
)
def test_rating(text: str, average: float, count: int) -> None:
    assert numbers.rating(text) == {"average": average, "count": count}


def test_rating_from_two_columns() -> None:
    assert numbers.rating("4.7", count="124,980") == {"average": 4.7, "count": 124_980}


@pytest.mark.parametrize("text", ["4.7", "7.5 (10)", "good (3)", "4.8 (1", "4.8 (1 204"])
def test_not_a_rating(text: str) -> None:
    with pytest.raises(ValueError, match="average"):
        numbers.rating(text)


@pytest.mark.parametrize(("value", "stars"), [("5", 5), (4, 4), ("3.0", 3), (1, 1)])
def test_stars(value: object, stars: int) -> None:
    assert numbers.stars(value) == stars


@pytest.mark.parametrize("value", [0, 6, "-1", 4.5, "five"])
def test_not_from_one_to_five_stars(value: object) -> None:
    with pytest.raises(ValueError, match="is not"):
        numbers.stars(value)


def test_stars_are_rounded_on_request() -> None:
    assert [numbers.stars(v, round=True) for v in (4.5, "3.4", 1)] == [5, 3, 1]


@pytest.mark.parametrize(
    ("value", "hours"), [("2\u20133 hours per week", 2.5), ("10", 10), (1.5, 1.5), ("about 12 h", 12)]
)
def test_hours(value: object, hours: float) -> None:
    assert numbers.hours(value) == hours


@pytest.mark.parametrize(("value", "share"), [(0.5, 0.5), ("50 %", 0.5), ("1", 1), ("100%", 1)])
def test_fraction(value: object, share: float) -> None:
    assert numbers.fraction(value) == share


def test_not_a_fraction() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        numbers.fraction(50)


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("₹1,299", 129_900, "INR"),
        ("49.99 EUR", 4_999, "EUR"),
        ("¥5000", 5_000, "JPY"),
        ("$19.99", 1_999, "USD"),
        ("KWD 1.250", 1_250, "KWD"),
        ("Rs. 18,500", 1_850_000, "INR"),
        ("Rs 500", 50_000, "INR"),
        ("rs.500", 50_000, "INR"),
    ],
)
def test_price(text: str, minor: int, currency: str) -> None:
    assert numbers.price(text) == {"amountMinor": minor, "currency": currency}


def test_price_with_the_currency_option() -> None:
    assert numbers.price("Free", currency="EUR") == {"amountMinor": 0, "currency": "EUR"}
    assert numbers.price(12.5, currency="EUR") == {"amountMinor": 1250, "currency": "EUR"}
    with pytest.raises(ValueError, match="has no currency"):
        numbers.price("12.50")
