"""The answers to requests whose operation isn't known or may not run."""

from starlette.exceptions import HTTPException

from app.error_codes import (
    OPERATION_NOT_TRUSTED,
    PERSISTED_QUERY_NOT_FOUND,
    PERSISTED_QUERY_NOT_SUPPORTED,
    PERSISTED_QUERY_REQUIRED,
)


class OperationError(HTTPException):
    """Raised for a well-formed request whose operation isn't run.

    Its status is 400, or 200 with the media type `application/json`, as for any operation that is refused.
    """

    code: str

    def __init__(self, message: str) -> None:
        super().__init__(400, message)


class NotFoundError(OperationError):
    """A hash or an id isn't known. Apollo's and urql's links then send the text."""

    code = PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class NotSupportedError(OperationError):
    """Hashes aren't accepted. Apollo's and urql's links then always send texts."""

    code = PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class NotPersistedError(OperationError):
    """A text came without its hash, and only persisted operations may run."""

    code = PERSISTED_QUERY_REQUIRED

    def __init__(self) -> None:
        super().__init__(
            "This API runs only persisted operations: send the SHA-256 of the text with it, as "
            "`extensions.persistedQuery`, or the id of a trusted operation."
        )


class NotTrustedError(OperationError):
    """An operation isn't trusted, and only trusted operations may run."""

    code = OPERATION_NOT_TRUSTED

    def __init__(self) -> None:
        super().__init__(
            "This API runs only trusted operations, and this is not one of them. Its operator can push the "
            "client's manifest with `lectern operations push`."
        )


def other_text(name: str) -> HTTPException:
    return HTTPException(
        400, f"`query` is not the text of the operation with the id {name}. Send one of them."
    )


def wrong_hash() -> HTTPException:
    return HTTPException(400, "provided sha does not match query")


def not_loaded() -> HTTPException:
    return HTTPException(
        503, "The trusted operations have not been loaded yet. Try again.", {"retry-after": "5"}
    )
