"""The table of all collections, and look-ups in it."""

from collections.abc import Iterator

from loaders.collections.catalogue_rows import CATALOGUE
from loaders.collections.people_rows import PEOPLE
from loaders.collections.stored_collection import StoredCollection
from loaders.collections.system_rows import SYSTEM
from loaders.mongo import Document, Fields

COLLECTIONS: dict[str, StoredCollection] = {row.name: row for row in (*CATALOGUE, *PEOPLE, *SYSTEM)}


def of_type(type_name: str) -> StoredCollection | None:
    """Returns the collection that stores the objects of a GraphQL type, or None."""
    return next((row for row in COLLECTIONS.values() if row.type_name == type_name), None)


def stored_in(type_name: str) -> str | None:
    """Returns the name of the collection that a GraphQL type's objects are built from, or None.

    Unlike `of_type`, this also finds types listed in `parts`.
    """
    found = (row.name for row in COLLECTIONS.values() if type_name == row.type_name or type_name in row.parts)
    return next(found, None)


def with_types() -> Iterator[StoredCollection]:
    """Yields the collections whose documents have a GraphQL type and global IDs."""
    return (row for row in COLLECTIONS.values() if row.type_name is not None)


def importable() -> list[str]:
    """Returns the names of the collections that can be imported."""
    return [row.name for row in COLLECTIONS.values() if row.importable]


def complete(name: str, fields: Fields) -> Document:
    """Returns a new document with every key that the collection's TypedDict requires.

    fields: the known fields; the others get defaults and derived values. A course's fields must include the
    slug.
    """
    document = COLLECTIONS[name].new(fields)
    document.update(derived(name, document))
    return document


def derived(name: str, document: Fields) -> Document:
    """Returns a document's derived fields. Call it whenever a field in `derived_from` changes."""
    derive = COLLECTIONS[name].derive
    return dict(derive(document)) if derive else {}
