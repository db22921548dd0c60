"""The loaders of one request."""

from collections.abc import Callable, Mapping, Set
from typing import Any, Generic, TypeVar

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

D = TypeVar("D")


class _Lazy(Generic[D]):
    """functools.cached_property without the lock that it has before Python 3.12."""

    def __init__(self, make: Callable[[Any], D]) -> None:
        self._make = make
        self._name = make.__name__

    def __get__(self, owner: Any, _: type) -> D:
        made = owner.__dict__[self._name] = self._make(owner)
        return made


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

    @_Lazy
    def course_by_id(self) -> ByKey[CourseDoc]:
        return self._by("courses")

    @_Lazy
    def course_status_by_id(self) -> ByKey[CourseDoc]:
        """Courses with their status: those that are fetched anyway, where they are."""
        if self.projections and "courses" not in self.projections:
            return ByKey(self.database["courses"], projection={"status": 1})
        return self.course_by_id

    @_Lazy
    def course_by_slug(self) -> ByKey[CourseDoc]:
        return self._by("courses", "slug")

    @_Lazy
    def course_run_by_id(self) -> ByKey[CourseRunDoc]:
        return self._by("courseRuns")

    @_Lazy
    def audit_entry_by_id(self) -> ByKey[AuditDoc]:
        return self._by("auditLog")

    @_Lazy
    def category_by_id(self) -> ByKey[CategoryDoc]:
        return self._by("categories")

    @_Lazy
    def category_by_slug(self) -> ByKey[CategoryDoc]:
        return self._by("categories", "slug")

    @_Lazy
    def instructor_by_id(self) -> ByKey[InstructorDoc]:
        return self._by("instructors")

    @_Lazy
    def student_by_id(self) -> ByKey[StudentDoc]:
        return self._by("students")

    @_Lazy
    def enrollment_by_id(self) -> ByKey[EnrollmentDoc]:
        return self._by("enrollments")

    @_Lazy
    def review_by_id(self) -> ByKey[ReviewDoc]:
        return self._by("reviews")

    def forget(self) -> None:
        """Drops what was seen: it has been written to."""
        for name in [name for name, value in vars(self).items() if isinstance(value, ByKey)]:
            del self.__dict__[name]

    def _by(self, collection: str, field: str = "_id") -> ByKey[Any]:
        return ByKey(self.database[collection], field, self.projections.get(collection))
