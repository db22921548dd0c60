"""Projections: the stored keys that an operation needs from a collection's documents.

A request uses a single projection for each collection, whichever fields lead to the documents. That way, a
document that is fetched once serves every part of the operation.
"""

from collections.abc import Mapping, Set
from typing import TypeAlias

from loaders.collections import COLLECTIONS

#: A projection in the form that MongoDB takes: each stored key is mapped to 1.
Projection: TypeAlias = Mapping[str, int]


def projections_of(reads: Mapping[str, Set[str]]) -> Mapping[str, Projection]:
    """Returns a projection for each collection.

    Each projection contains the keys that the operation reads and the keys that are always fetched.
    """
    return {
        collection: dict.fromkeys(sorted({"_id"} | keys | COLLECTIONS[collection].always_read), 1)
        for collection, keys in reads.items()
    }


def including(projection: Projection | None, *paths: str) -> Projection | None:
    """Adds keys to a projection; a path such as "price.amountMinor" adds only its first key, "price".

    A projection of None means that whole documents are fetched; it is returned unchanged.
    """
    if projection is None or projection.keys() >= set(paths):
        return projection
    return {**projection, **{path.partition(".")[0]: 1 for path in paths}}
