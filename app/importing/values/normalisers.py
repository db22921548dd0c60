"""The table of normalisers, keyed by the name that a mapping uses in `as`.

A normaliser is a pure function that converts a cell to a stored value. It is never called with null or with a
sentinel (a string that means "no value"). It raises ValueError for an invalid value. The error message
completes a sentence that begins with the value, for example "is not a number". The options of a normaliser
are its keyword-only parameters. If a single cell doesn't show which options are right, they can be decided
for the whole column (see columns.py).
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any, Literal, get_args, get_origin

from app.importing.values import (
    credit_numbers,
    dates,
    durations,
    enums,
    lists,
    names,
    numbers,
    person_names,
    prices,
    ratings,
    texts,
)
from app.importing.values.columns import NOTHING, Column, Decide, Decision, Options
from loaders.codes import minor_units
from loaders.text import slugify


def _undecided(column: Column, given: Options) -> Decision:
    return NOTHING


@dataclass(frozen=True)
class Normaliser:
    """A function that reads a cell, and a function that decides the options with which a column is read.

    omissible: options that are not passed if they are read from a column without a value in the row.
    """

    read: Callable[..., Any]  # the options and the result type vary by normaliser
    decide: Decide = _undecided
    omissible: frozenset[str] = frozenset()


def slug(value: object) -> str:
    """Converts a string to a form suitable for a URL path: "Node.JS" becomes "node-js"."""
    converted = slugify(texts.text(value))
    if not converted:
        raise ValueError("has no letters or digits to make a slug from")
    return converted


NORMALISERS: dict[str, Normaliser] = {
    "text": Normaliser(texts.text),
    "line": Normaliser(texts.line),
    "plain": Normaliser(texts.plain),
    "markdown": Normaliser(texts.markdown),
    "slug": Normaliser(slug),
    "list": Normaliser(lists.items, lists.decide_separator),
    "references": Normaliser(lists.references, lists.decide_references),
    "people": Normaliser(person_names.people, person_names.decide_people),
    "constant": Normaliser(enums.constant),
    "boolean": Normaliser(enums.boolean),
    "integer": Normaliser(numbers.count),
    "decimal": Normaliser(numbers.decimal, numbers.decimal_mark),
    "fraction": Normaliser(ratings.fraction, ratings.decide_fraction),
    "stars": Normaliser(ratings.stars, ratings.decide_stars),
    "hours": Normaliser(durations.hours, numbers.decimal_mark),
    "duration": Normaliser(durations.duration, durations.decide_duration),
    "rating": Normaliser(ratings.rating, ratings.decide_rating, frozenset(("count",))),
    "credits": Normaliser(credit_numbers.credits_of, numbers.decimal_mark),
    "url": Normaliser(texts.url),
    "image_url": Normaliser(texts.image_url),
    "price": Normaliser(prices.price, prices.decide_price),
    "modes": Normaliser(enums.modes),
    "mode": Normaliser(enums.mode),
    "seats": Normaliser(numbers.seats),
    "level": Normaliser(enums.level),
    "language": Normaliser(names.language),
    "country": Normaliser(names.country),
    "date": Normaliser(dates.date, dates.decide_date),
    "end_date": Normaliser(dates.end_date, dates.decide_date),
    "day_offset": Normaliser(dates.day_offset),
}


def options(name: str) -> dict[str, inspect.Parameter]:
    """Returns the options of a normaliser: its keyword-only parameters."""
    parameters = inspect.signature(NORMALISERS[name].read).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def option_error(parameter: inspect.Parameter, value: object) -> str | None:
    """Returns why a constant can't be the value of an option, or None if it can."""
    accepted = [kind for kind in get_args(parameter.annotation) if kind is not type(None)] or [
        parameter.annotation
    ]
    choices = [choice for kind in accepted if get_origin(kind) is Literal for choice in get_args(kind)]
    if choices:
        return None if value in choices and type(value) is not bool else f"must be one of {_listed(choices)}"
    if bool in accepted:
        return None if isinstance(value, bool) else "must be true or false"
    if float in accepted:
        positive = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf
        return None if positive else "must be a number above 0"
    if str in accepted and not isinstance(value, str):
        return "must be a string"
    check = _CHECKS.get(parameter.name)
    return check(str(value)) if check else None


def _currency_error(code: str) -> str | None:
    return None if minor_units(code) is not None else f"ISO 4217 has no currency “{code}”"


def _format_error(pattern: str) -> str | None:
    try:
        datetime.strptime("", pattern)
    except ValueError as error:
        return str(error) if "directive" in str(error) or "%" in str(error) else None
    except re.error:
        return "can't be used: it has the same directive twice"
    return None


#: Further checks of options, by the name of the option.
_CHECKS: Mapping[str, Callable[[str], str | None]] = {"currency": _currency_error, "format": _format_error}


def _listed(choices: list[object]) -> str:
    return ", ".join(f"“{choice}”" if isinstance(choice, str) else str(choice) for choice in choices)
