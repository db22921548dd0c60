"""Defines what a migration is: a list of steps, each of which changes the documents of one collection."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from loaders.mongo import Database, Document, Fields

#: A function that returns the fields to set in each document, in the order of the documents. It returns an
#: empty mapping for a document that needs no change, and None for a document with the wrong shape, from which
#: nothing can be computed.
Changes: TypeAlias = Callable[[Database, Sequence[Document]], Awaitable[Sequence[Fields | None]]]


class Step(NamedTuple):
    """The part of a migration that concerns one collection.

    A step must be idempotent: for a document that it has changed, `changes` returns no further fields. If a
    change affects several collections, `changes` writes it in a transaction, and returns no fields.

    sources: the keys that the changes are computed from. A document is changed only if all of these keys
    still have the values that were read. reads: other keys that `changes` needs, such as those that it sets.
    size: the number of documents per batch, chosen so that a batch takes a fraction of a second.
    """

    collection: str
    sources: frozenset[str]
    reads: frozenset[str]
    changes: Changes
    size: int


class Migration(NamedTuple):
    """A migration. Its number and its place in the order of migrations never change."""

    number: int
    description: str
    steps: Sequence[Step]


def each(change: Callable[[Document], Fields]) -> Changes:
    """Converts a function for one document to the function for many documents that a step needs.

    If `change` fails because a key is missing or has a value of the wrong type, the document is left
    unchanged. Documents written by other programs can have any shape, and must not stop a migration.
    """

    async def changes(_: Database, documents: Sequence[Document]) -> list[Fields | None]:
        return [attempted(change, document) for document in documents]

    return changes


def attempted(change: Callable[[Document], Fields], document: Document) -> Fields | None:
    try:
        return change(document)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def different(document: Fields, fields: Fields) -> Document:
    """Returns the fields whose values differ from those in the document."""
    return {name: value for name, value in fields.items() if document.get(name) != value}
