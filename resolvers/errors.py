"""The errors whose messages clients see. All other exceptions are masked (see app/errors.py)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from graphql import GraphQLError

#: What is wrong with a value. The schema's `ErrorReason` describes each, with its params.
Reason = Literal[
    "REQUIRED", "TOO_SHORT", "TOO_LONG", "TOO_SMALL", "TOO_LARGE", "NOT_AN_EMAIL", "NOT_A_URL", "NOT_HTTPS",
    "NOT_A_SLUG", "NOT_A_TERM", "UNKNOWN_CURRENCY", "UNKNOWN_COUNTRY", "UNKNOWN_LANGUAGE", "IN_THE_PAST",
    "ENDS_BEFORE_START", "WEAK_PASSWORD", "WRONG_PASSWORD",
]  # fmt: skip
#: The values for a sentence about an error, such as the bound that was exceeded. Any JSON values.
Params: TypeAlias = Mapping[str, Any]


class LecternError(GraphQLError):
    """Base class for errors with a stable code in `extensions.code` and a message that says what to do.

    retry_after: the number of seconds to wait before trying again; None if waiting doesn't help.
    details: what `extensions` has besides the code and that number.
    """

    code = "INTERNAL_SERVER_ERROR"
    retry_after: int | None = None
    details: Params = MappingProxyType({})

    def __init__(self, message: str, **options: Any) -> None:  # Any, because they are passed to GraphQLError
        super().__init__(message, extensions={"code": self.code}, **options)


class BadUserInputError(LecternError):
    """Raised if the value of an argument is not valid.

    reason, params: as in UserErrorDoc, if the value is out of bounds.
    """

    code = "BAD_USER_INPUT"

    # Any, because params can be of any JSON type
    def __init__(self, message: str, reason: Reason | None = None, **params: Any) -> None:
        super().__init__(message)
        if reason:
            self.details = {"reason": reason, "params": params}


class InvalidCursorError(LecternError):
    """Raised if a cursor is malformed, belongs to a different list, or was signed with a different secret."""

    code = "INVALID_CURSOR"


class HashingOverloadedError(LecternError):
    """Raised if too many passwords are waiting to be hashed."""

    code = "OVERLOADED"
    retry_after = 5


class UserErrorDoc(TypedDict):
    """An error for which a mutation was refused, with the fields of the schema's `UserError` type."""

    code: str
    message: str
    path: list[str]
    retryAfter: NotRequired[int]
    reason: NotRequired[Reason]
    params: NotRequired[Params]


class RefusedError(Exception):
    """Raised to refuse a mutation. The payload returns the reasons in its `errors` field."""

    def __init__(self, errors: Sequence[UserErrorDoc]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = list(errors)


def refusal(
    code: str,
    message: str,
    *path: str,
    reason: Reason | None = None,
    **params: Any,  # Any, because params can be of any JSON type
) -> RefusedError:
    """Returns a RefusedError with a single error.

    path: the path to the input field that caused the error, without the leading "input".
    """
    error: UserErrorDoc = {"code": code, "message": message, "path": ["input", *path]}
    if reason:
        error["reason"] = reason
    if params:
        error["params"] = params
    return RefusedError([error])


def rate_limited(message: str, retry_after: int) -> RefusedError:
    """Returns the refusal of a mutation that was tried too often. retry_after: seconds to wait."""
    error: UserErrorDoc = {"code": "RATE_LIMITED", "message": message, "path": ["input"]}
    return RefusedError([{**error, "retryAfter": retry_after}])
