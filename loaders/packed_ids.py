"""How courses and students carry the ids of their newest reviews (loaders/newest_reviews.py).

A mark, and then the ids, twelve bytes each: MongoDB's drivers read one value much faster than an array of
them. Ids without the mark were stored by a version that left out reviews of hidden courses, and are of no
use.
"""

from collections.abc import Iterable

from bson import ObjectId

from loaders.mongo.commands import id_bytes

_MARK = b"\x01"
_LENGTH = 12  # bytes of an ObjectId


def packed(ids: Iterable[ObjectId]) -> bytes:
    """Ids as they are stored."""
    return _MARK + b"".join(id_bytes(i) for i in ids)


#: No ids.
NOTHING = packed(())


def unpacked(stored: bytes, most: int | None = None) -> list[ObjectId]:
    """The first ids of those that are stored, with or without the mark."""
    start = len(stored) % _LENGTH
    end = len(stored) if most is None else min(len(stored), start + most * _LENGTH)
    return [ObjectId(stored[i : i + _LENGTH]) for i in range(start, end, _LENGTH)]


def number(stored: object) -> int | None:
    """How many ids are stored; None where that isn't known."""
    if isinstance(stored, bytes) and len(stored) % _LENGTH == 1:
        return len(stored) // _LENGTH
    return None
