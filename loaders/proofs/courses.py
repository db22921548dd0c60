"""Courses and their runs against the enrolments and reviews they count; the copies of a course's status."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from bson import ObjectId

from loaders.documents import COUNTED_ENROLLMENTS, SEATED_ENROLLMENTS, RatingDoc
from loaders.mongo import Database, Pipeline
from loaders.proofs.differences import Difference, Doc, batches, compared, mended
from loaders.ratings import summarise
from loaders.transactions import Transaction, transaction

_COURSE = ("status", *RatingDoc.__annotations__, "studentCount", "importedStudentCount", "seatsUntil")
_RUN = ("courseId", "courseStatus", "startsAt", "seats", "seatsTaken", "waitlistCount")

_OVERSOLD = "Give the run more seats (updateCourseRun), or cancel enrolments."
_WAITING = "updateCourseRun moves the waitlist up, also where it changes nothing."


class _Copies(NamedTuple):
    """Documents that have a course's status otherwise than the course."""

    collection: str
    course_id: ObjectId
    status: str


class _Counted(NamedTuple):
    differences: list[Difference]
    stale: set[_Copies]


async def differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """In batches, mended with `fix`."""
    async for ids in batches(database, "courses"):
        counted = await transaction(database, partial(_counted, ids=ids, fix=fix))
        yield counted.differences
        for copies in sorted(counted.stale, key=str):
            query = {"courseId": copies.course_id, "courseStatus": copies.status}
            async for stale in batches(database, copies.collection, query):
                yield await transaction(database, partial(_copied, copies=copies, ids=stale, fix=fix))


async def _counted(tx: Transaction, *, ids: Sequence[ObjectId], fix: bool) -> _Counted:
    courses = await tx.find("courses", {"_id": {"$in": ids}}, size=len(ids), projection=_COURSE)
    runs = await tx.find("courseRuns", {"courseId": {"$in": ids}}, size=10_000, projection=_RUN)
    enrollments = await _grouped(tx, "enrollments", ids, "runId", "status")
    reviews = await _grouped(tx, "reviews", ids, "courseStatus", "status", "rating")
    students, stars, taken = await _students(tx, ids), _stars(reviews), _by_run(enrollments)
    seats = _seats_until(runs, taken)
    found = [d for run in runs for d in _of_run(run, taken[run["_id"]])]
    for course in courses:
        key = course["_id"]
        found += _of_course(course, stars[key], students.get(key, 0), seats.get(key))
    statuses = {course["_id"]: course["status"] for course in courses}
    stale = {
        _Copies(collection, copy["courseId"], copy["courseStatus"])
        for collection, copies in (("courseRuns", runs), ("reviews", reviews))
        for copy in copies
        if copy["courseStatus"] != statuses[copy["courseId"]]
    }
    return _Counted(await mended(tx, found, fix=fix), stale)


async def _copied(
    tx: Transaction, *, copies: _Copies, ids: Sequence[ObjectId], fix: bool
) -> list[Difference]:
    course = await tx.get("courses", copies.course_id)
    documents = await tx.find(
        copies.collection, {"_id": {"$in": ids}}, size=len(ids), projection=["courseStatus"]
    )
    true = {"courseStatus": course["status"]}
    found = [d for document in documents for d in compared(copies.collection, document, true)]
    if found and fix:
        await tx.hold("courses", copies.course_id)  # so that its status doesn't change at the same time
    return await mended(tx, found, fix=fix)


async def _grouped(tx: Transaction, collection: str, courses: Sequence[ObjectId], *by: str) -> list[Doc]:
    """How many documents of each course have each combination of values."""
    keys = {name: f"${name}" for name in ("courseId", *by)}
    pipeline: Pipeline = [
        {"$match": {"courseId": {"$in": courses}}},
        {"$group": {"_id": keys, "n": {"$sum": 1}}},
    ]
    groups = await tx.aggregate(collection, pipeline, size=10_000)
    return [{**dict.fromkeys(keys), **group["_id"], "n": group["n"]} for group in groups]


async def _students(tx: Transaction, courses: Sequence[ObjectId]) -> dict[ObjectId, int]:
    """The students of each course that has any; one with several enrolments is one."""
    counted = {"courseId": {"$in": courses}, "status": {"$in": list(COUNTED_ENROLLMENTS)}}
    pipeline: Pipeline = [
        {"$match": counted},
        {"$group": {"_id": {"course": "$courseId", "student": "$studentId"}}},
        {"$group": {"_id": "$_id.course", "n": {"$sum": 1}}},
    ]
    rows = await tx.aggregate("enrollments", pipeline, size=len(courses))
    return {row["_id"]: row["n"] for row in rows}


def _by_run(enrollments: Sequence[Doc]) -> dict[ObjectId, Counter[str]]:
    counts: dict[ObjectId, Counter[str]] = defaultdict(Counter)
    for group in enrollments:
        kind = "taken" if group["status"] in SEATED_ENROLLMENTS else group["status"]
        counts[group["runId"]][kind] += group["n"]
    return counts


def _stars(reviews: Sequence[Doc]) -> dict[ObjectId, list[int]]:
    stars: dict[ObjectId, list[int]] = defaultdict(lambda: [0] * 5)
    for group in reviews:
        if group["status"] == "PUBLISHED" and group["rating"] is not None:
            stars[group["courseId"]][group["rating"] - 1] += group["n"]
    return stars


def _seats_until(runs: Sequence[Doc], taken: Mapping[ObjectId, Counter[str]]) -> dict[ObjectId, Any]:
    free = [run for run in runs if _has_seat(run, taken[run["_id"]]["taken"])]
    return {run["courseId"]: run["startsAt"] for run in sorted(free, key=lambda run: run["startsAt"])}


def _has_seat(run: Doc, taken: int) -> bool:
    return run["seats"] is None or taken < run["seats"]


def _of_run(run: Doc, counts: Mapping[str, int]) -> list[Difference]:
    taken, waiting, seats = counts["taken"], counts["WAITLISTED"], run["seats"]
    found = compared("courseRuns", run, {"seatsTaken": taken, "waitlistCount": waiting})
    if seats is not None and taken > seats:
        found.append(Difference("courseRuns", run["_id"], "seats sold", taken, seats, _OVERSOLD))
    if waiting and _has_seat(run, taken):
        found.append(Difference("courseRuns", run["_id"], "waiting, a seat free", waiting, 0, _WAITING))
    return found


def _of_course(course: Doc, stars: Sequence[int], students: int, seats_until: Any) -> list[Difference]:
    true = {
        **summarise(stars, course["importedRating"]),
        "studentCount": course["importedStudentCount"] + students,
        "seatsUntil": seats_until,
    }
    return compared("courses", course, true)
