"""Values of the API: scalars, currencies, amounts of money and rating summaries."""

from resolvers.values.currencies import CURRENCIES, exponent
from resolvers.values.literals import scalar_map
from resolvers.values.money import formatted
from resolvers.values.rating import (
    average,
    bayesian,
    count,
    histogram,
    prior_mean,
    prior_weight,
    summary,
    without_review_count,
)
from resolvers.values.scalars import SCALARS

__all__ = [
    "CURRENCIES",
    "SCALARS",
    "average",
    "bayesian",
    "count",
    "exponent",
    "formatted",
    "histogram",
    "prior_mean",
    "prior_weight",
    "scalar_map",
    "summary",
    "without_review_count",
]
