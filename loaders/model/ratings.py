"""The arithmetic of ratings: pure functions, no database."""

from collections.abc import Sequence
from math import sqrt

from loaders.model.documents import ImportedRating, RatingDoc

# The prior of the Bayesian average, m and C of (C*m + sum) / (C + count). Constants, not the catalogue's
# own mean: a page ordered by rating must not shift because a review arrived on another course.
PRIOR_MEAN = 3.5
PRIOR_WEIGHT = 10

_Z = 1.959963984540054  # the 0.975 quantile of the normal distribution: a 95 % interval


def summarise(stars: Sequence[int], imported: ImportedRating | None = None) -> RatingDoc:
    """The rating of a course from its reviews and from an average imported without reviews.

    stars: five counts of published reviews, one star first. An imported average weighs as many ratings as
    its count says.
    """
    count = sum(stars)
    total = float(sum(n * (i + 1) for i, n in enumerate(stars)))
    if imported:
        count += imported["count"]
        total += imported["average"] * imported["count"]
    return {
        "ratingAverage": round(total / count, 4) if count else None,
        "ratingBayesian": round((PRIOR_WEIGHT * PRIOR_MEAN + total) / (PRIOR_WEIGHT + count), 6),
        "ratingCount": count,
        "ratingStars": list(stars),
        "importedRating": imported,
    }


def wilson(helpful: int, unhelpful: int) -> float:
    """The lower bound of the 95 % Wilson score interval for the share of helpful votes; 0 without votes.

    E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    n = helpful + unhelpful
    if not n:
        return 0.0
    p = helpful / n
    centre = p + _Z * _Z / (2 * n)
    margin = _Z * sqrt((p * (1 - p) + _Z * _Z / (4 * n)) / n)
    return round(max(0.0, (centre - margin) / (1 + _Z * _Z / n)), 6)
