"""Checks of input values. A check takes the value that the client sent, and returns the value to store.

If the value is not valid, the check raises InvalidValueError, or NotFoundError if an ID is not a global ID of
the expected type.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum

from bson import ObjectId

from loaders.codes import is_country, is_currency
from loaders.collections import of_type
from loaders.model import url_problem
from loaders.text import nfc, slugify
from resolvers.errors import Reason
from resolvers.inputs import Bounds
from resolvers.relay import decode_id_as
from resolvers.values.input_check import Check, InputValue, InvalidValueError, NotFoundError, StoredValue
from resolvers.values.plain_text import clean, in_line, is_visible

# Accepts the same addresses as HTML's <input type=email>, but requires a dot in the domain
# (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address).
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_TERM = re.compile(r"[0-9]{4}-[1-9][0-9]?")

_MAX_EXAMINED = 80_000  # strings longer than this aren't searched for visible characters
_PASSWORD_CHARACTERS = 4  # minimum number of different characters in a password
_YEARS = (1970, 2200)  # the years in which a time is valid; the end of the range is exclusive


def _bounded(
    *, min_length: int = 0, max_length: int | None = None, format: str | None = None, trimmed: bool = False
) -> Callable[[Callable[[str], str]], Check]:
    """Declares a check of a string that also enforces bounds on the string's length, before anything else.

    trimmed: whether surrounding white space is removed first.
    """

    def declare(function: Callable[[str], str]) -> Check:
        def check(value: str) -> str:
            value = value.strip() if trimmed else value
            if not value and min_length:
                raise InvalidValueError("This can't be empty.", "REQUIRED")
            if len(value) < min_length:
                raise InvalidValueError(
                    f"Enter at least {min_length} characters.", "TOO_SHORT", min=min_length
                )
            if max_length is not None and len(value) > max_length:
                raise InvalidValueError(f"Enter at most {max_length} characters.", "TOO_LONG", max=max_length)
            return function(value)

        return Check(check, Bounds(min_length or None, max_length, format=format))

    return declare


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
    return Check(
        lambda value: check(value) if len(value) > _MAX_EXAMINED or is_visible(value) else None,
        check.bounds._replace(min_length=None),
    )


def at_most(most: int) -> Check:
    """Checks that a string has at most `most` characters, without changing it."""
    return _bounded(max_length=most)(lambda value: value)


def _text(most: int, cleaned: Callable[[str], str]) -> Check:
    def check(value: str) -> str:
        if len(value) > 4 * most:  # refused before it is cleaned, because cleaning a very long text is slow
            raise InvalidValueError(f"Enter at most {most:,} characters.", "TOO_LONG", max=most)
        stored = cleaned(value)
        if not is_visible(stored):
            raise InvalidValueError("This can't be empty.", "REQUIRED")
        if len(stored) > most:
            message = f"This has {len(stored):,} characters, but at most {most:,} are allowed."
            raise InvalidValueError(message, "TOO_LONG", max=most)
        return stored

    return Check(check, Bounds(min_length=1, max_length=most))


def compared(most: int) -> Check:
    """Truncates a string to `most` characters. Used for strings that are only compared with stored values.

    All stored values have fewer than `most` characters, so a truncated string is never equal to one of them.
    """
    return Check(lambda value: value[:most])


def whole(least: int, most: int) -> Check:
    """Checks that a value is an integer between `least` and `most`, inclusive."""
    return _between(least, most, f"Enter a whole number from {least:,} to {most:,}.", int)


def number(least: float, most: float) -> Check:
    """Checks that a value is a finite number between `least` and `most`, inclusive."""
    return _between(least, most, f"Enter a number from {least:g} to {most:g}.", float)


def _between(least: float, most: float, message: str, converted: Callable[[float], float]) -> Check:
    def check(value: float) -> float:
        if not value >= least:  # also if it is not a number (NaN)
            raise InvalidValueError(message, "TOO_SMALL", min=least)
        if value > most:
            raise InvalidValueError(message, "TOO_LARGE", max=most)
        return converted(value)

    return Check(check, Bounds(min=least, max=most))


def each(check: Check, most: int) -> Check:
    """Checks that a list has at most `most` values, applies `check` to each value, and removes duplicates.

    If a value is not valid, the error's `params` have its index as `item`.
    """

    def checked(index: int, value: InputValue) -> StoredValue:
        try:
            return check(value)
        except InvalidValueError as error:
            error.params["item"] = index
            raise

    def check_all(values: Sequence[InputValue]) -> list[StoredValue]:
        if len(values) > most:
            raise InvalidValueError(f"Enter at most {most} values.", "TOO_LONG", max=most)
        return list(dict.fromkeys(checked(index, value) for index, value in enumerate(values)))

    return Check(check_all, check.bounds._replace(max_items=most))


def global_id(type_name: str) -> Check:
    """Checks that a value is a global ID of this type, and converts it to its ObjectId."""

    def check(value: str) -> ObjectId:
        if (object_id := decode_id_as(type_name, value)) is None:
            raise NotFoundError(f"There is no {noun(type_name)} with this ID.")
        return object_id

    return Check(check)


def noun(type_name: str) -> str:
    """Returns the noun that messages use for an object of this type."""
    row = of_type(type_name)
    return row.noun if row else type_name


@_bounded(max_length=254, format="email", trimmed=True)
def email(value: str) -> str:
    """Checks an e-mail address and returns it in lower case, without surrounding white space."""
    address = value.lower()
    if not _EMAIL.fullmatch(address):
        raise InvalidValueError("Enter an e-mail address, such as name@example.org.", "NOT_AN_EMAIL")
    return address


def mailbox(address: str) -> str:
    """Returns a checked address without the tag that most mail servers ignore, as in `ada+tag@example.org`.

    For limits only: such addresses are different ones everywhere else.
    """
    name, _, domain = address.rpartition("@")
    return f"{name.partition('+')[0] or name}@{domain}"


@_bounded(min_length=10, max_length=200)
def password(value: str) -> str:
    """Checks the length and variety of a new password. All characters are allowed and left unchanged."""
    if len(set(value)) < _PASSWORD_CHARACTERS:
        message = f"This password is too simple: use at least {_PASSWORD_CHARACTERS} different characters."
        raise InvalidValueError(message, "WEAK_PASSWORD", min=_PASSWORD_CHARACTERS)
    return value


@_bounded(min_length=1, max_length=80, format="slug")
def slug(value: str) -> str:
    """Checks that a slug has the same form as slugs generated from titles, and composes its characters.

    Letters can be in any script.
    """
    value = nfc(value)
    if slugify(value) != value:
        raise InvalidValueError(
            "A slug must consist of lower-case letters and digits, joined by single hyphens, such as"
            " web-design-2.",
            "NOT_A_SLUG",
        )
    return value


@_bounded(format="currency")
def currency(value: str) -> str:
    if not is_currency(value):
        raise InvalidValueError("Enter an ISO 4217 currency code, such as EUR.", "UNKNOWN_CURRENCY")
    return value


@_bounded(format="country")
def country(value: str) -> str:
    if value == "UK":
        raise InvalidValueError("The ISO 3166-1 code of the United Kingdom is GB.", "UNKNOWN_COUNTRY")
    if not is_country(value):
        message = "Enter an ISO 3166-1 country code of two capital letters, such as DE."
        raise InvalidValueError(message, "UNKNOWN_COUNTRY")
    return value


@_bounded(max_length=35, format="language")
def language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise InvalidValueError("Enter a BCP 47 language tag, such as en or pt-BR.", "UNKNOWN_LANGUAGE")
    return value


@_bounded(format="term")
def term(value: str) -> str:
    if not _TERM.fullmatch(value):
        raise InvalidValueError("A term must be a year and a number, such as 2014-3.", "NOT_A_TERM")
    return value


@_bounded(max_length=500, format="url")
def url(value: str) -> str:
    if url_problem(value) is not None:
        raise InvalidValueError("Enter a URL that starts with https:// or http://.", "NOT_A_URL")
    return value


@_bounded(max_length=500, format="https")
def https_url(value: str) -> str:
    if url_problem(value, https_only=True) is not None:
        reason: Reason = "NOT_A_URL" if url_problem(value) is not None else "NOT_HTTPS"
        raise InvalidValueError("Enter a URL that starts with https://.", reason)
    return value


@_bounded(min_length=1, max_length=200)
def key(value: str) -> str:
    """Checks the length of an idempotency key."""
    return value


@Check
def choice(value: Enum) -> StoredValue:
    """Converts an enum member to the value that is stored for it."""
    return value.value


@Check
def unchanged(value: InputValue) -> StoredValue:
    """Accepts every value that the GraphQL type allows, and returns it unchanged."""
    return value


@Check
def moment(value: datetime) -> datetime:
    """Checks a time, converts it to UTC and truncates it to milliseconds, the precision of MongoDB.

    A time without a zone is taken to be in UTC.
    """
    first, last = _YEARS
    message = f"Enter a time between the years {first} and {last - 1}."
    # A year more at each end, because the year in UTC can be another one; there, times can be converted.
    year = value.year
    if first - 1 <= year <= last:
        value = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        year = value.year
    if year < first:
        raise InvalidValueError(message, "TOO_SMALL", min=f"{first}-01-01T00:00:00Z")
    if year >= last:
        raise InvalidValueError(message, "TOO_LARGE", max=f"{last - 1}-12-31T23:59:59Z")
    return value.replace(microsecond=value.microsecond // 1000 * 1000)
