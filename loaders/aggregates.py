"""The aggregates on courses, runs and students, recomputed from the documents they come from.

Courses and students are taken a batch at a time, whatever the size of the database. A stored value is read
before what it comes from, and is written only where it still is what was read: a review that arrives
meanwhile is not lost.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from bson import ObjectId
from pymongo import UpdateOne

from loaders import newest
from loaders.documents import COUNTED_ENROLLMENTS, SEATED_ENROLLMENTS, RatingDoc
from loaders.mongo import Database, Pipeline, aggregate, find
from loaders.ratings import summarise
from loaders.review import ReviewParent

_PARENTS = 500  # a batch of courses or students
_DOCUMENTS = 1_000  # a batch of the copies of a course's status

_Doc = Mapping[str, Any]


class Difference(NamedTuple):
    """A stored value that is not what it should be."""

    collection: str
    id: ObjectId
    field: str
    stored: Any
    true: Any


async def recount(database: Database, *, fix: bool) -> AsyncIterator[Difference]:
    """Every difference, as it is found: in `rating`, `studentCount` and `seatsUntil` of courses, in
    `seatsTaken` and `waitlistCount` of runs, in the copies of `courseStatus`, and in `newestReviewIds` of
    courses and students, which follow from those copies. With `fix` the true values are written.
    """
    async for batch in _differences(database):
        if fix and batch:
            await _write(database, batch)
        for difference in batch:
            yield difference


async def _differences(database: Database) -> AsyncIterator[list[Difference]]:
    """In batches, each to be written before the next is asked for."""
    fields = ("status", *RatingDoc.__annotations__, "studentCount", "importedStudentCount", "seatsUntil")
    async for courses in _batches(database, "courses", *fields):
        async for batch in _of_courses(database, courses):
            yield batch
    for collection, parent in newest.CARRIERS.items():
        async for batch in _newest(database, collection, parent):
            yield batch


async def _batches(database: Database, collection: str, *fields: str) -> AsyncIterator[list[_Doc]]:
    """All documents of a collection, with some of their fields."""
    query: dict[str, Any] = {}
    options: dict[str, Any] = {"projection": dict.fromkeys(fields, 1), "sort": [("_id", 1)]}
    while batch := await find(database[collection], query, size=_PARENTS, limit=_PARENTS, **options):
        yield batch
        query = {"_id": {"$gt": batch[-1]["_id"]}}


async def _newest(
    database: Database, collection: str, parent: ReviewParent
) -> AsyncIterator[list[Difference]]:
    async for documents in _batches(database, collection, "newestReviewIds"):
        true = await newest.ids_by_parent(database, parent, [document["_id"] for document in documents])
        yield [
            difference
            for document, ids in zip(documents, true, strict=True)
            for difference in _compared(collection, document, {"newestReviewIds": newest.packed(ids)})
        ]


async def _of_courses(database: Database, courses: Sequence[_Doc]) -> AsyncIterator[list[Difference]]:
    ids = [course["_id"] for course in courses]
    runs = await _runs(database, ids)
    enrollments = await _grouped(database, "enrollments", ids, "runId", "status")
    reviews = await _grouped(database, "reviews", ids, "courseStatus", "status", "rating")
    taken = _by_run(enrollments)
    found = [d for run in runs for d in _of_run(run, taken[run["_id"]])]
    seats = _seats_until(runs, taken)
    students = await _students(database, ids)
    stars = _stars(reviews)
    for course in courses:
        found += _of_course(
            course, stars[course["_id"]], students.get(course["_id"], 0), seats.get(course["_id"])
        )
    yield found
    statuses = {course["_id"]: course["status"] for course in courses}
    stale = {(g["courseId"], g["courseStatus"]) for g in reviews}
    async for batch in _copies(database, "reviews", statuses, stale):
        yield batch
    async for batch in _copies(
        database, "courseRuns", statuses, {(r["courseId"], r["courseStatus"]) for r in runs}
    ):
        yield batch


async def _runs(database: Database, courses: Sequence[ObjectId]) -> list[_Doc]:
    fields = ("courseId", "courseStatus", "startsAt", "seats", "seatsTaken", "waitlistCount")
    query, projection = {"courseId": {"$in": courses}}, dict.fromkeys(fields, 1)
    return await find(database["courseRuns"], query, size=10_000, projection=projection)


async def _grouped(database: Database, collection: str, courses: Sequence[ObjectId], *by: str) -> list[_Doc]:
    """How many documents of each course have each combination of values."""
    keys = {name: f"${name}" for name in ("courseId", *by)}
    pipeline: list[dict[str, Any]] = [
        {"$match": {"courseId": {"$in": courses}}},
        {"$group": {"_id": keys, "n": {"$sum": 1}}},
    ]
    groups = await aggregate(database[collection], pipeline, size=10_000)
    return [{**dict.fromkeys(keys), **group["_id"], "n": group["n"]} for group in groups]


def _by_run(enrollments: Sequence[_Doc]) -> dict[ObjectId, Counter[str]]:
    counts: dict[ObjectId, Counter[str]] = defaultdict(Counter)
    for group in enrollments:
        kind = "taken" if group["status"] in SEATED_ENROLLMENTS else group["status"]
        counts[group["runId"]][kind] += group["n"]
    return counts


def _seats_until(runs: Sequence[_Doc], taken: Mapping[ObjectId, Counter[str]]) -> dict[ObjectId, Any]:
    free = [r for r in runs if r["seats"] is None or taken[r["_id"]]["taken"] < r["seats"]]
    return {run["courseId"]: run["startsAt"] for run in sorted(free, key=lambda run: run["startsAt"])}


async def _students(database: Database, courses: Sequence[ObjectId]) -> dict[ObjectId, int]:
    """The students of each course that has any; one with several enrolments is one."""
    counted = {"courseId": {"$in": courses}, "status": {"$in": list(COUNTED_ENROLLMENTS)}}
    pipeline: Pipeline = [
        {"$match": counted},
        {"$group": {"_id": {"course": "$courseId", "student": "$studentId"}}},
        {"$group": {"_id": "$_id.course", "n": {"$sum": 1}}},
    ]
    rows = await aggregate(database["enrollments"], pipeline, size=len(courses))
    return {row["_id"]: row["n"] for row in rows}


def _stars(reviews: Sequence[_Doc]) -> dict[ObjectId, list[int]]:
    stars: dict[ObjectId, list[int]] = defaultdict(lambda: [0] * 5)
    for group in reviews:
        if group["status"] == "PUBLISHED" and group["rating"] is not None:
            stars[group["courseId"]][group["rating"] - 1] += group["n"]
    return stars


def _of_run(run: _Doc, counts: Mapping[str, int]) -> list[Difference]:
    true = {"seatsTaken": counts["taken"], "waitlistCount": counts["WAITLISTED"]}
    return _compared("courseRuns", run, true)


def _of_course(course: _Doc, stars: Sequence[int], students: int, seats_until: Any) -> list[Difference]:
    true = {
        **summarise(stars, course["importedRating"]),
        "studentCount": course["importedStudentCount"] + students,
        "seatsUntil": seats_until,
    }
    return _compared("courses", course, true)


def _compared(collection: str, stored: _Doc, true: _Doc) -> list[Difference]:
    return [
        Difference(collection, stored["_id"], name, stored.get(name), value)
        for name, value in true.items()
        if stored.get(name) != value
    ]


async def _copies(
    database: Database, collection: str, statuses: Mapping[ObjectId, str], found: set[tuple[ObjectId, str]]
) -> AsyncIterator[list[Difference]]:
    """The documents whose copy of the course's status is not the course's."""
    for course in {course for course, copy in found if copy != statuses[course]}:
        query = {"courseId": course, "courseStatus": {"$ne": statuses[course]}}
        cursor = database[collection].find(query, {"courseStatus": 1}, batch_size=_DOCUMENTS)
        while batch := await cursor.to_list(_DOCUMENTS):
            yield [
                d
                for document in batch
                for d in _compared(collection, document, {"courseStatus": statuses[course]})
            ]


async def _write(database: Database, differences: Sequence[Difference]) -> None:
    updates: dict[str, list[UpdateOne]] = defaultdict(list)
    for d in differences:
        updates[d.collection].append(UpdateOne({"_id": d.id, d.field: d.stored}, {"$set": {d.field: d.true}}))
    for collection, operations in updates.items():
        await database[collection].bulk_write(operations, ordered=False)
