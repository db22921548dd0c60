"""The aggregates stored in courses and runs; writes, recounts and sample data share this code.

Functions that count documents also accept groups. A group is a mapping with a count `n`, which stands for n
documents with the same values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from bson import ObjectId

from loaders.model.documents import COUNTED_ENROLLMENTS, SEATED_ENROLLMENTS, EnrollmentStatus
from loaders.model.ratings import summarise
from loaders.mongo import Fields

#: A query for the runs that have a free seat. `has_free_seat` is the same condition in Python.
FREE_SEAT = {
    "status": {"$ne": "CANCELLED"},
    "$expr": {"$or": [{"$eq": ["$seats", None]}, {"$lt": ["$seatsTaken", "$seats"]}]},
}


def course_aggregates(
    course: Fields, *, stars: Sequence[int], students: int, seats_until: datetime | None
) -> Fields:
    """Returns the aggregates that a course should store.

    stars: how many published reviews have one star, two stars, and so on. students: the number of students
    with an enrolment that counts (COUNTED_ENROLLMENTS).
    """
    return {
        **course_rating(course, stars),
        "studentCount": course["importedStudentCount"] + students,
        "seatsUntil": seats_until,
    }


def course_rating(course: Fields, stars: Sequence[int]) -> Fields:
    """Returns a course's rating fields for the given star counts (see loaders.model.ratings.summarise)."""
    return {**summarise(stars, course["importedRating"])}


def add_stars(stars: list[int], review: Fields | None, step: int = 1) -> None:
    """Adds a review to the star counts, or subtracts it if `step` is -1.

    Only published reviews with a rating are counted.
    """
    if review is None or review["status"] != "PUBLISHED":
        return
    rating = review["rating"]
    if rating in (1, 2, 3, 4, 5):  # other programs can store any value as a rating
        stars[int(rating) - 1] = max(0, stars[int(rating) - 1] + step)


def stars_by_course(reviews: Iterable[Fields]) -> dict[ObjectId, list[int]]:
    """Maps each course to its star counts, one star first. A course without reviews gets five zeros.

    reviews: documents, or groups of documents with the same values. A group's `n` is the number of its
    documents.
    """
    stars: dict[ObjectId, list[int]] = defaultdict(lambda: [0] * 5)
    for review in reviews:
        add_stars(stars[review["courseId"]], review, review.get("n", 1))
    return stars


def takes_seat(status: EnrollmentStatus | None) -> bool:
    """Returns whether an enrolment with this status takes a seat in its run.

    status: None if there is no enrolment.
    """
    return status in SEATED_ENROLLMENTS


def is_counted(status: EnrollmentStatus | None) -> bool:
    """Returns whether a student whose enrolment has this status is counted as a student of the course."""
    return status in COUNTED_ENROLLMENTS


def run_aggregates(enrollments: Iterable[Fields]) -> dict[ObjectId, Fields]:
    """Maps each run to the aggregates that it should store. A run without enrolments gets zeros.

    enrollments: documents, or groups of documents with the same values. A group's `n` is the number of its
    documents.
    """
    taken: Counter[ObjectId] = Counter()
    waiting: Counter[ObjectId] = Counter()
    for group in enrollments:
        n = group.get("n", 1)
        if not isinstance(group["runId"], ObjectId):
            continue  # the enrolment isn't for a particular run
        taken[group["runId"]] += n * takes_seat(group["status"])
        waiting[group["runId"]] += n * (group["status"] == "WAITLISTED")
    runs: dict[ObjectId, Fields] = defaultdict(lambda: {"seatsTaken": 0, "waitlistCount": 0})
    runs.update({run: {"seatsTaken": taken[run], "waitlistCount": waiting[run]} for run in taken})
    return runs


def is_cancelled(run: Fields) -> bool:
    """Returns whether a run has been cancelled."""
    return bool(run.get("status") == "CANCELLED")


def has_free_seat(run: Fields) -> bool:
    """Returns whether a run has a free seat. A cancelled run has none."""
    return not is_cancelled(run) and (run["seats"] is None or bool(run["seatsTaken"] < run["seats"]))


def seats_until(runs: Iterable[Fields]) -> dict[ObjectId, datetime]:
    """Maps each course to the latest start among its runs with a free seat.

    A course is left out if none of its runs has a free seat.
    """
    free = [run for run in runs if has_free_seat(run)]
    return {run["courseId"]: run["startsAt"] for run in sorted(free, key=lambda run: run["startsAt"])}
