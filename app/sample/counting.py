"""Computes the aggregates of the generated documents, as `loaders.recounting.recount` would."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from bson import ObjectId

from app.sample.identity import TODAY
from loaders.model import (
    NEWEST,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    ReviewDoc,
    ReviewParent,
    StudentDoc,
    course_aggregates,
    is_counted,
    pack_ids,
    run_aggregates,
    seats_until,
    stars_by_course,
)


def count(
    courses: Iterable[CourseDoc],
    runs: Sequence[CourseRunDoc],
    enrolments: Sequence[EnrollmentDoc],
    reviews: Iterable[ReviewDoc],
) -> None:
    """Sets the aggregates of courses and runs."""
    counted = run_aggregates(enrolments)
    for run in runs:
        run.update(counted[run["_id"]])  # type: ignore[typeddict-item] # some of its fields
    seats, stars = seats_until(runs), stars_by_course(reviews)
    pairs = {(e["courseId"], e["studentId"]) for e in enrolments if is_counted(e["status"])}
    students = Counter(course for course, _ in pairs)
    for course in courses:
        key = course["_id"]
        aggregates = course_aggregates(
            course, stars=stars[key], students=students[key], seats_until=seats.get(key)
        )
        course.update(aggregates)  # type: ignore[typeddict-item] # some of its fields


def list_newest(
    parents: Iterable[CourseDoc] | Iterable[StudentDoc], field: ReviewParent, reviews: Iterable[ReviewDoc]
) -> None:
    """Sets `newestReviewIds` of courses or students.

    field: the field in which a review refers to its course or student. Every review must have a date.
    """
    ids: dict[ObjectId | None, list[ObjectId]] = defaultdict(list)
    by_id = sorted(reviews, key=lambda review: review["_id"])
    for review in sorted(by_id, key=lambda review: review["createdAt"] or TODAY, reverse=True):
        if review["status"] == "PUBLISHED":
            ids[review[field]].append(review["_id"])
    for parent in parents:
        parent["newestReviewIds"] = pack_ids(ids[parent["_id"]][:NEWEST])
