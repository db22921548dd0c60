"""The errors that clients see. Every other exception is masked (app/errors.py)."""

from collections.abc import Sequence
from typing import Any, TypedDict

from graphql import GraphQLError


class LecternError(GraphQLError):
    """An error with a stable code in `extensions.code` and a message that says what to do."""

    code = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, **options: Any) -> None:  # keyword arguments of GraphQLError
        super().__init__(message, extensions={"code": self.code}, **options)


class BadUserInputError(LecternError):
    """The value of an argument is not valid."""

    code = "BAD_USER_INPUT"


class InvalidCursorError(LecternError):
    """A cursor is malformed, belongs to another list, or was signed with another secret."""

    code = "INVALID_CURSOR"


class UserErrorDoc(TypedDict):
    """One reason why a mutation was refused, in the form of the `UserError` type."""

    code: str
    message: str
    path: list[str]


class RefusedError(Exception):
    """Raised to refuse a mutation. Its reasons go into the `errors` of the payload."""

    def __init__(self, errors: Sequence[UserErrorDoc]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = list(errors)


def refusal(code: str, message: str, *path: str) -> RefusedError:
    """Returns a RefusedError with a single reason. path: the input field at fault, without "input"."""
    return RefusedError([{"code": code, "message": message, "path": ["input", *path]}])
