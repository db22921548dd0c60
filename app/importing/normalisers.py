"""The table of normalisers: what a mapping's `as` may say. Pure functions from a cell to a stored value.

A normaliser is never given null, nor a sentinel. It raises ValueError with the rest of a sentence that
begins with the value: "is not a number".
"""

import inspect
from collections.abc import Callable
from typing import Any

from app.importing import dates, numbers, texts
from loaders.slugs import slugify

Normaliser = Callable[..., Any]


def slug(value: Any) -> str:
    """What a URL can hold: "Node.JS" is "node-js"."""
    made = slugify(texts.text(value))
    if not made:
        raise ValueError("has no letter to make a slug of")
    return made


def constant(value: Any) -> str:
    """A word in capitals, as the schema's enumerations have it."""
    return texts.text(value).upper().replace(" ", "_").replace("-", "_")


NORMALISERS: dict[str, Normaliser] = {
    "text": texts.text,
    "plain": texts.plain,
    "markdown": texts.markdown,
    "slug": slug,
    "list": texts.items,
    "constant": constant,
    "boolean": texts.boolean,
    "integer": numbers.count,
    "decimal": numbers.decimal,
    "fraction": numbers.fraction,
    "stars": numbers.stars,
    "hours": numbers.hours,
    "duration": numbers.duration,
    "rating": numbers.rating,
    "price": numbers.price,
    "modes": texts.modes,
    "level": texts.level,
    "language": texts.language,
    "country": texts.country,
    "date": dates.date,
    "day_offset": dates.day_offset,
}


def options(name: str) -> dict[str, inspect.Parameter]:
    """The options of a normaliser: its keyword-only parameters."""
    parameters = inspect.signature(NORMALISERS[name]).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
