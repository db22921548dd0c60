"""Converts exceptions to GraphQL errors with a message and a stable code in `extensions.code`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import uuid4

from graphql import GraphQLError
from pymongo.errors import ConnectionFailure, PyMongoError

from app.error_codes import BAD_USER_INPUT, INTERNAL_SERVER_ERROR, OVERLOADED, SERVICE_UNAVAILABLE, TIMEOUT
from app.observing import Throttled, ThrottledErrors, redacted
from loaders.mongo import (
    INTERRUPTED,
    ClientGoneError,
    DatabaseAwayError,
    DeadlineError,
    OutcomeUnknownError,
    UnfinishedError,
)
from resolvers.errors import LecternError

#: An error in a response, as the GraphQL specification defines it: message, locations, path, extensions.
ErrorDict: TypeAlias = dict[str, Any]  # maps names to JSON values

OUR_FAULT = "Something went wrong on our side."
_AWAY = "The database is not responding. Try again."
_PAST_DEADLINE = "The request took too long. Request less data, or try again."
_UNFINISHED = (
    "The request took too long. Its write has begun and can't be undone, and the rest of its work goes on."
)
_OUTCOME_UNKNOWN = (
    "The request took too long, and it is not known yet whether its write was committed or will be. "
    "Send it again with the same idempotencyKey: the write is then executed only once."
)
_CLIENT_GONE = "The client has disconnected."  # nobody reads this message

_LONGEST = 500  # maximum length of a message, in characters
_MOST_LOCATIONS = 10

_FIELD_FAILED = ThrottledErrors("field failed")
_REQUEST_FAILED = ThrottledErrors("request failed")
_COMMIT_LATE = Throttled("a commit outlived its request: waiting for its outcome")
_LATE = Throttled("a request exceeded its deadline")
_NO_ANSWER = Throttled("a request failed: MongoDB is not responding")
_CONFLICTS = Throttled("a write was abandoned: it kept conflicting with other writes")

#: Matches passwords and tokens in graphql-core's messages, which quote the input: `'password': 'x'` from
#: variables, `password: "x"` from a document.
_SECRET = re.compile(
    r"""
    ((?:password|token)\w{0,20}['"]?
     (?:\ has\ invalid\ value)?:[ ]
     (?:\w{1,20}\ cannot\ represent\ [a-z ]{1,40}:[ ])?)
    (?:\"{3}.*?\"{3} | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [\[{].* | -?\d[\w.+-]* | (?:true|false)\b)
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def shortened(message: str) -> str:
    """Truncates a long message, because graphql-core's messages quote the client's input in full."""
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…"


def request_errors(errors: list[GraphQLError], code: str) -> list[ErrorDict]:
    """Converts errors to JSON, for a request that was not executed. Removes passwords and tokens.

    code: the error code to add to each error.
    """
    return [_error_dict(error, _SECRET.sub(r"\1…", error.message), {"code": code}) for error in errors]


def field_error(error: GraphQLError) -> ErrorDict:
    """Converts an error that occurred in a field.

    If the client can act on the error, it gets the message. Any other error is masked: the client gets only
    an id, and the details are logged with that id.
    """
    cause = error.original_error
    if isinstance(cause, LecternError):
        extensions: dict[str, Any] = {"code": cause.code, **cause.details}  # JSON values
        if cause.retry_after is not None:
            extensions["retryAfter"] = cause.retry_after
        return _error_dict(error, cause.message, extensions)
    origin = cause or error
    if type(origin) is GraphQLError and _is_about_arguments(origin):
        return _error_dict(error, error.message, {"code": BAD_USER_INPUT})
    if no_answer := _no_answer(cause):
        return _error_dict(error, *no_answer)
    error_id = uuid4().hex
    _FIELD_FAILED.error(cause or error, error_id=error_id, path=error.path)
    return _error_dict(error, OUR_FAULT, _masked(INTERNAL_SERVER_ERROR, error_id))


def nothing_done(errors: Sequence[ErrorDict], *, has_data: bool, wrote: bool) -> bool:
    """Returns whether an operation had no effect because MongoDB is unavailable or the gateway overloaded.

    This is the case if every error is SERVICE_UNAVAILABLE or OVERLOADED, no root field has a value and no
    commit was sent. wrote: whether the request has sent a commit.
    """
    unavailable = all(error["extensions"]["code"] in {SERVICE_UNAVAILABLE, OVERLOADED} for error in errors)
    return bool(errors) and unavailable and not has_data and not wrote


def _no_answer(error: Exception | None) -> tuple[str, dict[str, str]] | None:
    """Returns the message and extensions for an error with a temporary cause, otherwise None.

    The temporary causes are a missed deadline, an unavailable MongoDB, write conflicts, a killed command and
    a client that has disconnected. All but the last are logged as warnings. Repeated warnings are throttled.
    """
    match error:
        case OutcomeUnknownError():
            _COMMIT_LATE.warning()
            return _OUTCOME_UNKNOWN, {"code": TIMEOUT}
        case DeadlineError():
            _LATE.warning()
            message = _UNFINISHED if isinstance(error, UnfinishedError) else _PAST_DEADLINE
            return message, {"code": TIMEOUT}
        case ClientGoneError():
            return _CLIENT_GONE, {"code": TIMEOUT}
        case DatabaseAwayError() | ConnectionFailure():
            _NO_ANSWER.warning(reason=redacted(error))
            return _AWAY, {"code": SERVICE_UNAVAILABLE}
        case PyMongoError() if _may_be_repeated(error):
            _CONFLICTS.warning(reason=redacted(error))
            return _AWAY, {"code": SERVICE_UNAVAILABLE}
    return None


def _may_be_repeated(error: PyMongoError) -> bool:
    """Returns whether a request that failed with this error might succeed if the client sends it again.

    This is the case if a command was killed in MongoDB, or if the error is labelled as retryable, for
    example because of a write conflict or a new primary.
    """
    return (
        getattr(error, "code", None) == INTERRUPTED
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("UnknownTransactionCommitResult")
        or error.has_error_label("RetryableWriteError")
    )


def unexpected(error: Exception) -> ErrorDict:
    """Converts an error that occurred outside any field.

    If MongoDB didn't answer, the code is SERVICE_UNAVAILABLE or TIMEOUT. Any other error is masked, and
    logged.
    """
    if no_answer := _no_answer(error):
        message, extensions = no_answer
        return {"message": message, "extensions": extensions}
    error_id = uuid4().hex
    _REQUEST_FAILED.error(error, error_id=error_id)
    return {"message": OUR_FAULT, "extensions": _masked(INTERNAL_SERVER_ERROR, error_id)}


def _is_about_arguments(error: GraphQLError) -> bool:
    """Returns whether an error is about an argument of a field or directive.

    Variables can make an argument invalid at run time. graphql-core's error then refers to the argument, or
    to the variable used in the argument.
    """
    return any(node.kind in {"argument", "variable"} for node in error.nodes or ())


def _masked(code: str, error_id: str) -> dict[str, str]:
    return {"code": code, "errorId": error_id}


def _error_dict(
    error: GraphQLError,
    message: str,
    extensions: Mapping[str, Any],  # JSON values
) -> ErrorDict:
    result: ErrorDict = {"message": shortened(message)}
    if error.locations:
        result["locations"] = [location.formatted for location in error.locations[:_MOST_LOCATIONS]]
    if error.path is not None:
        result["path"] = error.path
    return result | {"extensions": dict(extensions)}
