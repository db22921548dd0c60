"""What is fetched of a document: the stored keys that an operation looks at.

They are the same for all of a collection's documents in a request, however these are reached, so that a
document that was fetched once serves every part of the operation.
"""

from collections.abc import Mapping, Set
from typing import TypeAlias

#: As MongoDB takes it: stored key -> 1.
Projection: TypeAlias = Mapping[str, int]

#: Fetched whatever is asked for: what decides who sees a document, such as the course with which it is
#: hidden; and what is in the cursors of reviews, which come by `_id` also where they make a page
#: (loaders.review).
_ALWAYS: Mapping[str, Set[str]] = {
    "courses": {"status"},
    "courseRuns": {"courseId"},
    "enrollments": {"studentId"},
    "reviews": {"status", "courseId", "createdAt"},
}


def of(reads: Mapping[str, Set[str]]) -> Mapping[str, Projection]:
    """The projection of each collection, from the keys that are read of it."""
    return {
        collection: dict.fromkeys(sorted({"_id"} | keys | _ALWAYS.get(collection, set())), 1)
        for collection, keys in reads.items()
    }


def including(projection: Projection | None, *paths: str) -> Projection | None:
    """A projection with more keys; of a path, the key that it begins with. None, which is all, stays so."""
    if projection is None or projection.keys() >= set(paths):
        return projection
    return {**projection, **{path.partition(".")[0]: 1 for path in paths}}
