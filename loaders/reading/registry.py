"""The loaders of one request."""

from collections.abc import Mapping, Set
from functools import cached_property
from typing import Any

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
from loaders.mongo.commands import Database
from loaders.reading.batching import ByKey
from loaders.reading.projections import Projection


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

    @cached_property
    def course_by_id(self) -> ByKey[CourseDoc]:
        return self._by("courses")

    @cached_property
    def course_status_by_id(self) -> ByKey[CourseDoc]:
        """Courses with their status: those that are fetched anyway, where they are."""
        if self.projections and "courses" not in self.projections:
            return ByKey(self.database["courses"], projection={"status": 1})
        return self.course_by_id

    @cached_property
    def course_by_slug(self) -> ByKey[CourseDoc]:
        return self._by("courses", "slug")

    @cached_property
    def course_run_by_id(self) -> ByKey[CourseRunDoc]:
        return self._by("courseRuns")

    @cached_property
    def audit_entry_by_id(self) -> ByKey[AuditDoc]:
        return self._by("auditLog")

    @cached_property
    def category_by_id(self) -> ByKey[CategoryDoc]:
        return self._by("categories")

    @cached_property
    def category_by_slug(self) -> ByKey[CategoryDoc]:
        return self._by("categories", "slug")

    @cached_property
    def instructor_by_id(self) -> ByKey[InstructorDoc]:
        return self._by("instructors")

    @cached_property
    def student_by_id(self) -> ByKey[StudentDoc]:
        return self._by("students")

    @cached_property
    def enrollment_by_id(self) -> ByKey[EnrollmentDoc]:
        return self._by("enrollments")

    @cached_property
    def review_by_id(self) -> ByKey[ReviewDoc]:
        return self._by("reviews")

    def forget(self) -> None:
        """Drops what was seen: it has been written to."""
        for name in [name for name, value in vars(self).items() if isinstance(value, ByKey)]:
            del self.__dict__[name]

    def _by(self, collection: str, field: str = "_id") -> ByKey[Any]:
        return ByKey(self.database[collection], field, self.projections.get(collection))
