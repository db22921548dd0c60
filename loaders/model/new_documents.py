"""Defaults for new documents: one function for each collection that can be imported.

Each function takes the fields that are already known, and adds defaults for the others.
"""

from loaders.model.documents import ANONYMOUS_STUDENT
from loaders.model.newest_review_ids import NO_IDS
from loaders.model.ratings import summarise
from loaders.mongo import Document, Fields, now


def new_course(fields: Fields) -> Document:
    """Returns a new course, published unless `fields` says otherwise. `fields` must contain the slug."""
    moment = now()
    document: Document = {
        "slug": "", "codes": [], "title": "", "summary": None, "description": None, "categorySlug": None,
        "level": None, "deliveryModes": [], "durationDays": None, "language": None, "tags": [], "price": None,
        "instructorIds": [], "status": "PUBLISHED", "createdAt": moment, "updatedAt": moment,
        "importedStudentCount": 0, "seatsUntil": None, "newestReviewIds": NO_IDS, **fields,
    }  # fmt: skip
    rating = summarise([0] * 5, document.get("importedRating"))
    return {**document, **rating, "studentCount": document["importedStudentCount"]}


def new_category(fields: Fields) -> Document:
    return {"description": None, "imageUrl": None, "position": 0, **fields}


def new_instructor(fields: Fields) -> Document:
    return {"headline": None, "bio": None, "avatarUrl": None, **fields}


def new_course_run(fields: Fields) -> Document:
    return {
        "title": None, "endsAt": None, "deliveryMode": "ONLINE", "location": None,
        "seats": None, "seatsTaken": 0, "waitlistCount": 0, **fields,
    }  # fmt: skip


def new_student(fields: Fields) -> Document:
    return {
        "name": ANONYMOUS_STUDENT, "avatarUrl": None, "country": None, "bio": None, "email": None,
        "joinedAt": None, "newestReviewIds": NO_IDS, **fields,
    }  # fmt: skip


def new_enrollment(fields: Fields) -> Document:
    status = fields.get("status") or ("CANCELLED" if fields.get("cancelledAt") else "ACTIVE")
    return {
        "runId": None, "progress": 1.0 if status == "COMPLETED" else 0.0, "enrolledAt": None,
        "completedAt": None, "cancelledAt": None, **fields, "status": status,
    }  # fmt: skip


def new_review(fields: Fields) -> Document:
    return {
        "studentId": None, "rating": None, "title": None, "body": "", "difficulty": None,
        "workloadHours": None, "term": None, "verified": False,
        "helpfulCount": fields.get("importedHelpfulCount", 0), "unhelpfulCount": 0, "reply": None,
        "status": "PUBLISHED", "createdAt": None, "updatedAt": None, **fields,
    }  # fmt: skip
