"""What the values of an input must be: each check takes a value as it came and gives it as it is stored.

Raises ValueError with a sentence for the person who filled in the form; NotFoundError for an ID that is none.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from math import isfinite
from typing import Any, TypeAlias

from loaders.collections import of_type
from loaders.text import slugify
from resolvers.relay import decode_id_as
from resolvers.values import CURRENCIES
from resolvers.writing.plain_text import clean, in_line, is_visible

Check: TypeAlias = Callable[[Any], Any]

# What HTML's <input type=email> takes (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address),
# with a dot in the domain.
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_TERM = re.compile(r"[0-9]{4}-[1-9][0-9]?")
_URL = re.compile(r"https?://[^\s<>\"']+")

_LONGEST_LOOKED_AT = 80_000  # characters: as many as `text` takes anywhere
_PASSWORD = (10, 200)  # characters
_LONGEST_EMAIL = 254
_LONGEST_SLUG = 80
_YEARS = (1970, 2200)


class NotFoundError(ValueError):
    """An ID is of nothing that is there."""


def text(most: int) -> Check:
    """Text of at most so many characters once HTML and the space around it are gone."""
    return _text(most, clean)


def line(most: int) -> Check:
    """As `text`, in one line."""
    return _text(most, in_line)


def or_none(check: Check) -> Check:
    """What a form sends for a field that nobody filled in is none."""
    return lambda value: check(value) if len(value) > _LONGEST_LOOKED_AT or is_visible(value) else None


def at_most(most: int) -> Check:
    """Text as it is, of at most so many characters."""

    def check(value: str) -> str:
        if len(value) > most:
            raise ValueError(f"At most {most:,} characters, please.")
        return value

    return check


def _text(most: int, cleaned: Callable[[str], str]) -> Check:
    def check(value: str) -> str:
        if len(value) > 4 * most:  # not worth looking at
            raise ValueError(f"At most {most:,} characters, please.")
        told = cleaned(value)
        if not is_visible(told):
            raise ValueError("Write something here.")
        if len(told) > most:
            raise ValueError(f"At most {most:,} characters, please: these are {len(told):,}.")
        return told

    return check


def compared(most: int) -> Check:
    """Text that is looked up or compared with what is stored, which is shorter: what is too long is cut, and
    is equal to none of it as before.
    """
    return lambda value: value[:most]


def whole(least: int, most: int) -> Check:
    """A whole number from `least` to `most`."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueError(f"It takes {least:,} to {most:,}.")
        return value

    return check


def number(least: float, most: float) -> Check:
    """A number from `least` to `most`."""

    def check(value: float) -> float:
        if not (isfinite(value) and least <= value <= most):
            raise ValueError(f"It takes {least:g} to {most:g}.")
        return float(value)

    return check


def each(check: Check, most: int) -> Check:
    """A list of at most so many, each checked; twice the same is once."""

    def checked(values: Sequence[Any]) -> list[Any]:
        if len(values) > most:
            raise ValueError(f"At most {most} of them, please.")
        return list(dict.fromkeys(check(value) for value in values))

    return checked


def global_id(type_name: str) -> Check:
    """The ObjectId of a global ID of a type."""

    def check(value: str) -> Any:
        if (found := decode_id_as(type_name, value)) is None:
            raise NotFoundError(f"There is no {noun(type_name)} with this ID.")
        return found

    return check


def noun(type_name: str) -> str:
    """What messages call an object of a type."""
    row = of_type(type_name)
    return row.noun if row else type_name


def email(value: str) -> str:
    """An e-mail address, in lower case."""
    address = value.strip().lower() if len(value) <= 2 * _LONGEST_EMAIL else ""
    if len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        raise ValueError("This is not an e-mail address, such as name@example.org.")
    return address


def password(value: str) -> str:
    """A password, as it is: any characters, not too few."""
    least, most = _PASSWORD
    if not least <= len(value) <= most:
        raise ValueError(f"A password takes {least} to {most} characters.")
    if len(set(value)) < 4:
        raise ValueError("This password is too simple: it has hardly any different characters.")
    return value


def slug(value: str) -> str:
    """A slug as they are made from titles: letters may be of any script."""
    if not 1 <= len(value) <= _LONGEST_SLUG or slugify(value) != value:
        raise ValueError("A slug has small letters and digits, joined by single hyphens: web-design-2.")
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
    """An idempotency key."""
    if not 1 <= len(value) <= 200:
        raise ValueError("An idempotency key takes 1 to 200 characters: a UUID, for example.")
    return value


def choice(value: Enum) -> Any:
    """The stored value of an enum."""
    return value.value


def as_it_is(value: Any) -> Any:
    return value


def moment(value: datetime) -> datetime:
    """A time in UTC, to the millisecond, as MongoDB stores it. Without a zone it is in UTC."""
    first, last = _YEARS
    if not first <= value.year < last:
        raise ValueError(f"It takes a time from {first} to {last - 1}.")
    in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)
