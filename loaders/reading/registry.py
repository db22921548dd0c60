"""The loaders with which one request fetches documents by key."""

from collections.abc import Mapping, Set
from typing import Any

from loaders.collections import COLLECTIONS
from loaders.model import (
    AccountDoc,
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    InstructorDoc,
    ReviewDoc,
    StudentDoc,
)
from loaders.mongo import Database
from loaders.reading.batching import ByKey
from loaders.reading.projections import Projection

_STATUS = ("courses", "status only")
_CONTACT = {"name": 1, "email": 1}
_OWN_ACCOUNT = ("accounts", "of the viewer")


class Loaders:
    """The loaders of one request.

    They are discarded with the request, so nothing that they cache is older than the request.
    projections: the keys to fetch from each collection's documents. If a collection has no projection, its
    documents are fetched whole.
    looked_beyond: the collections for which the operation might request a page's `pageInfo`; None means all
    collections.
    """

    def __init__(
        self,
        database: Database,
        projections: Mapping[str, Projection] | None = None,
        looked_beyond: Set[str] | None = None,
    ) -> None:
        self.database = database
        self.projections: Mapping[str, Projection] = projections or {}
        self.looked_beyond = looked_beyond
        self._by_key: dict[tuple[str, str], ByKey[Any]] = {}  # Any: each collection has its own document type

    # Any: each collection has its own document type.
    def by_key(self, collection: str, field: str = "_id") -> ByKey[Any]:
        """Returns the loader that fetches a collection's documents by a unique field."""
        if (loader := self._by_key.get((collection, field))) is None:
            row, projection = COLLECTIONS[collection], self.projections.get(collection)
            former = row.former_keys if field == row.key else None
            loader = ByKey(self.database[collection], field, projection, former)
            self._by_key[collection, field] = loader
        return loader

    @property
    def course_by_id(self) -> ByKey[CourseDoc]:
        return self.by_key("courses")

    @property
    def course_status_by_id(self) -> ByKey[CourseDoc]:
        """The loader for callers that need only the status of courses.

        If the operation fetches courses anyway, this is the same loader as `course_by_id`.
        """
        if not self.projections or "courses" in self.projections:
            return self.course_by_id
        if (loader := self._by_key.get(_STATUS)) is None:
            loader = self._by_key[_STATUS] = ByKey(self.database["courses"], projection={"status": 1})
        return loader

    @property
    def course_by_slug(self) -> ByKey[CourseDoc]:
        return self.by_key("courses", "slug")

    @property
    def category_by_slug(self) -> ByKey[CategoryDoc]:
        return self.by_key("categories", "slug")

    @property
    def course_run_by_id(self) -> ByKey[CourseRunDoc]:
        return self.by_key("courseRuns")

    @property
    def instructor_by_id(self) -> ByKey[InstructorDoc]:
        return self.by_key("instructors")

    @property
    def instructor_by_slug(self) -> ByKey[InstructorDoc]:
        return self.by_key("instructors", "slug")

    @property
    def student_by_id(self) -> ByKey[StudentDoc]:
        return self.by_key("students")

    @property
    def own_account_by_id(self) -> ByKey[AccountDoc]:
        """The loader for the viewer's own account. It fetches only what its owner sees."""
        if (loader := self._by_key.get(_OWN_ACCOUNT)) is None:
            projection = {"email": 1, "emailVerifiedAt": 1, "name": 1}
            loader = self._by_key[_OWN_ACCOUNT] = ByKey(self.database["accounts"], projection=projection)
        return loader

    @property
    def review_by_id(self) -> ByKey[ReviewDoc]:
        return self.by_key("reviews")

    # Any: each collection has its own document type.
    def contact_by_id(self, collection: str) -> ByKey[Any]:
        """Returns the loader for callers that need only the names and e-mail addresses of people.

        It fetches these fields even if the operation doesn't select them. collection: the collection that the
        people belong to. Instructors have no e-mail address.
        """
        if (loader := self._by_key.get((collection, "contact"))) is None:
            loader = ByKey(self.database[collection], projection=_CONTACT)
            self._by_key[collection, "contact"] = loader
        return loader

    def forget(self) -> None:
        """Drops all documents read so far, because they might have changed."""
        self._by_key.clear()
