"""The arithmetic of ratings: pure functions without a database."""

from collections.abc import Sequence
from math import sqrt

from loaders.model.documents import ImportedRating, RatingDoc

# The prior of the Bayesian average: m and C in (C*m + sum) / (C + count). They are constants, not the
# catalogue's own mean, so that a review of one course doesn't shift others in a list ordered by rating.
PRIOR_MEAN = 3.5
PRIOR_WEIGHT = 10

_Z = 1.959963984540054  # the 0.975 quantile of the normal distribution: a 95 % interval


def summarise(stars: Sequence[int], imported: ImportedRating | None = None) -> RatingDoc:
    """The rating of a course, from its reviews and from an average imported without reviews.

    stars: the number of published reviews with each rating, one star first. imported: weighs as much as
    `count` reviews do.
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
