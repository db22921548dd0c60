"""The aggregates, from the documents that were made: what `loaders.recount.recount` would find."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from bson import ObjectId

from app.sample.identity import TODAY
from loaders.documents import (
    COUNTED_ENROLLMENTS,
    SEATED_ENROLLMENTS,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    ReviewDoc,
    StudentDoc,
)
from loaders.newest_reviews import NEWEST
from loaders.packed_ids import packed
from loaders.ratings import summarise
from loaders.review import ReviewParent


def count_seats(runs: Iterable[CourseRunDoc], enrolments: Iterable[EnrollmentDoc]) -> None:
    """Set `seatsTaken` and `waitlistCount`."""
    taken: Counter[ObjectId | None] = Counter()
    waiting: Counter[ObjectId | None] = Counter()
    for enrolment in enrolments:
        taken[enrolment["runId"]] += enrolment["status"] in SEATED_ENROLLMENTS
        waiting[enrolment["runId"]] += enrolment["status"] == "WAITLISTED"
    for run in runs:
        run["seatsTaken"], run["waitlistCount"] = taken[run["_id"]], waiting[run["_id"]]


def count_students(courses: Iterable[CourseDoc], enrolments: Iterable[EnrollmentDoc]) -> None:
    """Set `studentCount`."""
    students = Counter(e["courseId"] for e in enrolments if e["status"] in COUNTED_ENROLLMENTS)
    for course in courses:
        course["studentCount"] = course["importedStudentCount"] + students[course["_id"]]


def find_seats(courses: Iterable[CourseDoc], runs: Iterable[CourseRunDoc]) -> None:
    """Set `seatsUntil`; the runs must have been counted."""
    latest: dict[ObjectId, datetime] = {}
    for run in runs:
        if run["seats"] is None or run["seatsTaken"] < run["seats"]:
            latest[run["courseId"]] = max(run["startsAt"], latest.get(run["courseId"], run["startsAt"]))
    for course in courses:
        course["seatsUntil"] = latest.get(course["_id"])


def list_newest(
    parents: Iterable[CourseDoc] | Iterable[StudentDoc], field: ReviewParent, reviews: Iterable[ReviewDoc]
) -> None:
    """Set `newestReviewIds`; `field` is what refers to the parent. Each review has a date."""
    ids: dict[ObjectId | None, list[ObjectId]] = defaultdict(list)
    by_id = sorted(reviews, key=lambda review: review["_id"])
    for review in sorted(by_id, key=lambda review: review["createdAt"] or TODAY, reverse=True):
        if review["status"] == "PUBLISHED":
            ids[review[field]].append(review["_id"])
    for parent in parents:
        parent["newestReviewIds"] = packed(ids[parent["_id"]][:NEWEST])


def rate(courses: Iterable[CourseDoc], reviews: Iterable[ReviewDoc]) -> None:
    """Set what loaders.ratings.summarise makes."""
    counts = Counter((r["courseId"], r["rating"]) for r in reviews if r["status"] == "PUBLISHED")
    for course in courses:
        stars = [counts[course["_id"], n] for n in range(1, 6)]
        course.update(summarise(stars, course["importedRating"]))  # type: ignore[typeddict-item] # a part of it
