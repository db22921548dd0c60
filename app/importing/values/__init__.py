"""Values as files have them, normalised: dates, numbers, texts."""

from app.importing.values.normalisers import NORMALISERS, options

__all__ = [
    "NORMALISERS",
    "options",
]
