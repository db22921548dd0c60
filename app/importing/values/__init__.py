"""Normalisers, which convert the dates, numbers and strings in a file to stored values."""

from app.importing.values.normalisers import NORMALISERS, options

__all__ = [
    "NORMALISERS",
    "options",
]
