"""The aggregates that courses and their runs store: the same code for writes, recount and sample data.

A group is either a document, or a mapping with a count `n` that stands for n documents with the same values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from bson import ObjectId

from loaders.model.documents import COUNTED_ENROLLMENTS, SEATED_ENROLLMENTS, EnrollmentStatus
from loaders.model.ratings import summarise
from loaders.mongo import Fields

#: The query for runs with a free seat; `has_free_seat` is the same condition in Python.
FREE_SEAT = {"$expr": {"$or": [{"$eq": ["$seats", None]}, {"$lt": ["$seatsTaken", "$seats"]}]}}


def course_aggregates(
    course: Fields, *, stars: Sequence[int], students: int, seats_until: datetime | None
) -> Fields:
    """The aggregates that a course should store. students: how many have an enrolment that counts."""
    return {
        **course_rating(course, stars),
        "studentCount": course["importedStudentCount"] + students,
        "seatsUntil": seats_until,
    }


def course_rating(course: Fields, stars: Sequence[int]) -> Fields:
    """The rating fields of a course with these star counts (loaders.model.ratings.summarise)."""
    return {**summarise(stars, course["importedRating"])}


def add_stars(stars: list[int], review: Fields | None, step: int = 1) -> None:
    """Adds a review to star counts; removes it with step -1. Only published reviews with a rating count."""
    if review is not None and review["status"] == "PUBLISHED" and review["rating"] is not None:
        stars[review["rating"] - 1] += step


def stars_by_course(reviews: Iterable[Fields]) -> dict[ObjectId, list[int]]:
    """Star counts of each course, one star first; five zeros for one without reviews. reviews: groups."""
    stars: dict[ObjectId, list[int]] = defaultdict(lambda: [0] * 5)
    for review in reviews:
        add_stars(stars[review["courseId"]], review, review.get("n", 1))
    return stars


def takes_seat(status: EnrollmentStatus | None) -> bool:
    """Whether an enrolment of this status takes a seat of its run. None stands for no enrolment."""
    return status in SEATED_ENROLLMENTS


def is_counted(status: EnrollmentStatus | None) -> bool:
    """Whether a student with an enrolment of this status counts as a student of the course."""
    return status in COUNTED_ENROLLMENTS


def run_aggregates(enrollments: Iterable[Fields]) -> dict[ObjectId, Fields]:
    """The aggregates that each run should store; zeros for one without enrolments. enrollments: groups."""
    taken: Counter[ObjectId] = Counter()
    waiting: Counter[ObjectId] = Counter()
    for group in enrollments:
        n = group.get("n", 1)
        taken[group["runId"]] += n * takes_seat(group["status"])
        waiting[group["runId"]] += n * (group["status"] == "WAITLISTED")
    runs: dict[ObjectId, Fields] = defaultdict(lambda: {"seatsTaken": 0, "waitlistCount": 0})
    runs.update({run: {"seatsTaken": taken[run], "waitlistCount": waiting[run]} for run in taken})
    return runs


def has_free_seat(run: Fields) -> bool:
    """Whether a run with these `seats` and `seatsTaken` has a seat left."""
    return run["seats"] is None or bool(run["seatsTaken"] < run["seats"])


def seats_until(runs: Iterable[Fields]) -> dict[ObjectId, datetime]:
    """The latest start among each course's runs with a free seat. A course without such a run is left out."""
    free = [run for run in runs if has_free_seat(run)]
    return {run["courseId"]: run["startsAt"] for run in sorted(free, key=lambda run: run["startsAt"])}
