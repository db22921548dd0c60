"""Every collection, one row each: its type, its noun, who sees its documents, its fields and its indexes.

Whatever treats collections alike reads these rows: global IDs, `node`, loaders by key, visibility,
projections, the audit log, import and export, new documents, and `lectern indexes`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from loaders.model import (
    ANONYMOUS_STUDENT,
    LIVE_ENROLLMENTS,
    Document,
    new_course,
    new_course_run,
    new_enrollment,
    new_review,
    new_student,
    wilson,
)
from loaders.text import course_keys, student_keys


class SeenBy(NamedTuple):
    """Who sees a document: everyone, under the conditions that are set; and whom a rule of
    resolvers/access/rules.py allows.

    published: only if its `status` is PUBLISHED. with_course: only with the course of its `courseId`.
    nobody: not even then. rule: the name of the rule; it may depend on whose the document is.
    """

    published: bool = False
    with_course: bool = False
    nobody: bool = False
    rule: str | None = None


EVERYONE = SeenBy()
#: What no field of the API returns.
NOBODY = SeenBy(nobody=True)


class Index(NamedTuple):
    """where: a partialFilterExpression. seconds: MongoDB deletes a document so long after the time in the
    indexed field.
    """

    keys: Sequence[tuple[str, int]]
    unique: bool = False
    where: Mapping[str, Any] | None = None
    seconds: int | None = None

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)


#: Instead of null, in a field that can't be null: the stored value stays, or the default is taken.
KEEP = object()

_BY_EXTERNAL_ID = Index(
    [("externalId.source", 1), ("externalId.id", 1)],
    unique=True,
    where={"externalId.source": {"$exists": True}},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCollection:
    """What is known of one collection.

    name: in MongoDB. noun: what messages call one of its documents.
    seen_by: who may see a document. It has no default: what is declared without it is an error at the start.
    type_name, id_code: its GraphQL type, and the three bytes that stand for it in global IDs; without them
    its documents have none. parts: other types whose objects are made from its documents.
    key: the field, beside `_id`, by which its documents are loaded.
    reads: fields that are always fetched, beside those that `seen_by` needs.
    derived_from, derive: fields, and the function that computes others from them. derived: those others.
    aggregates: fields that follow from other documents (`lectern recount`).
    audited: derived fields or aggregates that the audit log has all the same. unaudited: other fields that it
    leaves out. secret: fields whose values it hides.
    importable: whether `lectern import` and `lectern export` know it. new: makes a new document of the fields
    that its source has. not_null: what an import stores instead of null.
    """

    name: str
    noun: str
    seen_by: SeenBy
    type_name: str | None = None
    id_code: bytes | None = None
    parts: Sequence[str] = ()
    key: str | None = None
    reads: frozenset[str] = frozenset()
    derived_from: frozenset[str] = frozenset()
    derive: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    derived: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    audited: frozenset[str] = frozenset()
    unaudited: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    importable: bool = False
    new: Callable[[Mapping[str, Any]], Document] = dict
    not_null: Mapping[str, Any] | None = None
    own_indexes: Sequence[Index] = ()

    def __post_init__(self) -> None:
        if (self.type_name is None) is not (self.id_code is None):
            raise ValueError(f"{self.name}: a type has an id_code, and an id_code is of a type")
        if self.id_code is not None and len(self.id_code) != 3:
            raise ValueError(f"{self.name}: an id_code has three bytes")
        if bool(self.derived) is not (self.derive is not None):
            raise ValueError(
                f"{self.name}: derived fields have a function, and a function has derived fields"
            )

    @property
    def indexes(self) -> Sequence[Index]:
        return (_BY_EXTERNAL_ID, *self.own_indexes) if self.importable else self.own_indexes

    @property
    def always_read(self) -> frozenset[str]:
        """The stored keys that are fetched with every document: they decide who sees it."""
        decides = {"status"} if self.seen_by.published else set()
        return self.reads | decides | ({"courseId"} if self.seen_by.with_course else set())

    @property
    def left_out_of_audit(self) -> frozenset[str]:
        return ((self.derived | self.aggregates) - self.audited) | self.unaudited


def _helpful_score(review: Mapping[str, Any]) -> Document:
    return {"helpfulScore": wilson(review["helpfulCount"], review["unhelpfulCount"])}


#: Indexes of a list of courses in each order. One index serves an order and its reverse: ascending is
#: descending read backwards.
_COURSE_ORDERS = [
    Index([("status", 1), (field, -1), ("_id", 1)])
    for field in (
        "ratingBayesian", "studentCount", "createdAt", "sortTitle", "durationDays", "price.amountMinor",
    )
]  # fmt: skip

COLLECTIONS: dict[str, StoredCollection] = {
    row.name: row
    for row in (
        StoredCollection(
            name="categories",
            noun="category",
            seen_by=EVERYONE,
            type_name="Category",
            id_code=b"cat",
            key="slug",
            importable=True,
            own_indexes=[Index([("slug", 1)], unique=True)],
        ),
        StoredCollection(
            name="instructors",
            noun="instructor",
            seen_by=EVERYONE,
            type_name="Instructor",
            id_code=b"ins",
            importable=True,
        ),
        StoredCollection(
            name="courses",
            noun="course",
            seen_by=SeenBy(published=True, rule="Course.draft"),
            type_name="Course",
            id_code=b"crs",
            parts=["RatingSummary"],
            key="slug",
            derived_from=frozenset(("title", "codes", "tags", "summary", "description")),
            derive=course_keys,
            derived=frozenset(("search", "sortTitle")),
            aggregates=frozenset(
                ("ratingAverage", "ratingBayesian", "ratingCount", "ratingStars", "studentCount",
                 "seatsUntil", "newestReviewIds", "revision")
            ),
            importable=True,
            new=new_course,
            not_null={
                "slug": KEEP, "status": KEEP, "createdAt": KEEP, "updatedAt": KEEP, "codes": [],
                "deliveryModes": [], "tags": [], "instructorIds": [], "importedStudentCount": 0,
            },
            own_indexes=[
                Index([("slug", 1)], unique=True),
                *_COURSE_ORDERS,
                Index([("categorySlug", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)]),
                Index([("instructorIds", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)]),
                Index([("search.t", 1), ("status", 1)]),
            ],
        ),
        StoredCollection(
            name="courseRuns",
            noun="run",
            seen_by=SeenBy(with_course=True),
            type_name="CourseRun",
            id_code=b"run",
            aggregates=frozenset(("seatsTaken", "waitlistCount")),
            importable=True,
            new=new_course_run,
            not_null={},
            own_indexes=[Index([("courseId", 1), ("startsAt", 1), ("_id", -1)])],
        ),
        StoredCollection(
            name="students",
            noun="student",
            seen_by=EVERYONE,
            type_name="Student",
            id_code=b"stu",
            derived_from=frozenset(("name",)),
            derive=student_keys,
            derived=frozenset(("search", "sortName")),
            aggregates=frozenset(("newestReviewIds", "revision")),
            importable=True,
            new=new_student,
            not_null={"name": ANONYMOUS_STUDENT},
            own_indexes=[
                Index([("sortName", 1), ("_id", -1)]),
                Index([("search.t", 1)]),
                Index([("country", 1)]),
            ],
        ),
        StoredCollection(
            name="enrollments",
            noun="enrolment",
            seen_by=SeenBy(nobody=True, rule="Enrollment"),
            type_name="Enrollment",
            id_code=b"enr",
            reads=frozenset(("studentId",)),
            importable=True,
            new=new_enrollment,
            not_null={"status": KEEP, "progress": KEEP},
            own_indexes=[
                Index([("courseId", 1), ("enrolledAt", -1), ("_id", 1)]),
                Index([("studentId", 1), ("enrolledAt", -1), ("_id", 1)]),
                Index([("status", 1), ("studentId", 1)]),
                # Who waits for a seat, in order.
                Index([("runId", 1), ("status", 1), ("enrolledAt", 1), ("_id", 1)]),
                # A student has one place in a course; imported enrolments are as their source has them.
                Index(
                    [("studentId", 1), ("courseId", 1)],
                    unique=True,
                    where={"externalId": {"$eq": None}, "status": {"$in": list(LIVE_ENROLLMENTS)}},
                ),
            ],
        ),
        StoredCollection(
            name="reviews",
            noun="review",
            seen_by=SeenBy(published=True, with_course=True, rule="Review.unpublished"),
            type_name="Review",
            id_code=b"rev",
            reads=frozenset(("createdAt",)),  # in cursors, also where reviews are fetched by `_id`
            derived_from=frozenset(("helpfulCount", "unhelpfulCount")),
            derive=_helpful_score,
            derived=frozenset(("helpfulScore",)),
            aggregates=frozenset(("helpfulCount",)),
            audited=frozenset(("helpfulCount",)),
            importable=True,
            new=new_review,
            not_null={
                "body": "", "verified": KEEP, "importedHelpfulCount": 0, "unhelpfulCount": 0, "status": KEEP,
            },
            own_indexes=[
                Index([("courseId", 1), ("createdAt", -1), ("_id", 1)]),
                Index([("courseId", 1), ("helpfulScore", -1), ("_id", 1)]),
                Index([("courseId", 1), ("rating", -1), ("_id", 1)]),
                Index([("studentId", 1), ("createdAt", -1), ("_id", 1)]),
                # A student writes one review of a course; imported reviews are as their source has them.
                Index(
                    [("studentId", 1), ("courseId", 1)],
                    unique=True,
                    where={"externalId": {"$eq": None}, "studentId": {"$type": "objectId"}},
                ),
            ],
        ),
        StoredCollection(
            name="votes",
            noun="vote",
            seen_by=NOBODY,
            own_indexes=[Index([("_id.reviewId", 1)])],
        ),
        StoredCollection(name="wishlists", noun="wishlist", seen_by=NOBODY),
        StoredCollection(
            name="accounts",
            noun="account",
            seen_by=NOBODY,
            secret=frozenset(("passwordHash", "reset", "signUpKey")),
            own_indexes=[
                Index([("email", 1)], unique=True),
                Index([("reset.digest", 1)], where={"reset.digest": {"$exists": True}}),
            ],
        ),
        StoredCollection(
            name="sessions",
            noun="session",
            seen_by=NOBODY,
            unaudited=frozenset(("generation", "refreshKey")),
            own_indexes=[Index([("accountId", 1)]), Index([("expiresAt", 1)], seconds=0)],
        ),
        StoredCollection(
            name="attempts",
            noun="attempt",
            seen_by=NOBODY,
            own_indexes=[Index([("expiresAt", 1)], seconds=0)],
        ),
        StoredCollection(
            name="idempotencyKeys",
            noun="idempotency key",
            seen_by=NOBODY,
            own_indexes=[Index([("at", 1)], seconds=24 * 60 * 60)],
        ),
        StoredCollection(
            name="auditLog",
            noun="audit entry",
            seen_by=SeenBy(nobody=True, rule="Query.auditLog"),
            type_name="AuditEntry",
            id_code=b"aud",
            own_indexes=[
                Index([("at", -1), ("_id", 1)]),
                Index([("changes.documentId", 1), ("at", -1), ("_id", 1)]),
                Index([("actor.subject", 1), ("at", -1), ("_id", 1)]),
            ],
        ),
        StoredCollection(name="sampleData", noun="load of sample data", seen_by=NOBODY),
    )
}  # fmt: skip


def of_type(type_name: str) -> StoredCollection | None:
    """The collection whose documents are objects of a GraphQL type, or None."""
    return next((row for row in COLLECTIONS.values() if row.type_name == type_name), None)


def stored_in(type_name: str) -> str | None:
    """The name of the collection whose documents objects of a type are made from, or None."""
    found = (row.name for row in COLLECTIONS.values() if type_name == row.type_name or type_name in row.parts)
    return next(found, None)


def with_types() -> Iterator[StoredCollection]:
    """The collections whose documents have a GraphQL type and global IDs."""
    return (row for row in COLLECTIONS.values() if row.type_name is not None)


def importable() -> list[str]:
    """The names of the collections that can be imported."""
    return [row.name for row in COLLECTIONS.values() if row.importable]


def complete(name: str, fields: Mapping[str, Any]) -> Document:
    """A new document of a collection, with every key that documents.py asks for. A course needs its slug."""
    document = COLLECTIONS[name].new(fields)
    document.update(derived(name, document))
    return document


def derived(name: str, document: Mapping[str, Any]) -> Document:
    """The derived fields of a document: called whenever one of `derived_from` changes."""
    derive = COLLECTIONS[name].derive
    return dict(derive(document)) if derive else {}
