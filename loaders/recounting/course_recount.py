"""Compares the aggregates of courses and their runs with the actual enrolments and reviews."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial

from bson import ObjectId

from loaders.model import (
    COUNTED_ENROLLMENTS,
    LIVE_ENROLLMENTS,
    RatingDoc,
    course_aggregates,
    has_free_seat,
    is_cancelled,
    run_aggregates,
    seats_until,
    stars_by_course,
)
from loaders.mongo import Database, Fields, Pipeline, Transaction, Value, transaction, utc
from loaders.recounting.differences import Difference, batches, compared, corrected, misfits

_COURSE = ("status", *RatingDoc.__annotations__, "studentCount", "importedStudentCount", "seatsUntil")
_RUN = ("courseId", "startsAt", "status", "seats", "seatsTaken", "waitlistCount")

_LONGEST = 30  # maximum length of an invalid rating in a message; the rest is cut off
_LEFT_OVER = "Call cancelCourseRun again: it cancels the enrolments that are left."
_OVERSOLD = "Give the run more seats (updateCourseRun), or cancel enrolments."
_UNRATED = "They are not counted: a rating is a whole number from 1 to 5. `lectern check` lists them."
_WAITING = "Call updateCourseRun: it moves students up from the waitlist, even if nothing else changes."


async def differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """Yields differences in the aggregates of courses and runs, in batches.

    If `fix` is set, writes the true values.
    """
    async for ids in batches(database, "courses"):
        yield await transaction(database, partial(counted, ids=ids, fix=fix))


async def counted(tx: Transaction, *, ids: Sequence[ObjectId], fix: bool) -> list[Difference]:
    """Returns differences in the aggregates of some courses and their runs.

    If `fix` is set, writes the true values.
    """
    courses = await tx.find("courses", {"_id": {"$in": ids}}, size=len(ids), projection=_COURSE)
    runs = await tx.find("courseRuns", {"courseId": {"$in": ids}}, size=10_000, projection=_RUN)
    found = misfits("courses", courses, ("status", "importedStudentCount", "importedRating"))
    found += misfits("courseRuns", runs, ("startsAt", "seats"))
    enrollments = await _grouped(tx, "enrollments", ids, "runId", "status")
    reviews = await _grouped(tx, "reviews", ids, "status", "rating")
    students, stars = await _students(tx, ids), stars_by_course(reviews)
    of_runs, live = run_aggregates(enrollments), _live(enrollments)
    seats = seats_until({**run, **of_runs[run["_id"]]} for run in runs)
    published = {course["_id"] for course in courses if course["status"] == "PUBLISHED"}
    found += _uncounted(reviews)
    for run in runs:
        can_enrol = run["courseId"] in published and utc(run["startsAt"]) > tx.now
        found += _of_run(run, of_runs[run["_id"]], live[run["_id"]], can_enrol=can_enrol)
    for course in courses:
        key = course["_id"]
        true = course_aggregates(
            course, stars=stars[key], students=students.get(key, 0), seats_until=seats.get(key)
        )
        found += compared("courses", course, true)
    return await corrected(tx, found, fix=fix)


async def _grouped(tx: Transaction, collection: str, courses: Sequence[ObjectId], *by: str) -> list[Fields]:
    """Groups each course's documents by the values of the fields in `by`; `n` is the size of a group."""
    keys = {name: f"${name}" for name in ("courseId", *by)}
    pipeline: Pipeline = [
        {"$match": {"courseId": {"$in": courses}}},
        {"$group": {"_id": keys, "n": {"$sum": 1}}},
    ]
    groups = await tx.aggregate(collection, pipeline, size=10_000)
    return [{**dict.fromkeys(keys), **group["_id"], "n": group["n"]} for group in groups]


def _live(enrollments: Sequence[Fields]) -> Counter[ObjectId]:
    """Counts the live enrolments of each run, given groups of enrolments."""
    counts: Counter[ObjectId] = Counter()
    for group in enrollments:
        if isinstance(group["runId"], ObjectId) and group["status"] in LIVE_ENROLLMENTS:
            counts[group["runId"]] += group["n"]
    return counts


async def _students(tx: Transaction, courses: Sequence[ObjectId]) -> dict[ObjectId, int]:
    """Maps each course that has students to the number of its students.

    A student with several enrolments counts once.
    """
    counted = {"courseId": {"$in": courses}, "status": {"$in": list(COUNTED_ENROLLMENTS)}}
    pipeline: Pipeline = [
        {"$match": counted},
        {"$group": {"_id": {"course": "$courseId", "student": "$studentId"}}},
        {"$group": {"_id": "$_id.course", "n": {"$sum": 1}}},
    ]
    rows = await tx.aggregate("enrollments", pipeline, size=len(courses))
    return {row["_id"]: row["n"] for row in rows}


def _uncounted(reviews: Sequence[Fields]) -> list[Difference]:
    """Reports published reviews that aren't counted, because their ratings are invalid.

    Returns one Difference per course and invalid rating.
    """
    return [
        Difference(
            "courses",
            group["courseId"],
            f"reviews rated {_written(group['rating'])}",
            group["n"],
            0,
            _UNRATED,
        )
        for group in reviews
        if group["status"] == "PUBLISHED" and group["rating"] not in (None, 1, 2, 3, 4, 5)
    ]


def _written(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _of_run(run: Fields, true: Fields, live: int, *, can_enrol: bool) -> list[Difference]:
    """Returns the differences found in a run.

    live: the number of the run's live enrolments. can_enrol: whether students can enrol in the run. If they
    can't, nobody should move up from the waitlist.
    """
    taken, waiting, seats = true["seatsTaken"], true["waitlistCount"], run["seats"]
    found = compared("courseRuns", run, true)
    if seats is not None and taken > seats:
        found.append(Difference("courseRuns", run["_id"], "seats sold", taken, seats, _OVERSOLD))
    if can_enrol and waiting and has_free_seat({**run, **true}):
        found.append(Difference("courseRuns", run["_id"], "waiting despite free seat", waiting, 0, _WAITING))
    if is_cancelled(run) and live:
        found.append(Difference("courseRuns", run["_id"], "enrolled although cancelled", live, 0, _LEFT_OVER))
    return found
