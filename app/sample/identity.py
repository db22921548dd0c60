"""Who is who: the `_id`s, external ids, random generators and fixed dates of the sample data."""

from datetime import UTC, datetime
from random import Random

from bson import ObjectId

from loaders.model import ExternalId

#: The last day on which anything happened in the sample data; only upcoming runs lie after it.
TODAY = datetime(2026, 9, 1, tzinfo=UTC)
FIRST_DAY = datetime(2021, 3, 1, tzinfo=UTC)

SOURCE = "sample"
LAYOUT = 3  # of the documents as they are stored: another one when they change
_COLLECTIONS = ("categories", "instructors", "courses", "courseRuns", "students", "enrollments", "reviews")
_PREFIXES = {
    collection: int(TODAY.timestamp()).to_bytes(4, "big") + b"smpl" + bytes([n])
    for n, collection in enumerate(_COLLECTIONS)
}


def object_id(collection: str, number: int) -> ObjectId:
    """The `_id` of the n-th document of a collection: a fixed time, "smpl" and the collection, a counter.

    Ascending, as real ones are, so that they are inserted at the end of the index.
    """
    return ObjectId(_PREFIXES[collection] + number.to_bytes(3, "big"))


def external_id(key: str | int) -> ExternalId:
    return {"source": SOURCE, "id": str(key)}


def random(part: str) -> Random:
    """A generator of its own for each part, so that a change to one leaves the others as they are."""
    return Random(f"lectern/{part}")  # noqa: S311 (the same again is what is asked of it)
