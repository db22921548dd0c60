"""Every index, in one table. `ensure` makes them, `missing` tells which are not there."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymongo import IndexModel

from loaders.documents import LIVE_ENROLLMENTS
from loaders.mongo.commands import Database


class Index(NamedTuple):
    collection: str
    keys: Sequence[tuple[str, int]]
    unique: bool = False
    where: Mapping[str, Any] | None = None  # partialFilterExpression
    seconds: int | None = None  # after the time in the field, MongoDB deletes the document

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)


_IMPORTED = [("externalId.source", 1), ("externalId.id", 1)]
_NATIVE = {"externalId": {"$eq": None}, "studentId": {"$type": "objectId"}}
_LIVE = {"externalId": {"$eq": None}, "status": {"$in": list(LIVE_ENROLLMENTS)}}
_HAS_EXTERNAL_ID = {"externalId.source": {"$exists": True}}
IMPORTABLE = ("categories", "instructors", "courses", "courseRuns", "students", "enrollments", "reviews")

INDEXES: tuple[Index, ...] = (
    *(Index(collection, _IMPORTED, unique=True, where=_HAS_EXTERNAL_ID) for collection in IMPORTABLE),
    Index("categories", [("slug", 1)], unique=True),
    Index("courses", [("slug", 1)], unique=True),
    # One index serves an order and its reverse: ascending is descending read backwards.
    Index("courses", [("status", 1), ("ratingBayesian", -1), ("_id", 1)]),
    Index("courses", [("status", 1), ("studentCount", -1), ("_id", 1)]),
    Index("courses", [("status", 1), ("createdAt", -1), ("_id", 1)]),
    Index("courses", [("status", 1), ("sortTitle", -1), ("_id", 1)]),
    Index("courses", [("status", 1), ("durationDays", -1), ("_id", 1)]),
    Index("courses", [("status", 1), ("price.amountMinor", -1), ("_id", 1)]),
    Index("courses", [("categorySlug", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)]),
    Index("courses", [("instructorIds", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)]),
    Index("courses", [("search.t", 1), ("status", 1)]),
    Index("courseRuns", [("courseId", 1), ("startsAt", 1), ("_id", -1)]),
    Index("students", [("sortName", 1), ("_id", -1)]),
    Index("students", [("search.t", 1)]),
    Index("students", [("country", 1)]),
    Index("enrollments", [("courseId", 1), ("enrolledAt", -1), ("_id", 1)]),
    Index("enrollments", [("studentId", 1), ("enrolledAt", -1), ("_id", 1)]),
    Index("enrollments", [("status", 1), ("studentId", 1)]),
    # Who waits for a seat, in order.
    Index("enrollments", [("runId", 1), ("status", 1), ("enrolledAt", 1), ("_id", 1)]),
    # One place of a student in a course; imported enrolments are as their source has them.
    Index("enrollments", [("studentId", 1), ("courseId", 1)], unique=True, where=_LIVE),
    Index("reviews", [("courseId", 1), ("createdAt", -1), ("_id", 1)]),
    Index("reviews", [("courseId", 1), ("helpfulScore", -1), ("_id", 1)]),
    Index("reviews", [("courseId", 1), ("rating", -1), ("_id", 1)]),
    Index("reviews", [("studentId", 1), ("createdAt", -1), ("_id", 1)]),
    # One review a student and course; imported reviews are as their source has them.
    Index("reviews", [("studentId", 1), ("courseId", 1)], unique=True, where=_NATIVE),
    Index("votes", [("_id.reviewId", 1)]),
    Index("accounts", [("email", 1)], unique=True),
    Index("accounts", [("reset.digest", 1)], where={"reset.digest": {"$exists": True}}),
    Index("sessions", [("accountId", 1)]),
    Index("sessions", [("expiresAt", 1)], seconds=0),
    Index("attempts", [("expiresAt", 1)], seconds=0),
    Index("idempotencyKeys", [("at", 1)], seconds=24 * 60 * 60),
    Index("auditLog", [("at", -1), ("_id", 1)]),
    Index("auditLog", [("changes.documentId", 1), ("at", -1), ("_id", 1)]),
    Index("auditLog", [("actor.subject", 1), ("at", -1), ("_id", 1)]),
)


async def ensure(database: Database) -> None:
    """Make the indexes that are not there. Building one on a large collection takes its time."""
    by_collection: dict[str, list[IndexModel]] = {}
    for index in INDEXES:
        by_collection.setdefault(index.collection, []).append(_model(index))
    await gather(*(database[name].create_indexes(models) for name, models in by_collection.items()))


async def missing(database: Database) -> list[str]:
    """The indexes that are not there, as "collection.name"."""
    absent = []
    for collection in dict.fromkeys(index.collection for index in INDEXES):
        there = await database[collection].index_information()
        absent += [
            f"{i.collection}.{i.name}" for i in INDEXES if i.collection == collection and i.name not in there
        ]
    return absent


def _model(index: Index) -> IndexModel:
    options: dict[str, Any] = {"partialFilterExpression": index.where} if index.where else {}
    if index.seconds is not None:
        options["expireAfterSeconds"] = index.seconds
    return IndexModel(list(index.keys), name=index.name, unique=index.unique, **options)
