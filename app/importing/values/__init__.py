"""Normalisers, which convert the dates, numbers and strings in a file to stored values."""

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.normalisers import NORMALISERS, Normaliser, option_error, options

__all__ = [
    "NORMALISERS",
    "Column",
    "Decision",
    "Normaliser",
    "Options",
    "option_error",
    "options",
]
