"""Enrolments: lists by course and by student, the latest first."""

from collections.abc import Sequence
from typing import Literal

from loaders.documents import EnrollmentStatus
from loaders.mongo.commands import Database
from loaders.reading.listing import Listing, Order

EnrollmentParent = Literal["courseId", "studentId"]


def listing(
    database: Database, parent: EnrollmentParent, statuses: Sequence[EnrollmentStatus] | None = None
) -> Listing:
    """The enrolments of each course or of each student, with one of some statuses; None: any."""
    parts = {} if statuses is None else {"statuses": {"status": {"$in": list(statuses)}}}
    return Listing(
        database["enrollments"], parts, Order("enrolledAt", descending=True, nullable=True), parent
    )
