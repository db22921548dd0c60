"""A table of all collections: their GraphQL types, visibility, indexes and so on.

Code that works for any collection, such as `node`, the audit log and `lectern import`, reads this table.
"""

from loaders.collections.stored_collection import (
    EVERYONE,
    KEEP,
    NOBODY,
    Index,
    Retention,
    SeenBy,
    StoredCollection,
)
from loaders.collections.table import (
    COLLECTIONS,
    complete,
    derived,
    importable,
    of_type,
    stored_in,
    with_types,
)

__all__ = [
    "COLLECTIONS",
    "EVERYONE",
    "KEEP",
    "NOBODY",
    "Index",
    "Retention",
    "SeenBy",
    "StoredCollection",
    "complete",
    "derived",
    "importable",
    "of_type",
    "stored_in",
    "with_types",
]
