"""The `_id`s, external ids, random generators and fixed dates of the sample data."""

from datetime import UTC, datetime
from random import Random

from bson import ObjectId

from loaders.model import ExternalId

#: The last day on which anything happens in the sample data, except for upcoming runs.
TODAY = datetime(2026, 9, 1, tzinfo=UTC)
FIRST_DAY = datetime(2021, 3, 1, tzinfo=UTC)

SOURCE = "sample"
LAYOUT = 7  # version of the generated documents; increase it when they change
_COLLECTIONS = ("categories", "instructors", "courses", "courseRuns", "students", "enrollments", "reviews")
_PREFIXES = {
    collection: int(TODAY.timestamp()).to_bytes(4, "big") + b"smpl" + bytes([n])
    for n, collection in enumerate(_COLLECTIONS)
}


def object_id(collection: str, number: int) -> ObjectId:
    """Returns the `_id` of the n-th document of a collection.

    It consists of a fixed time, "smpl", the collection's number and a counter. The `_id`s ascend, as real
    ones do, so that they are inserted at the end of the index.
    """
    return ObjectId(_PREFIXES[collection] + number.to_bytes(3, "big"))


def external_id(key: str | int) -> ExternalId:
    return {"source": SOURCE, "id": str(key)}


def random(part: str) -> Random:
    """Returns the random generator for one part of the data.

    Each part has its own generator, so that a change to one part leaves the others unchanged.
    """
    return Random(f"lectern/{part}")  # noqa: S311 (it must be reproducible, not secure)
