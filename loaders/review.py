"""Reviews: lists by course and by student."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loaders.documents import CourseStatus, ReviewStatus
from loaders.mongo.commands import Database
from loaders.reading.listing import Filter, Listing, Order

ReviewOrderField = Literal["NEWEST", "HELPFUL", "RATING"]
ReviewParent = Literal["courseId", "studentId"]

ORDERS: Mapping[str, Order] = {
    "NEWEST": Order("createdAt", descending=True, nullable=True),
    "HELPFUL": Order("helpfulScore", descending=True),
    "RATING": Order("rating", descending=True, nullable=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCriteria:
    """What reviews to list; None: any.

    course_statuses: of the reviews of a student, those of courses in one of these. Whoever sees a course sees
    its reviews.
    """

    statuses: Sequence[ReviewStatus]
    course_statuses: Sequence[CourseStatus] | None = None
    ratings: Sequence[int] | None = None
    verified_only: bool | None = None


def listing(
    database: Database,
    criteria: ReviewCriteria,
    parent: ReviewParent,
    field: ReviewOrderField = "NEWEST",
    *,
    descending: bool = True,
) -> Listing:
    """The reviews of each course or of each student, of some criteria, in an order."""
    order = ORDERS[field]._replace(descending=descending)
    course = None if criteria.course_statuses is None else {"status": {"$in": list(criteria.course_statuses)}}
    return Listing(database["reviews"], _parts(criteria), order, parent, course=course)


def _parts(criteria: ReviewCriteria) -> dict[str, Filter]:
    parts: dict[str, Filter] = {"statuses": {"status": {"$in": list(criteria.statuses)}}}
    if criteria.ratings is not None:
        parts["ratings"] = {"rating": {"$in": list(criteria.ratings)}}
    if criteria.verified_only:
        parts["verifiedOnly"] = {"verified": True}
    return parts
