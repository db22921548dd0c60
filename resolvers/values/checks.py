"""Checks of input values. A check takes the value that the client sent, and returns the value to store.

If the value is not valid, the check raises ValueError with a message for the person who filled in the form,
or NotFoundError if an ID is not a global ID of the expected type.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from math import isfinite
from typing import Any, TypeAlias

from bson import ObjectId

from loaders.codes import is_country, is_currency
from loaders.collections import of_type
from loaders.text import nfc, slugify
from resolvers.relay import decode_id_as
from resolvers.values.plain_text import clean, in_line, is_visible

#: The value of an input field. Any, because different checks take different types.
InputValue: TypeAlias = Any
#: The value to store for an input field. Any, because different checks return different types.
StoredValue: TypeAlias = Any
Check: TypeAlias = Callable[[InputValue], StoredValue]

# Accepts the same addresses as HTML's <input type=email>, but requires a dot in the domain
# (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address).
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_TERM = re.compile(r"[0-9]{4}-[1-9][0-9]?")
_URL = re.compile(r"https?://[^\s<>\"']+")

_MAX_EXAMINED = 80_000  # strings longer than this aren't searched for visible characters
_PASSWORD_LENGTH = (10, 200)  # minimum and maximum length of a password, in characters
_MAX_EMAIL = 254  # maximum length of an e-mail address, in characters
_MAX_SLUG = 80  # maximum length of a slug, in characters
_YEARS = (1970, 2200)  # the years in which a time is valid; the end of the range is exclusive


class NotFoundError(ValueError):
    """Raised if an ID does not identify an object of the expected type."""


def text(most: int) -> Check:
    """Removes control characters and surrounding white space from a string, and checks what is left.

    What is left must contain a visible character, and have at most `most` characters.
    """
    return _text(most, clean)


def line(most: int) -> Check:
    """Like `text`, but also joins all lines into a single line."""
    return _text(most, in_line)


def or_none(check: Check) -> Check:
    """Converts a string without visible characters to None, and applies `check` to any other string.

    Forms send blank strings for empty fields.
    """
    return lambda value: check(value) if len(value) > _MAX_EXAMINED or is_visible(value) else None


def at_most(most: int) -> Check:
    """Checks that a string has at most `most` characters, without changing it."""

    def check(value: str) -> str:
        if len(value) > most:
            raise ValueError(f"Enter at most {most:,} characters.")
        return value

    return check


def _text(most: int, cleaned: Callable[[str], str]) -> Check:
    def check(value: str) -> str:
        if len(value) > 4 * most:  # refused before it is cleaned, because cleaning a very long text is slow
            raise ValueError(f"Enter at most {most:,} characters.")
        stored = cleaned(value)
        if not is_visible(stored):
            raise ValueError("This can't be empty.")
        if len(stored) > most:
            raise ValueError(f"This has {len(stored):,} characters, but at most {most:,} are allowed.")
        return stored

    return check


def compared(most: int) -> Check:
    """Truncates a string to `most` characters. Used for strings that are only compared with stored values.

    All stored values have fewer than `most` characters, so a truncated string is never equal to one of them.
    """
    return lambda value: value[:most]


def whole(least: int, most: int) -> Check:
    """Checks that a value is an integer between `least` and `most`, inclusive."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueError(f"Enter a whole number from {least:,} to {most:,}.")
        return value

    return check


def number(least: float, most: float) -> Check:
    """Checks that a value is a finite number between `least` and `most`, inclusive."""

    def check(value: float) -> float:
        if not (isfinite(value) and least <= value <= most):
            raise ValueError(f"Enter a number from {least:g} to {most:g}.")
        return float(value)

    return check


def each(check: Check, most: int) -> Check:
    """Checks that a list has at most `most` values, applies `check` to each value, and removes duplicates."""

    def check_all(values: Sequence[InputValue]) -> list[StoredValue]:
        if len(values) > most:
            raise ValueError(f"Enter at most {most} values.")
        return list(dict.fromkeys(check(value) for value in values))

    return check_all


def global_id(type_name: str) -> Check:
    """Checks that a value is a global ID of this type, and converts it to its ObjectId."""

    def check(value: str) -> ObjectId:
        if (object_id := decode_id_as(type_name, value)) is None:
            raise NotFoundError(f"There is no {noun(type_name)} with this ID.")
        return object_id

    return check


def noun(type_name: str) -> str:
    """Returns the noun that messages use for an object of this type."""
    row = of_type(type_name)
    return row.noun if row else type_name


def email(value: str) -> str:
    """Checks an e-mail address and returns it in lower case."""
    address = value.strip().lower() if len(value) <= 2 * _MAX_EMAIL else ""
    if len(address) > _MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise ValueError("Enter an e-mail address, such as name@example.org.")
    return address


def password(value: str) -> str:
    """Checks the length and variety of a new password. All characters are allowed and left unchanged."""
    least, most = _PASSWORD_LENGTH
    if not least <= len(value) <= most:
        raise ValueError(f"A password must have {least} to {most} characters.")
    if len(set(value)) < 4:
        raise ValueError("This password is too simple: use at least 4 different characters.")
    return value


def slug(value: str) -> str:
    """Checks that a slug has the same form as slugs generated from titles, and composes its characters.

    Letters can be in any script.
    """
    if len(value) <= _MAX_SLUG:
        value = nfc(value)
    if not 1 <= len(value) <= _MAX_SLUG or slugify(value) != value:
        raise ValueError(
            "A slug must consist of lower-case letters and digits, joined by single hyphens, such as"
            " web-design-2."
        )
    return value


def currency(value: str) -> str:
    if not is_currency(value):
        raise ValueError("Enter an ISO 4217 currency code, such as EUR.")
    return value


def country(value: str) -> str:
    if value == "UK":
        raise ValueError("The ISO 3166-1 code of the United Kingdom is GB.")
    if not is_country(value):
        raise ValueError("Enter an ISO 3166-1 country code of two capital letters, such as DE.")
    return value


def language(value: str) -> str:
    if len(value) > 35 or not _LANGUAGE.fullmatch(value):
        raise ValueError("Enter a BCP 47 language tag, such as en or pt-BR.")
    return value


def term(value: str) -> str:
    if not _TERM.fullmatch(value):
        raise ValueError("A term must be a year and a number, such as 2014-3.")
    return value


def url(value: str) -> str:
    if len(value) > 500 or not _URL.fullmatch(value):
        raise ValueError("Enter a URL of at most 500 characters that starts with https:// or http://.")
    return value


def key(value: str) -> str:
    """Checks the length of an idempotency key."""
    if not 1 <= len(value) <= 200:
        raise ValueError("An idempotency key must have 1 to 200 characters: use a UUID, for example.")
    return value


def choice(value: Enum) -> StoredValue:
    """Converts an enum member to the value that is stored for it."""
    return value.value


def unchanged(value: InputValue) -> StoredValue:
    """Accepts every value that the GraphQL type allows, and returns it unchanged."""
    return value


def moment(value: datetime) -> datetime:
    """Checks a time, converts it to UTC and truncates it to milliseconds, the precision of MongoDB.

    A time without a zone is taken to be in UTC.
    """
    first, last = _YEARS
    if not first <= value.year < last:
        raise ValueError(f"Enter a time between the years {first} and {last - 1}.")
    in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)
