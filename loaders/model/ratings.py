"""Rating calculations: pure functions that don't use the database."""

from collections.abc import Sequence
from math import sqrt

from loaders.model.documents import ImportedRating, RatingDoc

# The prior of the Bayesian average: m (PRIOR_MEAN) and C (PRIOR_WEIGHT) in (C*m + sum) / (C + count). Both
# are constants. If m were the catalogue's own mean, a review of one course would move other courses in a list
# ordered by rating.
PRIOR_MEAN = 3.5
PRIOR_WEIGHT = 10

_Z = 1.959963984540054  # 0.975 quantile of the standard normal distribution, for a 95 % interval


def summarise(stars: Sequence[int], imported: ImportedRating | None = None) -> RatingDoc:
    """Returns a course's rating, computed from its reviews and an average imported without reviews.

    stars: the number of published reviews with each rating, one star first. imported: the imported average
    and the number of ratings behind it. Without that number, the average can't be weighted, so it is ignored.
    """
    count = sum(stars)
    total = float(sum(n * (i + 1) for i, n in enumerate(stars)))
    if imported and imported["count"] is not None:
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
    """Returns the lower bound of the 95 % Wilson score interval for the share of helpful votes.

    Returns 0 if there are no votes. Source: E. B. Wilson (1927), "Probable inference, the law of succession,
    and statistical inference".
    """
    n = helpful + unhelpful
    if not n:
        return 0.0
    p = helpful / n
    centre = p + _Z * _Z / (2 * n)
    margin = _Z * sqrt((p * (1 - p) + _Z * _Z / (4 * n)) / n)
    return round(max(0.0, (centre - margin) / (1 + _Z * _Z / n)), 6)
