"""The table of normalisers, keyed by the name that a mapping uses in `as`.

A normaliser is a pure function that converts a cell to a stored value. It is never called with null or
with a sentinel (a string that means "no value"). It raises ValueError for an invalid value. The error message
completes a sentence that begins with the value, for example "is not a number".
"""

import inspect
from collections.abc import Callable
from typing import Any

from app.importing.values import dates, numbers, text_values
from loaders.text import slugify

Normaliser = Callable[..., Any]  # the options and the result type vary by normaliser


def slug(value: object) -> str:
    """Converts a string to a form suitable for a URL path: "Node.JS" becomes "node-js"."""
    converted = slugify(text_values.text(value))
    if not converted:
        raise ValueError("has no letters or digits to make a slug from")
    return converted


def constant(value: object) -> str:
    """Converts words to the form of the schema's enum values: "in progress" becomes "IN_PROGRESS"."""
    return text_values.text(value).upper().replace(" ", "_").replace("-", "_")


NORMALISERS: dict[str, Normaliser] = {
    "text": text_values.text,
    "plain": text_values.plain,
    "markdown": text_values.markdown,
    "slug": slug,
    "list": text_values.items,
    "constant": constant,
    "boolean": text_values.boolean,
    "integer": numbers.count,
    "decimal": numbers.decimal,
    "fraction": numbers.fraction,
    "stars": numbers.stars,
    "hours": numbers.hours,
    "duration": numbers.duration,
    "rating": numbers.rating,
    "price": numbers.price,
    "modes": text_values.modes,
    "level": text_values.level,
    "language": text_values.language,
    "country": text_values.country,
    "date": dates.date,
    "day_offset": dates.day_offset,
}


def options(name: str) -> dict[str, inspect.Parameter]:
    """Returns the options of a normaliser: its keyword-only parameters."""
    parameters = inspect.signature(NORMALISERS[name]).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
