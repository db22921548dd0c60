"""The errors whose messages clients see. All other exceptions are masked (see app/errors.py)."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

from graphql import GraphQLError


class LecternError(GraphQLError):
    """Base class for errors with a stable code in `extensions.code` and a message that says what to do.

    retry_after: the number of seconds to wait before trying again; None if waiting doesn't help.
    """

    code = "INTERNAL_SERVER_ERROR"
    retry_after: int | None = None

    def __init__(self, message: str, **options: Any) -> None:  # Any, because they are passed to GraphQLError
        super().__init__(message, extensions={"code": self.code}, **options)


class BadUserInputError(LecternError):
    """Raised if the value of an argument is not valid."""

    code = "BAD_USER_INPUT"


class InvalidCursorError(LecternError):
    """Raised if a cursor is malformed, belongs to a different list, or was signed with a different secret."""

    code = "INVALID_CURSOR"


class HashingOverloadedError(LecternError):
    """Raised if too many passwords are waiting to be hashed."""

    code = "OVERLOADED"
    retry_after = 5


class UserErrorDoc(TypedDict):
    """One reason why a mutation was refused, with the fields of the schema's `UserError` type."""

    code: str
    message: str
    path: list[str]
    retryAfter: NotRequired[int]


class RefusedError(Exception):
    """Raised to refuse a mutation. The payload returns the reasons in its `errors` field."""

    def __init__(self, errors: Sequence[UserErrorDoc]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = list(errors)


def refusal(code: str, message: str, *path: str) -> RefusedError:
    """Returns a RefusedError with a single reason.

    path: the path to the input field that caused the error, without the leading "input".
    """
    return RefusedError([{"code": code, "message": message, "path": ["input", *path]}])


def rate_limited(message: str, retry_after: int) -> RefusedError:
    """Returns the refusal of a mutation that was tried too often. retry_after: seconds to wait."""
    error: UserErrorDoc = {"code": "RATE_LIMITED", "message": message, "path": ["input"]}
    return RefusedError([{**error, "retryAfter": retry_after}])
