"""Documents for test databases: a sound part of the sample data, and the same with holes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, TypeAlias
from unittest.mock import patch

from bson import Binary, Int64, ObjectId
from pymongo.errors import BulkWriteError

from app.sample.generator import generate
from loaders import indexes
from loaders.model.newest_review_ids import pack_ids, unpack_ids
from loaders.mongo.database import Database
from tests.support import NOW

#: Documents by collection.
Documents: TypeAlias = dict[str, list[dict[str, Any]]]

#: Damages one field of a document.
Damage: TypeAlias = Callable[[dict[str, Any], Random], None]

EVERY = 5  # every fifth course is used
HIDDEN = 7  # every seventh of these is archived
WAITING = 9  # every ninth review is pending
OWNERS = 8
DAMAGED = 0.25  # of the documents
GONE = 0.06  # of the documents

#: Values of a wrong type.
WRONG: tuple[Any, ...] = (
    0, 1, 7, -3, 2**30, 2**31 - 1, -(2**31), 2.0, 2.5, True, False, Int64(2**40), -(2**31) - 1,
    float("nan"), float("inf"), 1e300,
    "", "7", "text", "PUBLISHED", "SUNDAY", "2026-01-01T00:00:00Z", [], ["a", "b"], ["ONLINE", None],
    [1, "a"], [[]], {}, {"a": 1}, Binary(b"bytes"), datetime(2026, 1, 1), ObjectId("0" * 24),
)  # fmt: skip

_PLAIN = {
    "categories": ["name", "description", "imageUrl", "position"],
    "instructors": ["name", "headline", "bio", "avatarUrl"],
    "courses": [
        "codes", "title", "summary", "description", "level", "deliveryModes", "durationDays", "language",
        "tags", "price", "price.amountMinor", "price.currency", "credits", "institution", "url", "imageUrl",
        "ratingAverage", "ratingBayesian",
        "ratingCount", "ratingStars", "importedRating", "studentCount", "createdAt", "updatedAt",
    ],
    "courseRuns": [
        "title", "startsAt", "endsAt", "deliveryMode", "location", "seats", "seatsTaken", "waitlistCount",
    ],
    "students": ["name", "avatarUrl", "country", "bio", "joinedAt"],
    "enrollments": ["progress", "enrolledAt", "completedAt"],
    "wishlists": ["courses"],
    "votes": ["unknown"],
    "auditLog": ["at", "action", "address", "actor", "actor.roles", "changes"],
    "reviews": [
        "rating", "title", "body", "difficulty", "workloadHours", "term", "verified", "helpfulCount", "reply",
        "reply.body", "reply.createdAt", "createdAt", "updatedAt", "helpfulScore",
    ],
}  # fmt: skip

#: The keys that a batch reads: a missing or wrong value breaks the batch for all its parents.
_KEYS = {
    "courses": ["categorySlug", "instructorIds", "prerequisiteIds", "newestReviewIds"],
    "courseRuns": ["courseId"],
    "students": ["email", "newestReviewIds"],
    "enrollments": ["courseId", "runId", "studentId"],
    "reviews": ["courseId", "studentId", "reply.instructorId"],
}

#: The keys that permissions read.
_STATUSES = {
    "courses": ["status"],
    "courseRuns": ["status"],
    "enrollments": ["status"],
    "reviews": ["status"],
}


@contextmanager
def raw_documents() -> Iterator[None]:
    """Within it, documents are read as they are stored, without defaults for what is missing or wrong.

    An engine must cope with any value, since a level of an application's own can return one.
    """
    unchanged = lambda *_: lambda documents: documents  # noqa: E731
    with patch("loaders.reading.document_fitting._fitting", unchanged):
        yield


def sound() -> Documents:
    """A part of the sample data in which every reference has a target."""
    whole = {name: [dict(d) for d in found] for name, found in generate(NOW).collections().items()}
    courses = whole["courses"][::EVERY]
    ids = {course["_id"] for course in courses}
    dependent = ("courseRuns", "enrollments", "reviews")
    taken: Documents = {name: [d for d in whole[name] if d["courseId"] in ids] for name in dependent}
    _hide(courses, taken)
    wanted = {d["studentId"] for name in ("enrollments", "reviews") for d in taken[name]}
    students = [student for student in whole["students"] if student["_id"] in wanted]
    public = {r["_id"] for r in taken["reviews"] if r["status"] == "PUBLISHED"}
    for carrier in (*courses, *students):
        carrier["newestReviewIds"] = pack_ids(
            i for i in unpack_ids(carrier["newestReviewIds"]) if i in public
        )
    return whole | taken | {"courses": courses, "students": students} | _own(courses, taken)


def _hide(courses: list[dict[str, Any]], taken: Documents) -> None:
    """Archives some courses, and makes some reviews pending."""
    for course in courses[::HIDDEN]:
        course["status"] = "ARCHIVED"
    for review in taken["reviews"][::WAITING]:
        review["status"] = "PENDING"


def _own(courses: list[dict[str, Any]], taken: Documents) -> Documents:
    """Wishlists and votes of the first enrolled students, and the audit log of them."""
    students = list(dict.fromkeys(d["studentId"] for d in taken["enrollments"][:OWNERS]))
    wishes = [{"courseId": course["_id"], "addedAt": NOW} for course in courses[:OWNERS]]
    reviews = [review["_id"] for review in taken["reviews"][:OWNERS]]
    return {
        "wishlists": [{"_id": student, "courses": wishes} for student in students],
        "votes": [{"_id": {"reviewId": r, "studentId": student}} for r in reviews for student in students],
        "auditLog": [_entry(student, courses[0]["_id"]) for student in students],
    }


def _entry(student: ObjectId, course: ObjectId) -> dict[str, Any]:
    return {
        "_id": ObjectId(), "at": NOW, "action": "addToWishlist", "address": "::1",
        "actor": {"subject": "s", "roles": ["STUDENT"], "studentId": student, "instructorId": None},
        "changes": [
            {"collection": "courses", "documentId": str(course), "before": None, "after": {"a": [1]}}
        ],
    }  # fmt: skip


def holed(random: Random) -> Documents:
    """The same documents with some removed and some damaged. Most are unchanged."""
    documents = sound()
    for name in documents:
        documents[name] = [d for d in documents[name] if random.random() >= GONE]
    for name, found in documents.items():
        for document in found:
            while random.random() < DAMAGED:
                random.choice(_damages(name, random))(document, random)
        for field in _KEYS.get(name, ()):  # only a few, because each affects many documents
            for damage in (_missing, _wrong):
                damage(field)(random.choice(found), random)
    return documents


async def store(database: Database, documents: Documents) -> None:
    """Stores documents in a database with all indexes. Documents that a unique index rejects are skipped."""
    await database.client.drop_database(database.name)
    await indexes.ensure(database)
    for name, found in documents.items():
        with suppress(BulkWriteError):
            await database[name].insert_many(found, ordered=False)


def _damages(collection: str, random: Random) -> list[Damage]:
    field = random.choice(_PLAIN[collection])
    kinds = [_null(field), _missing(field), _wrong(field)]
    if collection in _KEYS:
        key = random.choice(_KEYS[collection])
        kinds += [_null(key), _dangling(key)]
    if collection in _STATUSES:
        kinds.append(_wrong(random.choice(_STATUSES[collection])))
    return kinds


def _null(path: str) -> Damage:
    return partial(_set, path, lambda _: None)


def _wrong(path: str) -> Damage:
    return partial(_set, path, lambda random: random.choice(WRONG))


def _dangling(path: str) -> Damage:
    """Damages a reference, or a list of references: its target does not exist."""

    def nowhere(random: Random) -> Any:
        nothing = ObjectId(random.randbytes(12))
        return [nothing] if path.endswith("Ids") else "no-such" if path.endswith("Slug") else nothing

    return partial(_set, path, nowhere)


def _missing(path: str) -> Damage:
    def remove(document: dict[str, Any], _: Random) -> None:
        holder, name = _holder(document, path)
        if isinstance(holder, dict):
            holder.pop(name, None)

    return remove


def _set(path: str, value: Callable[[Random], Any], document: dict[str, Any], random: Random) -> None:
    holder, name = _holder(document, path)
    if isinstance(holder, dict):
        holder[name] = value(random)


def _holder(document: Mapping[str, Any], path: str) -> tuple[Any, str]:
    """The object that contains the last part of a path, and that part. The object may be anything if it is
    damaged.
    """
    *outer, name = path.split(".")
    holder: Any = document
    for part in outer:
        holder = holder.get(part) if isinstance(holder, dict) else None
    return holder, name
