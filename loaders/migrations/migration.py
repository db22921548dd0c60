"""What a migration consists of: steps, each of which changes the documents of one collection."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from loaders.mongo import Database, Document, Fields

#: Returns for each document, in order, the fields to set: none if the document is right as it is. None
#: instead of fields means that the document has a shape from which nothing can be computed.
Changes: TypeAlias = Callable[[Database, Sequence[Document]], Awaitable[Sequence[Fields | None]]]


class Step(NamedTuple):
    """The part of a migration that concerns one collection.

    It must be idempotent: for a document that it has changed, it returns no further changes. If a change
    concerns documents of several collections, `changes` makes it itself, in a transaction, and returns none.

    sources: the keys that the changes are computed from. A document is only changed if all of them still have
    the values that were read. reads: other keys that `changes` needs, such as those that it sets.
    size: documents per batch, so that a batch takes a fraction of a second.
    """

    collection: str
    sources: frozenset[str]
    reads: frozenset[str]
    changes: Changes
    size: int


class Migration(NamedTuple):
    """A migration. Its number never changes, and neither does its place in the order."""

    number: int
    description: str
    steps: Sequence[Step]


def each(change: Callable[[Document], Fields]) -> Changes:
    """Makes the changes of a step from a function of one document.

    If the function fails because a key is missing or has a value of another type, the document is left as it
    is: what was written by others can have any shape, and must not stop a migration.
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
    """Returns those of the fields whose values differ from the document's."""
    return {name: value for name, value in fields.items() if document.get(name) != value}
