from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.ratings import (
    decide_fraction,
    decide_rating,
    decide_scale,
    decide_stars,
    fraction,
    have_counts,
    rating,
    stars,
)


@pytest.mark.parametrize(
    ("text", "average", "count"),
    [
        ("4.2(85)", 4.2, 85),
        ("4,5 (1.2k ratings)", 4.5, 1200),
        ("4.7/5 (1,234)", 4.7, 1234),
        ("4,7 (1.234 Bewertungen)", 4.7, 1234),
        ("4.8 stars (20 reviews)", 4.8, 20),
        ("4.7 out of 5 (55 reviews)", 4.7, 55),
        ("4.7 (based on 55 reviews)", 4.7, 55),
        ("4.5\u00a0(28)", 4.5, 28),
        ("★★★★☆ (3)", 4.0, 3),
        ("94% (55)", 4.7, 55),
        ("8.5/10 (20)", 4.25, 20),
        ("4.7", 4.7, None),
        ("9/10", 4.5, None),
        ("94 %", 4.7, None),
        ("★★★★☆", 4.0, None),
        ("★ 4.7 (55)", 4.7, 55),
        ("Rating: 4.7/5.0 (55)", 4.7, 55),
        ("4.7 stars out of 5 (55)", 4.7, 55),
    ],
)
def test_rating(text: str, average: float, count: int | None) -> None:
    assert rating(text) == {"average": average, "count": count}


@pytest.mark.parametrize("value", ["0 (0)", "0", "0.0", 0, "4.7 (0)"])
def test_no_ratings_are_no_rating(value: object) -> None:
    assert rating(value) is None


def test_whole_numbers_of_ratings_are_counts() -> None:
    for name, cells, read in (
        ("ratings", ["55", "4", "31"], None),
        ("num ratings", [5, 4], None),
        ("ratings", ["4.5", "4"], {"average": 4.0, "count": None}),
        ("rating", ["5", "4"], {"average": 4.0, "count": None}),
        ("ratings", ["4.5 (3)", "4 (1)"], {"average": 4.0, "count": 1}),
    ):
        decision = decide_rating(Column(name, cells), {})
        if read:
            assert rating(cells[1], **decision.options) == read
            continue
        assert decision.notes == [
            "whole numbers may be counts of ratings, so they are not read (set scale if they are averages)"
        ]
        with pytest.raises(ValueError, match="has no clear scale"):
            rating(cells[1], **decision.options)
    given = {"scale": 5}
    assert not decide_rating(Column("ratings", ["4"]), given).notes


@given(
    st.lists(st.tuples(st.integers(10, 50), st.none() | st.integers(1, 10_000)), min_size=1),
    st.sampled_from(["{average}", "{average}/5", "{average} out of 5", "{average} stars"]),
)
def test_an_average_is_read_with_its_count_or_without(
    written: list[tuple[int, int | None]], form: str
) -> None:
    cells = [
        form.format(average=tenths / 10) + (f" ({count} ratings)" if count else "")
        for tenths, count in written
    ]
    decision = decide_rating(Column("rating", cells), {})
    for (tenths, count), cell in zip(written, cells, strict=True):
        assert rating(cell, **decision.options) == {"average": tenths / 10, "count": count}
    counted = sum(count is not None for _, count in written)
    assert have_counts(cells) is (counted * 2 > len(written))


def test_rating_from_two_columns() -> None:
    assert rating("4.7", count="124,980") == {"average": 4.7, "count": 124_980}
    assert rating("85", count="10", scale=100) == {"average": 4.25, "count": 10}


@pytest.mark.parametrize(
    "text", ["4.7 or so", "7.5", "7.5 (10)", "good (3)", "4.8 (1", "4.8 (1 204", "4.8 (20%)"]
)
def test_not_a_rating(text: str) -> None:
    with pytest.raises(ValueError, match=r"average|rating"):
        rating(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        (4, 4),
        ("3.0", 3),
        (1, 1),
        ("5/5", 5),
        ("4 stars", 4),
        ("3 von 5", 3),
        ("3 von 5 Sternen", 3),
        ("3 stars out of 5", 3),
        ("4/5.0", 4),
        ("Rated 4 out of 5", 4),
        ("****", 4),
        ("★★★★", 4),
    ],
)
def test_stars(value: object, expected: int) -> None:
    assert stars(value) == expected


@pytest.mark.parametrize("value", [0, 6, "-1", 4.5, "five", "4a", "0/5", "11/10", "4/5.5", True])
def test_not_from_one_to_five_stars(value: object) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        stars(value)


