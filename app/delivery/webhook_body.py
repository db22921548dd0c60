"""The body of an event, as it is posted to webhooks."""

import orjson
from bson import ObjectId

from loaders.mongo import Value, utc
from loaders.outbox import EntryDoc
from resolvers.relay import encode_id

#: The GraphQL types of the objects whose ids events have.
_TYPES = {
    "courseId": "Course",
    "runId": "CourseRun",
    "enrollmentId": "Enrollment",
    "studentId": "Student",
    "reviewId": "Review",
}


def body_of(entry: EntryDoc) -> bytes:
    """Returns the body of an event, which is the same for each attempt."""
    return orjson.dumps(
        {
            "type": entry["kind"],
            "timestamp": utc(entry["at"]).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "subject": subject_of(entry),
            "sequence": entry["sequence"],
            "data": {name: _shown(name, value) for name, value in entry["data"].items()},
        }
    )


def subject_of(entry: EntryDoc) -> str:
    """Returns the global ID of an event's subject."""
    type_name, _, own = entry["subject"].partition(":")
    return encode_id(type_name, {"_id": ObjectId(own)})


def _shown(name: str, value: Value) -> Value:
    return encode_id(_TYPES[name], {"_id": value}) if isinstance(value, ObjectId) else value
