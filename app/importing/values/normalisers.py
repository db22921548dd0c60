"""The table of normalisers: what a mapping's `as` may say. Pure functions from a cell to a stored value.

A normaliser is never given null, nor a sentinel. It raises ValueError with the rest of a sentence that
begins with the value: "is not a number".
"""

import inspect
from collections.abc import Callable
from typing import Any

from app.importing.values import dates, numbers, text_values
from loaders.text import slugify

Normaliser = Callable[..., Any]


def slug(value: Any) -> str:
    """What a URL can hold: "Node.JS" is "node-js"."""
    made = slugify(text_values.text(value))
    if not made:
        raise ValueError("has no letter to make a slug of")
    return made


def constant(value: Any) -> str:
    """A word in capitals, as the schema's enumerations have it."""
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
    """The options of a normaliser: its keyword-only parameters."""
    parameters = inspect.signature(NORMALISERS[name]).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
