"""The loaders of one request."""

from collections.abc import Mapping, Set
from typing import Any

from loaders.batching import ByKey
from loaders.documents import (
    AuditDoc,
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    StudentDoc,
)
from loaders.mongo import Database
from loaders.projections import Projection

_STATUS: Projection = {"status": 1}


class Loaders:
    """Made for a request and dropped with it: what a loader has seen is as old as the request.

    projections: what is fetched of each collection's documents; set before the first is. Without one,
    documents are fetched whole.
    looked_beyond: the collections of which lists may be asked what lies beyond a page; None: all.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.projections: Mapping[str, Projection] = {}
        self.looked_beyond: Set[str] | None = None
        self._made: dict[tuple[str, str, bool], ByKey[Any]] = {}

    @property
    def course_by_id(self) -> ByKey[CourseDoc]:
        return self._by("courses")

    @property
    def course_status_by_id(self) -> ByKey[CourseDoc]:
        """Courses with their status: those that are fetched anyway, where they are."""
        if self.projections and "courses" not in self.projections:
            return self._by("courses", projection=_STATUS)
        return self.course_by_id

    @property
    def course_by_slug(self) -> ByKey[CourseDoc]:
        return self._by("courses", "slug")

    @property
    def course_run_by_id(self) -> ByKey[CourseRunDoc]:
        return self._by("courseRuns")

    @property
    def audit_entry_by_id(self) -> ByKey[AuditDoc]:
        return self._by("auditLog")

    @property
    def category_by_id(self) -> ByKey[CategoryDoc]:
        return self._by("categories")

    @property
    def category_by_slug(self) -> ByKey[CategoryDoc]:
        return self._by("categories", "slug")

    @property
    def instructor_by_id(self) -> ByKey[InstructorDoc]:
        return self._by("instructors")

    @property
    def student_by_id(self) -> ByKey[StudentDoc]:
        return self._by("students")

    @property
    def enrollment_by_id(self) -> ByKey[EnrollmentDoc]:
        return self._by("enrollments")

    @property
    def review_by_id(self) -> ByKey[ReviewDoc]:
        return self._by("reviews")

    def forget(self) -> None:
        """Drops what was seen: it has been written to."""
        self._made.clear()

    def _by(self, collection: str, field: str = "_id", projection: Projection | None = None) -> ByKey[Any]:
        key = (collection, field, projection is None)
        if (loader := self._made.get(key)) is None:
            projection = projection or self.projections.get(collection)
            loader = self._made[key] = ByKey(self.database[collection], field, projection)
        return loader
