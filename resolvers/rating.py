"""RatingSummary: its fields."""

from typing import Any

from loaders.documents import RatingDoc
from loaders.ratings import PRIOR_MEAN, PRIOR_WEIGHT


def histogram(rating: RatingDoc) -> list[dict[str, int]]:
    """Five buckets, 5 stars first."""
    return [{"stars": i + 1, "count": rating["stars"][i]} for i in reversed(range(5))]


def without_review_count(rating: RatingDoc) -> int:
    return rating["imported"]["count"] if rating["imported"] else 0


def prior_mean(_: Any) -> float:
    return PRIOR_MEAN


def prior_weight(_: Any) -> int:
    return PRIOR_WEIGHT
