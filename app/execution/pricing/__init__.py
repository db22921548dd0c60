"""The price of an operation before it runs, and what it took afterwards."""

from app.execution.pricing.argument_values import FILTERS, SIZES, length, searches
from app.execution.pricing.cost import Cost, Priced, price_of_text, priced
from app.execution.pricing.introspection_size import FIELDS, TYPE
from app.execution.pricing.response_cost import ResponseCost

__all__ = [
    "FIELDS",
    "FILTERS",
    "SIZES",
    "TYPE",
    "Cost",
    "Priced",
    "ResponseCost",
    "length",
    "price_of_text",
    "priced",
    "searches",
]
