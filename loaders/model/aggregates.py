"""The aggregates that courses and their runs store: one piece of code for writes, recount and sample data.

A group is a document, or with `n` that many documents with the same values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from loaders.model.documents import COUNTED_ENROLLMENTS, SEATED_ENROLLMENTS, EnrollmentStatus
from loaders.model.ratings import summarise

#: A stored document, or some of its fields.
Doc = Mapping[str, Any]

#: The query that finds runs with a free seat, as `has_free_seat` does.
FREE_SEAT = {"$expr": {"$or": [{"$eq": ["$seats", None]}, {"$lt": ["$seatsTaken", "$seats"]}]}}


def course_aggregates(
    course: Doc, *, stars: Sequence[int], students: int, seats_until: datetime | None
) -> Doc:
    """What a course should store. students: those with an enrolment that counts."""
    return {
        **course_rating(course, stars),
        "studentCount": course["importedStudentCount"] + students,
        "seatsUntil": seats_until,
    }


def course_rating(course: Doc, stars: Sequence[int]) -> Doc:
    """The rating of a course with these star counts (loaders.model.ratings.summarise)."""
    return {**summarise(stars, course["importedRating"])}


def add_stars(stars: list[int], review: Doc | None, step: int = 1) -> None:
    """Counts a review in, or out with -1. Only published reviews with a rating count."""
    if review is not None and review["status"] == "PUBLISHED" and review["rating"] is not None:
        stars[review["rating"] - 1] += step


def stars_by_course(reviews: Iterable[Doc]) -> dict[ObjectId, list[int]]:
    """Star counts of each course, one star first; five zeros where there are no reviews. reviews: groups."""
    stars: dict[ObjectId, list[int]] = defaultdict(lambda: [0] * 5)
    for review in reviews:
        add_stars(stars[review["courseId"]], review, review.get("n", 1))
    return stars


def takes_seat(status: EnrollmentStatus | None) -> bool:
    """Whether an enrolment of this status takes a seat of its run; None: there is none."""
    return status in SEATED_ENROLLMENTS


def is_counted(status: EnrollmentStatus | None) -> bool:
    """Whether an enrolment of this status makes its student one of the course's."""
    return status in COUNTED_ENROLLMENTS


def run_aggregates(enrollments: Iterable[Doc]) -> dict[ObjectId, Doc]:
    """What each run should store, by its `_id`; zeros where it has no enrolments. enrollments: groups."""
    taken: Counter[Any] = Counter()
    waiting: Counter[Any] = Counter()
    for group in enrollments:
        n = group.get("n", 1)
        taken[group["runId"]] += n * takes_seat(group["status"])
        waiting[group["runId"]] += n * (group["status"] == "WAITLISTED")
    runs: dict[ObjectId, Doc] = defaultdict(lambda: {"seatsTaken": 0, "waitlistCount": 0})
    runs.update({run: {"seatsTaken": taken[run], "waitlistCount": waiting[run]} for run in taken})
    return runs


def has_free_seat(run: Doc) -> bool:
    """Whether a run with these `seats` and `seatsTaken` has a seat left."""
    return run["seats"] is None or bool(run["seatsTaken"] < run["seats"])


def seats_until(runs: Iterable[Doc]) -> dict[ObjectId, datetime]:
    """The latest start of a course's runs with a free seat; courses without one are left out."""
    free = [run for run in runs if has_free_seat(run)]
    return {run["courseId"]: run["startsAt"] for run in sorted(free, key=lambda run: run["startsAt"])}
