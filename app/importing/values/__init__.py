"""Normalisers, which convert the dates, numbers and strings in a file to stored values."""

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.normalisers import NORMALISERS, Normaliser, option_error, options
from app.importing.values.numbers import UNLIMITED
from app.importing.values.places import kind_of_place
from app.importing.values.ratings import have_counts

__all__ = [
    "NORMALISERS",
    "UNLIMITED",
    "Column",
    "Decision",
    "Normaliser",
    "Options",
    "have_counts",
    "kind_of_place",
    "option_error",
    "options",
]
