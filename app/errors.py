"""Turns exceptions into the errors that a client gets: a message, and a stable code in `extensions.code`."""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import uuid4

import structlog
from graphql import GraphQLError
from pymongo.errors import ConnectionFailure, PyMongoError

from app.error_codes import BAD_USER_INPUT, INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE, TIMEOUT
from app.observing import Throttled
from loaders.mongo import INTERRUPTED, ClientGoneError, DatabaseAwayError, DeadlineError, OutcomeUnknownError
from resolvers.errors import LecternError

#: An error of a response, in the specification's form: message, locations, path, extensions.
ErrorDict: TypeAlias = dict[str, Any]  # a JSON object

OUR_FAULT = "Something went wrong on our side."
_AWAY = "The database does not answer. Try again."
_PAST_DEADLINE = "The request took too long. Ask for less at once, or try again."
_OUTCOME_UNKNOWN = (
    "The request took too long. Whether its write was done is not known yet: it may still be. "
    "Send it again with the same idempotencyKey, and it is done once."
)
_CLIENT_GONE = "The client is gone."  # nobody reads this message

_LONGEST = 500  # characters of a message
_MOST_LOCATIONS = 10

_log = structlog.get_logger("lectern")
_COMMIT_LATE = Throttled("a commit outlived its request: followed up until its outcome is known")
_LATE = Throttled("request past its deadline")
_NO_ANSWER = Throttled("request failed: MongoDB does not answer")
_CONFLICTS = Throttled("write given up: it kept conflicting with others")

#: graphql-core's messages quote the input: `'password': 'x'` in variables, `password: "x"` in a document.
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
    """Cuts a message to a few lines: graphql-core's messages quote the client's input in full."""
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…"


def request_errors(errors: list[GraphQLError], code: str) -> list[ErrorDict]:
    """The errors of a request that was not executed, all with one code. Passwords and tokens are removed."""
    return [_error_dict(error, _SECRET.sub(r"\1…", error.message), {"code": code}) for error in errors]


def field_error(error: GraphQLError) -> ErrorDict:
    """The error of a field.

    The client gets the message if it can act on it. Any other error is masked: the client gets an id, under
    which the log has the details.
    """
    cause = error.original_error
    if isinstance(cause, LecternError):
        return _error_dict(error, cause.message, {"code": cause.code})
    origin = cause or error
    if type(origin) is GraphQLError and _is_about_arguments(origin):
        return _error_dict(error, error.message, {"code": BAD_USER_INPUT})
    if no_answer := _no_answer(cause):
        return _error_dict(error, *no_answer)
    error_id = uuid4().hex
    _log.error("field failed", error_id=error_id, path=error.path, reason=error.message, exc_info=cause)
    return _error_dict(error, OUR_FAULT, _masked(INTERNAL_SERVER_ERROR, error_id))


def nothing_done(errors: Sequence[ErrorDict], *, has_data: bool, wrote: bool) -> bool:
    """Whether an operation had no effect because MongoDB is away.

    That is so if every error is SERVICE_UNAVAILABLE, no root field has a value and no commit was sent.
    wrote: whether the request has sent a commit.
    """
    unavailable = all(error["extensions"]["code"] == SERVICE_UNAVAILABLE for error in errors)
    return bool(errors) and unavailable and not has_data and not wrote


def _no_answer(error: Exception | None) -> tuple[str, dict[str, str]] | None:
    """The message and extensions if MongoDB didn't answer, or not in time; otherwise None.

    Each kind of failure is logged, throttled.
    """
    match error:
        case OutcomeUnknownError():
            _COMMIT_LATE.warning()
            return _OUTCOME_UNKNOWN, {"code": TIMEOUT}
        case DeadlineError():
            _LATE.warning()
            return _PAST_DEADLINE, {"code": TIMEOUT}
        case ClientGoneError():
            return _CLIENT_GONE, {"code": TIMEOUT}
        case DatabaseAwayError() | ConnectionFailure():
            _NO_ANSWER.warning(reason=str(error)[:_LONGEST])
            return _AWAY, {"code": SERVICE_UNAVAILABLE}
        case PyMongoError() if _may_be_repeated(error):
            _CONFLICTS.warning(reason=str(error)[:_LONGEST])
            return _AWAY, {"code": SERVICE_UNAVAILABLE}
    return None


def _may_be_repeated(error: PyMongoError) -> bool:
    """Whether the client may try again.

    It may if a transaction was retried to no avail, because of write conflicts or a new primary, or if
    somebody else killed the command.
    """
    return (
        getattr(error, "code", None) == INTERRUPTED
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("UnknownTransactionCommitResult")
        or error.has_error_label("RetryableWriteError")
    )


def unexpected(error: Exception) -> ErrorDict:
    """An error outside of any field: masked and logged.

    Its code is SERVICE_UNAVAILABLE or TIMEOUT if MongoDB didn't answer.
    """
    if no_answer := _no_answer(error):
        message, extensions = no_answer
        return {"message": message, "extensions": extensions}
    error_id = uuid4().hex
    _log.error("request failed", error_id=error_id, exc_info=error)
    return {"message": OUR_FAULT, "extensions": _masked(INTERNAL_SERVER_ERROR, error_id)}


def _is_about_arguments(error: GraphQLError) -> bool:
    """Whether an error comes from the arguments of a field or a directive.

    Variables may make them invalid at run time. graphql-core's error then points at the argument, or at the
    variable in it.
    """
    return any(node.kind in {"argument", "variable"} for node in error.nodes or ())


def _masked(code: str, error_id: str) -> dict[str, str]:
    return {"code": code, "errorId": error_id}


def _error_dict(error: GraphQLError, message: str, extensions: dict[str, str]) -> ErrorDict:
    result: ErrorDict = {"message": shortened(message)}
    if error.locations:
        result["locations"] = [location.formatted for location in error.locations[:_MOST_LOCATIONS]]
    if error.path is not None:
        result["path"] = error.path
    return result | {"extensions": extensions}
