"""Packed ids of the newest published reviews, stored in `newestReviewIds` of courses and students.

The format is a version byte, followed by twelve bytes for each id, because MongoDB's drivers decode one
binary value much faster than an array of ObjectIds. Values without the version byte were written by a release
that left out the reviews of hidden courses. Such values are ignored until `lectern recount` replaces them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from bson import ObjectId

from loaders.mongo import id_bytes

ReviewParent = Literal["courseId", "studentId"]

#: The number of ids stored: a page of the default size, and one more id to show whether another page follows.
NEWEST = 21
#: Maps each collection that has `newestReviewIds` to the review field that refers to that collection.
CARRIERS: Mapping[str, ReviewParent] = {"courses": "courseId", "students": "studentId"}

_VERSION = b"\x01"
_LENGTH = 12  # bytes in an ObjectId


def pack_ids(ids: Iterable[ObjectId]) -> bytes:
    """Packs ids into their stored form."""
    return _VERSION + b"".join(id_bytes(i) for i in ids)


#: The stored form of an empty list of ids.
NO_IDS = pack_ids(())


def unpack_ids(stored: bytes, most: int | None = None) -> list[ObjectId]:
    """Unpacks the first `most` ids, or all ids if `most` is None.

    Also accepts a value from an older release, which has no version byte.
    """
    start = len(stored) % _LENGTH
    end = len(stored) if most is None else min(len(stored), start + most * _LENGTH)
    return [ObjectId(stored[i : i + _LENGTH]) for i in range(start, end, _LENGTH)]


def count_ids(stored: object) -> int | None:
    """Returns the number of stored ids, or None if the value is missing or has no version byte."""
    if isinstance(stored, bytes) and len(stored) % _LENGTH == 1:
        return len(stored) // _LENGTH
    return None
