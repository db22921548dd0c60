"""Projections: which stored keys of a collection's documents an operation needs.

A request has one projection for each collection, however its documents are reached, so that a document that
was fetched once serves every part of the operation.
"""

from collections.abc import Mapping, Set
from typing import TypeAlias

from loaders.collections import COLLECTIONS

#: A projection in MongoDB's own form: stored key -> 1.
Projection: TypeAlias = Mapping[str, int]


def projections_of(reads: Mapping[str, Set[str]]) -> Mapping[str, Projection]:
    """The projection of each collection: the keys that the operation reads, and those always fetched."""
    return {
        collection: dict.fromkeys(sorted({"_id"} | keys | COLLECTIONS[collection].always_read), 1)
        for collection, keys in reads.items()
    }


def including(projection: Projection | None, *paths: str) -> Projection | None:
    """Adds keys to a projection; for a path, its first key. None fetches whole documents, and stays None."""
    if projection is None or projection.keys() >= set(paths):
        return projection
    return {**projection, **{path.partition(".")[0]: 1 for path in paths}}
