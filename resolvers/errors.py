"""The errors that a client is told about. Every other exception is masked (app/errors.py)."""

from collections.abc import Sequence
from typing import Any, TypedDict

from graphql import GraphQLError


class LecternError(GraphQLError):
    """An error with a stable code in `extensions.code` and a message that says what to do."""

    code = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, **options: Any) -> None:
        super().__init__(message, extensions={"code": self.code}, **options)


class BadUserInputError(LecternError):
    """An argument's value can't be used."""

    code = "BAD_USER_INPUT"


class InvalidCursorError(LecternError):
    """A cursor was made for another list, filter or order, or by another gateway."""

    code = "INVALID_CURSOR"


class UserErrorDoc(TypedDict):
    """What is wrong with a write, for a form to show."""

    code: str
    message: str
    path: list[str]


class RefusedError(Exception):
    """A write that is not done, for reasons that its user is told of in the payload's `errors`."""

    def __init__(self, errors: Sequence[UserErrorDoc]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = list(errors)


def refusal(code: str, message: str, *path: str) -> RefusedError:
    """A refusal for one reason. path: the field of the input that it is about."""
    return RefusedError([{"code": code, "message": message, "path": ["input", *path]}])
