"""Normalisers, which convert the dates, numbers and strings in a file to stored values."""

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.enums import kind_of_place
from app.importing.values.normalisers import NORMALISERS, Normaliser, option_error, options
from app.importing.values.numbers import UNLIMITED
from app.importing.values.person_names import NOBODY
from app.importing.values.prices import currency_named, is_currency
from app.importing.values.ratings import have_counts
from app.importing.values.units import unit_named

__all__ = [
    "NOBODY",
    "NORMALISERS",
    "UNLIMITED",
    "Column",
    "Decision",
    "Normaliser",
    "Options",
    "currency_named",
    "have_counts",
    "is_currency",
    "kind_of_place",
    "option_error",
    "options",
    "unit_named",
]
