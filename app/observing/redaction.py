"""Errors as text for the log, without values that might be personal data.

An exception's message often contains values: MongoDB's error about a duplicate key quotes the e-mail address,
and `int("…")` quotes its argument. Only the messages of errors about connections are known to have none.
"""

import re
import traceback
from collections.abc import Iterator

from pymongo.errors import ConnectionFailure, OperationFailure

from loaders.mongo import DatabaseAwayError, DeadlineError, reason_of

_WITHOUT_VALUES = (ConnectionFailure, DatabaseAwayError, DeadlineError, OSError)


#: The parts of a URL that can contain a password or a token.
_SECRETS_IN_URL = re.compile(r"(?<=://)[^/@\s]*@|\?[^\s'\")]*")


class Redaction:
    """What the log of this process may contain. shows_values: whether messages of exceptions are logged."""

    shows_values = False


def redacted(error: BaseException) -> str:
    """Describes an error on one line. Includes its message if that can't contain personal data."""
    if Redaction.shows_values or isinstance(error, _WITHOUT_VALUES):
        return " ".join(reason_of(error).split())
    if isinstance(error, OperationFailure):
        name = (error.details or {}).get("codeName") or type(error).__name__
        return f"{name} ({error.code})"
    return type(error).__name__


def traceback_of(error: BaseException) -> str:
    """Formats an exception, with the exceptions that caused it first, as Python does.

    Frames have no values of variables. Messages are those of `redacted`.
    """
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield from _lines(cause, seen)
        yield "\nwhich caused:\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    name, reason = type(error).__name__, redacted(error)
    yield name if reason == name else f"{name}: {reason}"
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if id(inner) not in seen:
                yield from _lines(inner, seen)


def without_secrets(text: str) -> str:
    """Returns a text without the user names, passwords and query strings of its URLs."""
    return _SECRETS_IN_URL.sub("", text)
