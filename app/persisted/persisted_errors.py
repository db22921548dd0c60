"""The answers to requests whose operation isn't known or may not run."""

from starlette.exceptions import HTTPException

from app.error_codes import (
    OPERATION_NOT_TRUSTED,
    PERSISTED_QUERY_NOT_FOUND,
    PERSISTED_QUERY_NOT_SUPPORTED,
    PERSISTED_QUERY_REQUIRED,
)

#: No cache may keep the answer, because the next request can register the text.
_NOT_CACHED = {"cache-control": "private, no-cache, must-revalidate"}


class OperationError(HTTPException):
    """A well-formed request whose operation isn't run, with a code.

    Its status is 400, or 200 with the media type `application/json`, as for any operation that is refused.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(400, message, _NOT_CACHED)
        self.code = code


def not_found() -> OperationError:
    """A hash or an id isn't known. Apollo's and urql's links then send the text."""
    return OperationError(PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")


def not_supported() -> OperationError:
    """Hashes aren't accepted. Apollo's and urql's links then always send texts."""
    return OperationError(PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")


def required() -> OperationError:
    return OperationError(
        PERSISTED_QUERY_REQUIRED,
        "This API runs only persisted operations: send the SHA-256 of the text with it, as "
        "`extensions.persistedQuery`, or the id of a trusted operation.",
    )


def not_trusted() -> OperationError:
    return OperationError(
        OPERATION_NOT_TRUSTED,
        "This API runs only trusted operations, and this is not one of them. Push the client's manifest with "
        "`lectern operations push`.",
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
