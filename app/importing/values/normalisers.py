"""The table of normalisers, by the name that a mapping gives in `as`.

A normaliser is a pure function from a cell to a stored value. It is never called with null or a sentinel. It
raises ValueError with the rest of a sentence that begins with the value: "is not a number".
"""

import inspect
from collections.abc import Callable
from typing import Any

from app.importing.values import dates, numbers, text_values
from loaders.text import slugify

Normaliser = Callable[..., Any]  # each has options and a result type of its own


def slug(value: object) -> str:
    """Converts a text to a part of a URL: "Node.JS" becomes "node-js"."""
    converted = slugify(text_values.text(value))
    if not converted:
        raise ValueError("has no letter or digit for a slug")
    return converted


def constant(value: object) -> str:
    """Converts words to capitals, as in the enums of the schema."""
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
