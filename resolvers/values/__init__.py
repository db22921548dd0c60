"""Values of the API: scalars, and the currencies that money may be in."""

from resolvers.values.currencies import CURRENCIES, exponent
from resolvers.values.literals import scalar_map
from resolvers.values.scalars import SCALARS

__all__ = [
    "CURRENCIES",
    "SCALARS",
    "exponent",
    "scalar_map",
]
