"""Checks of input values: each takes a value as the client sent it and returns it as it is to be stored.

A check raises ValueError with a sentence for the person who filled in the form, or NotFoundError for an ID
that is not a global ID of the expected type.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from math import isfinite
from typing import Any, TypeAlias

from bson import ObjectId

from loaders.collections import of_type
from loaders.text import slugify
from resolvers.relay import decode_id_as
from resolvers.values.currencies import CURRENCIES
from resolvers.values.plain_text import clean, in_line, is_visible

#: The value of an input field; each check has its own type.
InputValue: TypeAlias = Any
#: The value to be stored for it.
StoredValue: TypeAlias = Any
Check: TypeAlias = Callable[[InputValue], StoredValue]

# What HTML's <input type=email> accepts, but with a dot in the domain
# (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address).
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_TERM = re.compile(r"[0-9]{4}-[1-9][0-9]?")
_URL = re.compile(r"https?://[^\s<>\"']+")

_MAX_EXAMINED = 80_000  # characters: the most that `text` examines for any field
_PASSWORD_LENGTH = (10, 200)  # characters
_MAX_EMAIL = 254  # characters
_MAX_SLUG = 80  # characters
_YEARS = (1970, 2200)


class NotFoundError(ValueError):
    """An ID does not identify an object of the expected type."""


def text(most: int) -> Check:
    """Checks text of at most `most` characters, after HTML and surrounding white space are removed."""
    return _text(most, clean)


def line(most: int) -> Check:
    """Checks text like `text`, but as a single line."""
    return _text(most, in_line)


def or_none(check: Check) -> Check:
    """Stores None for a text without visible characters, as a form sends it for a field left empty."""
    return lambda value: check(value) if len(value) > _MAX_EXAMINED or is_visible(value) else None


def at_most(most: int) -> Check:
    """Checks text of at most `most` characters, which is stored unchanged."""

    def check(value: str) -> str:
        if len(value) > most:
            raise ValueError(f"At most {most:,} characters, please.")
        return value

    return check


def _text(most: int, cleaned: Callable[[str], str]) -> Check:
    def check(value: str) -> str:
        if len(value) > 4 * most:  # too long to be worth cleaning
            raise ValueError(f"At most {most:,} characters, please.")
        stored = cleaned(value)
        if not is_visible(stored):
            raise ValueError("Write something here.")
        if len(stored) > most:
            raise ValueError(f"At most {most:,} characters, please: this text has {len(stored):,}.")
        return stored

    return check


def compared(most: int) -> Check:
    """Cuts a text to `most` characters, for text that is only compared with stored values.

    Stored values are shorter, so a longer text equals none of them, before and after it is cut.
    """
    return lambda value: value[:most]


def whole(least: int, most: int) -> Check:
    """Checks an integer from `least` to `most`."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueError(f"Enter a whole number from {least:,} to {most:,}.")
        return value

    return check


def number(least: float, most: float) -> Check:
    """Checks a finite number from `least` to `most`."""

    def check(value: float) -> float:
        if not (isfinite(value) and least <= value <= most):
            raise ValueError(f"Enter a number from {least:g} to {most:g}.")
        return float(value)

    return check


def each(check: Check, most: int) -> Check:
    """Checks a list of at most `most` values and each value in it, and removes duplicates."""

    def check_all(values: Sequence[InputValue]) -> list[StoredValue]:
        if len(values) > most:
            raise ValueError(f"At most {most} values, please.")
        return list(dict.fromkeys(check(value) for value in values))

    return check_all


def global_id(type_name: str) -> Check:
    """Checks a global ID of a type and returns its ObjectId."""

    def check(value: str) -> ObjectId:
        if (object_id := decode_id_as(type_name, value)) is None:
            raise NotFoundError(f"There is no {noun(type_name)} with this ID.")
        return object_id

    return check


def noun(type_name: str) -> str:
    """Returns the word for an object of a type in messages."""
    row = of_type(type_name)
    return row.noun if row else type_name


def email(value: str) -> str:
    """Checks an e-mail address and returns it in lower case."""
    address = value.strip().lower() if len(value) <= 2 * _MAX_EMAIL else ""
    if len(address) > _MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise ValueError("This is not an e-mail address, such as name@example.org.")
    return address


def password(value: str) -> str:
    """Checks the length and variety of a new password. Any characters are allowed, and none is changed."""
    least, most = _PASSWORD_LENGTH
    if not least <= len(value) <= most:
        raise ValueError(f"A password must have {least} to {most} characters.")
    if len(set(value)) < 4:
        raise ValueError("This password is too simple: use at least 4 different characters.")
    return value


def slug(value: str) -> str:
    """Checks a slug: it must have the form of slugs made from titles. Letters may be of any script."""
    if not 1 <= len(value) <= _MAX_SLUG or slugify(value) != value:
        raise ValueError(
            "A slug has only lower-case letters and digits, joined by single hyphens: web-design-2."
        )
    return value


def currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("This is not an ISO 4217 currency code, such as EUR.")
    return value


def country(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()):
        raise ValueError("This is not an ISO 3166-1 country code of two capital letters, such as DE.")
    return value


def language(value: str) -> str:
    if len(value) > 35 or not _LANGUAGE.fullmatch(value):
        raise ValueError("This is not a BCP 47 language tag, such as en or pt-BR.")
    return value


def term(value: str) -> str:
    if not _TERM.fullmatch(value):
        raise ValueError("A term is a year and a number: 2014-3.")
    return value


def url(value: str) -> str:
    if len(value) > 500 or not _URL.fullmatch(value):
        raise ValueError("This is not a URL that begins with https:// or http://.")
    return value


def key(value: str) -> str:
    """Checks an idempotency key."""
    if not 1 <= len(value) <= 200:
        raise ValueError("An idempotency key must have 1 to 200 characters: use a UUID, for example.")
    return value


def choice(value: Enum) -> StoredValue:
    """Returns the stored value of an enum."""
    return value.value


def unchanged(value: InputValue) -> StoredValue:
    """Accepts any value that GraphQL has typed, and stores it unchanged."""
    return value


def moment(value: datetime) -> datetime:
    """Checks a time and returns it in UTC, cut to milliseconds as MongoDB stores it. No zone means UTC."""
    first, last = _YEARS
    if not first <= value.year < last:
        raise ValueError(f"Enter a time in the years {first} to {last - 1}.")
    in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)
