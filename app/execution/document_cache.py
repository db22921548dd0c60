"""The cache of documents that were read, and of refusals."""

import sys
from typing import TypeAlias

from app import error_codes
from app.execution.cache import Cache, RecencyCache
from app.execution.document import Document
from app.execution.document_reader import unresolved
from app.execution.operation import Operation, Refusal
from app.execution.refusals import RefusedError

_MAX_REFUSALS = 200
_REFUSALS_SIZE = 2_000_000  # maximum size of all cached refusals, in bytes

_TRUSTED_SIZE = 64_000_000  # maximum estimated memory of the cached trusted operations, in bytes

_TREE_BYTES = 700  # estimated memory of the syntax tree, in bytes per token of the document
_PLAN_BYTES = 900  # estimated memory of one plan, in bytes per token of the document

# An operation's text is in memory twice: as the text itself, and as the names and values in the syntax tree.
# Each plan can hold another copy of the names.
_TREE_TEXTS = 2

_Key: TypeAlias = tuple[str, str | None]


class DocumentCache:
    """Documents, by their text and the name of the operation. Refusals have a small cache of their own.

    Trusted operations have a separate cache, by their text alone: their documents have one operation, so that
    no name that a client invents makes another entry, or has the text read again.

    entries, size: the limits of the documents that are not trusted: their number, and their estimated memory
    in bytes. trusted: the maximum number of trusted operations.
    """

    def __init__(self, entries: int, size: int, trusted: int) -> None:
        self._documents: Cache[_Key, Document] = Cache(entries=entries, size=size)
        self._refusals: Cache[_Key, Refusal] = Cache(entries=_MAX_REFUSALS, size=_REFUSALS_SIZE)
        self._trusted: RecencyCache[str, Document | Refusal] = RecencyCache(
            entries=trusted, size=_TRUSTED_SIZE
        )

    def usage(self) -> tuple[int, int]:
        """Returns the number of documents that are not trusted, and their estimated memory in bytes."""
        return len(self._documents), self._documents.size

    def get(self, operation: Operation) -> Document | Refusal | None:
        """Returns the document or the refusal of an operation; None if neither is cached."""
        if operation.way == "trusted":
            read = self._trusted.get(operation.query)
            return named(read, operation) if read is not None else None
        key = (operation.query, operation.operation_name)
        return self._documents.get(key) or self._refusals.get(key)

    def put(self, operation: Operation, read: Document | Refusal) -> None:
        """Caches the document or the refusal of an operation. A trusted one was read without its name."""
        key = (operation.query, operation.operation_name)
        if operation.way == "trusted":
            self._trusted.put(operation.query, read, _size_of(operation, read))
        elif isinstance(read, Refusal):
            self._refusals.put(key, read, _size_of(operation, read))
        else:
            self._documents.put(key, read, _size_of(operation, read))


def named(read: Document | Refusal, operation: Operation) -> Document | Refusal:
    """Returns what was read, or a refusal if the operation asks for a name that the document doesn't have."""
    name = operation.operation_name
    if name is None or isinstance(read, Refusal):
        return read
    node = read.definition.name
    if node is not None and node.value == name:
        return read
    return RefusedError([unresolved(operation)], error_codes.OPERATION_RESOLUTION_FAILURE).refusal


def _size_of(operation: Operation, read: Document | Refusal) -> int:
    if isinstance(read, Refusal):
        return _size_of_refusal(operation, read)
    return size_of_document(operation.query, read)


def size_of_document(query: str, document: Document) -> int:
    """Estimates the memory of a cached operation in bytes: its text, syntax tree and plans.

    The estimate grows with the number of tokens and with the length of the text.
    tests/execution/test_cache.py checks the estimate against tracemalloc.
    """
    plans = document.variants
    by_tokens = document.document.token_count * (_TREE_BYTES + _PLAN_BYTES * plans)
    return by_tokens + sys.getsizeof(query) * (_TREE_TEXTS + plans)


def _size_of_refusal(operation: Operation, refusal: Refusal) -> int:
    """Estimates how many bytes of memory a cached refusal takes.

    The operation's name counts separately, because it is cached too, and need not be part of the document.
    """
    request_size = sys.getsizeof(operation.query) + sys.getsizeof(operation.operation_name)
    return request_size + sum(len(error["message"]) for error in refusal.errors)
