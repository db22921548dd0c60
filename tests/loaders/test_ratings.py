"""The arithmetic of ratings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.model import ImportedRating
from loaders.model.ratings import PRIOR_MEAN, PRIOR_WEIGHT, summarise, wilson

stars = st.lists(st.integers(0, 1000), min_size=5, max_size=5)


def test_without_ratings_there_is_no_average() -> None:
    assert summarise([0] * 5) == {
        "ratingAverage": None,
        "ratingBayesian": PRIOR_MEAN,
        "ratingCount": 0,
        "ratingStars": [0] * 5,
        "importedRating": None,
    }


@pytest.mark.parametrize(("average", "count"), [(4.7, 55), (4.2, 85), (4.5, 68), (4.5, 28), (4.2, 150)])
def test_an_imported_average_alone_is_kept_as_it_is(average: float, count: int) -> None:
    rating = summarise([0] * 5, {"average": average, "count": count})
    assert (rating["ratingAverage"], rating["ratingCount"]) == (average, count)


def test_an_imported_average_is_weighted_by_its_count() -> None:
    rating = summarise([1, 0, 0, 0, 1], {"average": 4.5, "count": 2})
    assert (rating["ratingAverage"], rating["ratingCount"]) == (3.75, 4)


def test_an_imported_average_without_a_count_counts_for_nothing() -> None:
    imported: ImportedRating = {"average": 5.0, "count": None}
    assert summarise([1, 0, 0, 0, 1], imported) == {**summarise([1, 0, 0, 0, 1]), "importedRating": imported}


@given(stars)
def test_the_bayesian_average_lies_between_the_prior_and_the_mean(counts: list[int]) -> None:
    rating = summarise(counts)
    mean = PRIOR_MEAN if rating["ratingAverage"] is None else rating["ratingAverage"]
    assert min(mean, PRIOR_MEAN) - 1e-4 <= rating["ratingBayesian"] <= max(mean, PRIOR_MEAN) + 1e-4
    total = sum(n * (i + 1) for i, n in enumerate(counts))
    expected = (PRIOR_WEIGHT * PRIOR_MEAN + total) / (PRIOR_WEIGHT + sum(counts))
    assert rating["ratingBayesian"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("helpful", "unhelpful", "bound"),
    [(0, 0, 0.0), (0, 5, 0.0), (1, 0, 0.206549), (10, 0, 0.722467), (90, 10, 0.825633)],
)
def test_wilson(helpful: int, unhelpful: int, bound: float) -> None:
    """The expected values come from the closed formula, computed independently of the code."""
    assert wilson(helpful, unhelpful) == pytest.approx(bound, abs=2e-4)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_wilson_is_below_the_share_and_grows_with_each_helpful_vote(helpful: int, unhelpful: int) -> None:
    bound = wilson(helpful, unhelpful)
    assert 0 <= bound <= helpful / max(1, helpful + unhelpful) + 1e-6
    assert wilson(helpful + 1, unhelpful) >= bound
    assert wilson(helpful, unhelpful + 1) <= bound
