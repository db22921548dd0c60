"""What a new document stores where its source says nothing, and what follows from the fields it has.

`derived` is called whenever one of the fields it reads has changed, so that no import and no write can
forget a key.
"""

from collections.abc import Callable, Mapping
from typing import Any

from loaders.documents import ANONYMOUS_STUDENT
from loaders.mongo.moments import now
from loaders.newest_review_ids import NOTHING
from loaders.ratings import summarise, wilson
from loaders.text.terms import course_keys, student_keys

Document = dict[str, Any]

#: What a field that can't be null holds instead. KEEP: the value it has stays, or the default is taken.
KEEP = object()
NOT_NULL: Mapping[str, Mapping[str, Any]] = {
    "courses": {
        "slug": KEEP, "status": KEEP, "createdAt": KEEP, "updatedAt": KEEP, "codes": [], "deliveryModes": [],
        "tags": [], "instructorIds": [], "importedStudentCount": 0,
    },
    "students": {"name": ANONYMOUS_STUDENT},
    "reviews": {
        "body": "", "verified": KEEP, "importedHelpfulCount": 0, "unhelpfulCount": 0, "status": KEEP,
    },
    "enrollments": {"status": KEEP, "progress": KEEP},
    "courseRuns": {},
}  # fmt: skip

#: The fields that `derived` reads.
DERIVED_FROM: Mapping[str, frozenset[str]] = {
    "courses": frozenset(("title", "codes", "tags", "summary", "description")),
    "students": frozenset(("name",)),
    "reviews": frozenset(("helpfulCount", "unhelpfulCount")),
    "enrollments": frozenset(),
    "courseRuns": frozenset(),
}


def complete(collection: str, fields: Mapping[str, Any]) -> Document:
    """A new document with every key that documents.py asks for. A course must have its slug."""
    document = _COMPLETE[collection](fields)
    document.update(derived(collection, document))
    return document


def derived(collection: str, document: Mapping[str, Any]) -> Document:
    """The derived keys of a document."""
    if collection == "courses":
        return dict(course_keys(document))
    if collection == "students":
        return dict(student_keys(document))
    if collection == "reviews":
        return {"helpfulScore": wilson(document["helpfulCount"], document["unhelpfulCount"])}
    return {}


def _course(fields: Mapping[str, Any]) -> Document:
    moment = now()
    document: Document = {
        "slug": "", "codes": [], "title": "", "summary": None, "description": None, "categorySlug": None,
        "level": None, "deliveryModes": [], "durationDays": None, "language": None, "tags": [], "price": None,
        "instructorIds": [], "status": "PUBLISHED", "createdAt": moment, "updatedAt": moment,
        "importedStudentCount": 0, "seatsUntil": None, "newestReviewIds": NOTHING, **fields,
    }  # fmt: skip
    rating = summarise([0] * 5, document.get("importedRating"))
    return {**document, **rating, "studentCount": document["importedStudentCount"]}


def _run(fields: Mapping[str, Any]) -> Document:
    return {
        "endsAt": None, "deliveryMode": "ONLINE", "location": None,
        "seats": None, "seatsTaken": 0, "waitlistCount": 0, **fields,
    }  # fmt: skip


def _student(fields: Mapping[str, Any]) -> Document:
    return {
        "name": ANONYMOUS_STUDENT, "avatarUrl": None, "country": None, "bio": None, "email": None,
        "joinedAt": None, "newestReviewIds": NOTHING, **fields,
    }  # fmt: skip


def _enrollment(fields: Mapping[str, Any]) -> Document:
    status = fields.get("status") or ("CANCELLED" if fields.get("cancelledAt") else "ACTIVE")
    return {
        "runId": None, "progress": 1.0 if status == "COMPLETED" else 0.0, "enrolledAt": None,
        "completedAt": None, "cancelledAt": None, **fields, "status": status,
    }  # fmt: skip


def _review(fields: Mapping[str, Any]) -> Document:
    return {
        "studentId": None, "rating": None, "title": None, "body": "", "difficulty": None,
        "workloadHours": None, "term": None, "verified": False,
        "helpfulCount": fields.get("importedHelpfulCount", 0), "unhelpfulCount": 0, "reply": None,
        "status": "PUBLISHED", "createdAt": None, "updatedAt": None, **fields,
    }  # fmt: skip


_COMPLETE: Mapping[str, Callable[[Mapping[str, Any]], Document]] = {
    "courses": _course,
    "courseRuns": _run,
    "students": _student,
    "enrollments": _enrollment,
    "reviews": _review,
}
