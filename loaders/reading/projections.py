"""What is fetched of a document: the stored keys that an operation looks at.

They are the same for all of a collection's documents in a request, however these are reached, so that a
document that was fetched once serves every part of the operation.
"""

from collections.abc import Mapping, Set
from typing import TypeAlias

from loaders.collections import COLLECTIONS

#: As MongoDB takes it: stored key -> 1.
Projection: TypeAlias = Mapping[str, int]


def projections_of(reads: Mapping[str, Set[str]]) -> Mapping[str, Projection]:
    """The projection of each collection: the keys that are read of it, and those that are always fetched."""
    return {
        collection: dict.fromkeys(sorted({"_id"} | keys | COLLECTIONS[collection].always_read), 1)
        for collection, keys in reads.items()
    }


def including(projection: Projection | None, *paths: str) -> Projection | None:
    """A projection with more keys; of a path, the key that it begins with. None, which is all, stays so."""
    if projection is None or projection.keys() >= set(paths):
        return projection
    return {**projection, **{path.partition(".")[0]: 1 for path in paths}}
