"""The ids of the newest published reviews, as courses and students store them in `newestReviewIds`.

One version byte, then twelve bytes for each id: MongoDB's drivers decode one binary value much faster than
an array of ObjectIds. Ids without the version byte were written by a version that left out the reviews of
hidden courses; they are ignored until `lectern recount` replaces them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from bson import ObjectId

from loaders.mongo import id_bytes

ReviewParent = Literal["courseId", "studentId"]

#: How many ids are stored: a default page and one more, so that the page knows whether others follow.
NEWEST = 21
#: The collections that store them, and the field of a review that refers to each.
CARRIERS: Mapping[str, ReviewParent] = {"courses": "courseId", "students": "studentId"}

_VERSION = b"\x01"
_LENGTH = 12  # bytes of an ObjectId


def pack_ids(ids: Iterable[ObjectId]) -> bytes:
    """The stored form of some ids."""
    return _VERSION + b"".join(id_bytes(i) for i in ids)


#: The stored form of no ids.
NO_IDS = pack_ids(())


def unpack_ids(stored: bytes, most: int | None = None) -> list[ObjectId]:
    """The first stored ids, with or without the version byte; None: all of them."""
    start = len(stored) % _LENGTH
    end = len(stored) if most is None else min(len(stored), start + most * _LENGTH)
    return [ObjectId(stored[i : i + _LENGTH]) for i in range(start, end, _LENGTH)]


def count_ids(stored: object) -> int | None:
    """How many ids are stored; None if they are missing or of the old form."""
    if isinstance(stored, bytes) and len(stored) % _LENGTH == 1:
        return len(stored) // _LENGTH
    return None