def test_stars_are_rounded_on_request() -> None:
    assert [stars(v, round=True) for v in (4.5, "3.4", 1)] == [5, 3, 1]


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ([9, 4, 10, 2, 1], [5, 2, 5, 1, 1]),
        (["85", "100", "20"], [4, 5, 1]),
        (["85%", "50 %"], [4, 3]),
        (["4.5", "3"], [5, 3]),
        (["4,5", "3,0"], [5, 3]),
        (["9/10", "5"], [5, 5]),
        (["4", "5", "1"], [4, 5, 1]),
    ],
)
def test_ratings_are_on_the_scale_of_their_column(cells: list[object], read: list[int]) -> None:
    decision = decide_stars(Column("rating", cells), {})
    assert [stars(cell, **decision.options) for cell in cells] == read


def test_a_scale_is_told_and_a_number_outside_of_it_is_left_out() -> None:
    decision = decide_stars(Column("rating", [5] * 9 + [9]), {})
    assert decision.options == {"scale": 5}
    assert decision.assumed == {"scale": "ratings up to 5"}
    assert decision.notes == ["1 of 10 numbers in the sample are above 5"]
    with pytest.raises(ValueError, match="is not between 1 and 5"):
        stars(9, **decision.options)


def test_numbers_of_no_scale_are_told() -> None:
    for cells in ([101, 1000], [4, 5, 9], [4, 5, 9, 10, 9, 8, 50, 60]):
        decision = decide_scale(Column("rating", cells), {})
        assert decision.notes == ["its numbers fit no scale of 5, 10 or 100 (set scale)"]
        with pytest.raises(ValueError, match="has no clear scale"):
            stars(4, **decision.options)
        assert stars("4/5", **decision.options) == 4


@pytest.mark.parametrize(
    ("value", "share"),
    [
        (0.5, 0.5),
        ("50 %", 0.5),
        ("1", 1),
        ("100%", 1),
        ("12 of 20", 0.6),
        ("85 percent", 0.85),
        ("٨٥٪", 0.85),
        ("%85", 0.85),
        ("85 \uff05", 0.85),
        ("12,5 Prozent", 0.125),
    ],
)
def test_fraction(value: object, share: float) -> None:
    assert fraction(value) == share


@pytest.mark.parametrize("value", [50, "120 %", "-1", "3/0", "half"])
def test_not_a_fraction(value: object) -> None:
    with pytest.raises(ValueError, match=r"0 and 1|number"):
        fraction(value)


@pytest.mark.parametrize(
    ("cells", "read", "assumed"),
    [
        (["85", "100", "1"], [0.85, 1, 0.01], False),
        ([0.85, 1, 0], [0.85, 1, 0], False),
        (["0,85", "1"], [0.85, 1], False),
        ([0, 1], [0, 1], True),
        (["0.5", "85", "100"], [0.005, 0.85, 1], True),
    ],
)
def test_shares_are_of_1_or_of_100_for_the_whole_column(
    cells: list[object], read: list[float], assumed: bool
) -> None:
    decision = decide_fraction(Column("progress", cells), {})
    assert [fraction(cell, **decision.options) for cell in cells] == read
    assert bool(decision.assumed) is assumed


def test_a_column_of_zeros_and_ones_is_per_cent_if_it_is_called_so() -> None:
    decision = decide_fraction(Column("percent complete", ["1", "0"]), {})
    assert fraction("1", **decision.options) == 0.01
    assert decision.assumed == {"scale": "numbers are per cent, as the column's name says"}
    assert decide_fraction(Column("percent complete", ["1", "0.5"]), {}).options["scale"] == 1


FORMS = ["{n}/{scale}", "{n} out of {scale}", "{n} von {scale}", "{n} / {scale} (12 reviews)"]


@given(
    st.lists(
        st.tuples(st.sampled_from([5, 10, 100]), st.integers(1, 100), st.sampled_from(FORMS)), min_size=1
    )
)
def test_a_rating_with_its_scale_is_read_as_it_means(written: list[tuple[int, int, str]]) -> None:
    cells = [form.format(n=min(n, scale), scale=scale) for scale, n, form in written]
    decision = decide_stars(Column("rating", cells), {})
    for (scale, n, _), cell in zip(written, cells, strict=True):
        exact = Fraction(min(n, scale) * 5, scale)
        assert stars(cell, **decision.options) == max(1, int(exact + Fraction(1, 2)))


@given(st.sampled_from([5, 10, 100]), st.lists(st.integers(1, 100), min_size=1))
def test_a_column_of_bare_ratings_is_read_on_its_scale_or_the_scale_is_told(
    scale: int, numbers: list[int]
) -> None:
    cells = [min(n, scale) for n in numbers]
    decision = decide_stars(Column("rating", cells), {})
    if decision.options["scale"] == scale:
        assert all(1 <= stars(cell, **decision.options) <= 5 for cell in cells)
    if used := decision.options["scale"]:
        assert decision.assumed["scale"] == f"ratings up to {used}"
    else:
        assert decision.notes


@given(st.text())
def test_any_text_is_a_rating_or_raises_value_error(text: str) -> None:
    for normaliser in (stars, fraction):
        with suppress(ValueError):
            assert normaliser(text) is not None
    with suppress(ValueError):
        found = rating(text)
        assert found is None or 1 <= found["average"] <= 5
