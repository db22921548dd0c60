"""The price of an operation before it runs, and what it took afterwards."""

from app.execution.pricing.argument_values import FILTERS, SIZES, length, searches
from app.execution.pricing.cost import Cost, Priced, price_of, price_of_text, priced
from app.execution.pricing.introspection_size import FIELDS, TYPE
from app.execution.pricing.response_size import ResponseSize

__all__ = [
    "FIELDS",
    "FILTERS",
    "SIZES",
    "TYPE",
    "Cost",
    "Priced",
    "ResponseSize",
    "length",
    "price_of",
    "price_of_text",
    "priced",
    "searches",
]
