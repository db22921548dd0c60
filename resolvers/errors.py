"""The errors that a client is told about. Every other exception is masked (app/errors.py)."""

from typing import Any

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
