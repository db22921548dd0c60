"""A table of all collections: their GraphQL types, visibility, indexes and so on.

Code that works for any collection, such as `node`, the audit log and `lectern import`, reads this table.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from loaders.model import (
    ANONYMOUS_STUDENT,
    LIVE_ENROLLMENTS,
    PRIOR_MEAN,
    AccountDoc,
    AuditDoc,
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    SessionDoc,
    StudentDoc,
    VoteDoc,
    WishlistDoc,
    new_category,
    new_course,
    new_course_run,
    new_enrollment,
    new_instructor,
    new_review,
    new_student,
    wilson,
)
from loaders.mongo import Document, Fields, Filter, Value
from loaders.text import course_keys, student_keys


class SeenBy(NamedTuple):
    """Defines who may see a document. Everyone may, unless a condition hides it.

    published: the document is hidden unless its `status` is PUBLISHED. with_course: it is hidden unless its
    course (`courseId`) is visible. nobody: it is always hidden.
    rule: the name of a rule in resolvers/access/rules.py. The rule lets some viewers, such as the owner, see
    the document even when it is hidden.
    owner: the field that contains the owner's student id; None if the owner has to be looked up when the
    rule is applied.
    """

    published: bool = False
    with_course: bool = False
    nobody: bool = False
    rule: str | None = None
    owner: str | None = None


EVERYONE = SeenBy()
#: For collections whose documents the API never returns.
NOBODY = SeenBy(nobody=True)


#: The number of days after which MongoDB deletes documents, by collection; 0 means never. The operator sets
#: them, so only collections with `retained_from` can have an entry.
Retention: TypeAlias = Mapping[str, int]


class Index(NamedTuple):
    """An index of a collection.

    serves: what needs the index, as a phrase for operators. where: the partialFilterExpression of a partial
    index. seconds: the lifetime of documents in a TTL index; MongoDB deletes a document this long after the
    time in the indexed field.
    """

    keys: Sequence[tuple[str, int]]
    serves: str = ""
    unique: bool = False
    where: Filter | None = None
    seconds: int | None = None

    @property
    def options(self) -> Mapping[str, Value]:
        """The options by which this index differs from a plain one, under MongoDB's names."""
        options = {
            "unique": self.unique or None,
            "partialFilterExpression": self.where,
            "expireAfterSeconds": self.seconds,
        }
        return {name: value for name, value in options.items() if value is not None}

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)


#: Marks a field in `StoredCollection.not_null`. If an import supplies null for such a field, an existing
#: document keeps its value, and a new document gets the default.
KEEP = object()

_BY_EXTERNAL_ID = Index(
    [("externalId.source", 1), ("externalId.id", 1)],
    "imports, external sign-ins",
    unique=True,
    where={"externalId.source": {"$exists": True}},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCollection:
    """Describes one collection.

    noun: the word for one of its documents in messages.
    document: the TypedDict of its documents; None if only a single module reads them.
    missing: the values that readers get for fields that are missing or have the wrong type, by field. By
    default, they get null if the field can be null, otherwise usually an empty value
    (loaders/reading/document_fitting.py). A status must not be PUBLISHED by default.
    seen_by: who may see a document. There is no default, so that it can't be forgotten.
    type_name: the GraphQL type of its documents. id_code: the three bytes that identify this type in global
    IDs. Both are None if the documents have no global IDs.
    parts: other GraphQL types whose objects are built from its documents.
    key: a field by which its documents are loaded, in addition to `_id`. former_keys: a field with the former
    values of `key`, by which its documents are also loaded.
    reads: fields that are always fetched, in addition to those that `seen_by` needs.
    derived: fields that `derive` computes from the fields in `derived_from`.
    aggregates: fields that are computed from other documents (`lectern recount`).
    audited: derived fields and aggregates to include in the audit log; by default they are left out.
    unaudited: other fields to leave out of the audit log; by default they are included.
    secret: fields whose values the audit log hides.
    importable: whether `lectern import` and `lectern export` support the collection.
    backed_up: whether `lectern export --all` includes the collection.
    new: a function that adds defaults to the fields of a new document.
    not_null: the values that an import stores instead of null, by field.
    former_indexes: the names of indexes that earlier versions created and this version doesn't need.
    retained_from: a field with a time. The operator can set after how many days from this time on MongoDB
    deletes a document (see Retention).
    """

    name: str
    noun: str
    seen_by: SeenBy
    document: type | None = None
    missing: Fields = field(default_factory=dict)
    type_name: str | None = None
    id_code: bytes | None = None
    parts: Sequence[str] = ()
    key: str | None = None
    former_keys: str | None = None
    reads: frozenset[str] = frozenset()
    derived_from: frozenset[str] = frozenset()
    derive: Callable[[Fields], Fields] | None = None
    derived: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    audited: frozenset[str] = frozenset()
    unaudited: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    importable: bool = False
    backed_up: bool = True
    new: Callable[[Fields], Document] = dict
    not_null: Fields | None = None
    own_indexes: Sequence[Index] = ()
    former_indexes: Sequence[str] = ()
    retained_from: str | None = None

    def __post_init__(self) -> None:
        if (self.type_name is None) is not (self.id_code is None):
            raise ValueError(f"{self.name}: set both type_name and id_code, or neither")
        if self.id_code is not None and len(self.id_code) != 3:
            raise ValueError(f"{self.name}: an id_code must be three bytes long")
        if bool(self.derived) is not (self.derive is not None):
            raise ValueError(f"{self.name}: set both derived and derive, or neither")

    @property
    def indexes(self) -> Sequence[Index]:
        """All indexes except the one that deletes documents after the retention time."""
        return (_BY_EXTERNAL_ID, *self.own_indexes) if self.importable else self.own_indexes

    def retaining_index(self, days: int) -> Index | None:
        """Returns the TTL index for a retention time. Returns None if documents are kept forever (0 days)."""
        if self.retained_from is None or not days:
            return None
        return Index([(self.retained_from, 1)], f"deletes after {days} days", seconds=days * 24 * 60 * 60)

    @property
    def always_read(self) -> frozenset[str]:
        """The keys that are fetched with every document: `reads`, and those that `seen_by` needs."""
        needed = {
            *(["status"] if self.seen_by.published else ()),
            *(["courseId"] if self.seen_by.with_course else ()),
            *([self.seen_by.owner] if self.seen_by.owner else ()),
        }
        return self.reads | needed

    @property
    def left_out_of_audit(self) -> frozenset[str]:
        return ((self.derived | self.aggregates) - self.audited) | self.unaudited


def _helpful_score(review: Fields) -> Document:
    return {"helpfulScore": wilson(review["helpfulCount"], review["unhelpfulCount"])}


#: The indexes for lists of courses, one for each sort field. An index serves both directions, because
#: ascending order is descending order read backwards.
_COURSE_ORDERS = [
    Index([("status", 1), (field, -1), ("_id", 1)], f"lists of courses by {order}")
    for field, order in {
        "ratingBayesian": "rating", "studentCount": "number of students", "createdAt": "age",
        "sortTitle": "title", "durationDays": "duration", "price.amountMinor": "price",
    }.items()
]  # fmt: skip

COLLECTIONS: dict[str, StoredCollection] = {
    row.name: row
    for row in (
        StoredCollection(
            name="categories",
            noun="category",
            seen_by=EVERYONE,
            document=CategoryDoc,
            type_name="Category",
            id_code=b"cat",
            key="slug",
            former_keys="oldSlugs",
            importable=True,
            new=new_category,
            not_null={"name": KEEP, "slug": KEEP, "position": KEEP},
            own_indexes=[Index([("slug", 1)], "categories by slug", unique=True)],
        ),
        StoredCollection(
            name="instructors",
            noun="instructor",
            seen_by=EVERYONE,
            document=InstructorDoc,
            type_name="Instructor",
            id_code=b"ins",
            importable=True,
            new=new_instructor,
            not_null={"name": KEEP},
        ),
        StoredCollection(
            name="courses",
            noun="course",
            seen_by=SeenBy(published=True, rule="Course.draft"),
            document=CourseDoc,
            missing={"status": "DRAFT", "ratingBayesian": PRIOR_MEAN, "ratingStars": [0] * 5},
            type_name="Course",
            id_code=b"crs",
            parts=["RatingSummary"],
            key="slug",
            former_keys="oldSlugs",
            derived_from=frozenset(("title", "codes", "tags", "summary", "description")),
            derive=course_keys,
            derived=frozenset(("searchTerms", "searchWeights", "sortTitle")),
            aggregates=frozenset(
                ("ratingAverage", "ratingBayesian", "ratingCount", "ratingStars", "studentCount",
                 "seatsUntil", "newestReviewIds", "revision")
            ),
            unaudited=frozenset(("oldSlugs",)),  # audit entries already show the old and new slug
            importable=True,
            new=new_course,
            not_null={
                "slug": KEEP, "status": KEEP, "createdAt": KEEP, "updatedAt": KEEP, "codes": [],
                "deliveryModes": [], "tags": [], "instructorIds": [], "importedStudentCount": 0,
            },
            own_indexes=[
                Index([("slug", 1)], "courses by slug", unique=True),
                Index([("oldSlugs", 1)], "courses by former slug", where={"oldSlugs": {"$exists": True}}),
                *_COURSE_ORDERS,
                Index(
                    [("categorySlug", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)],
                    "a category's courses",
                ),
                Index(
                    [("instructorIds", 1), ("status", 1), ("ratingBayesian", -1), ("_id", 1)],
                    "an instructor's courses",
                ),
                Index([("searchTerms", 1), ("status", 1)], "searches for courses"),
            ],
            former_indexes=[
                "search.t_1_status_1",
                "status_1_rating.bayesian_-1__id_1",
                "categorySlug_1_status_1_rating.bayesian_-1__id_1",
                "instructorIds_1_status_1_rating.bayesian_-1__id_1",
            ],
        ),
        StoredCollection(
            name="courseRuns",
            noun="run",
            seen_by=SeenBy(with_course=True),
            document=CourseRunDoc,
            missing={"deliveryMode": "ONLINE"},
            type_name="CourseRun",
            id_code=b"run",
            aggregates=frozenset(("seatsTaken", "waitlistCount")),
            importable=True,
            new=new_course_run,
            not_null={"startsAt": KEEP, "deliveryMode": KEEP},
            own_indexes=[Index([("courseId", 1), ("startsAt", 1), ("_id", -1)], "a course's runs")],
            former_indexes=["courseId_1_startsAt_1__id_1"],
        ),
        StoredCollection(
            name="students",
            noun="student",
            seen_by=EVERYONE,
            document=StudentDoc,
            missing={"name": ANONYMOUS_STUDENT},
            type_name="Student",
            id_code=b"stu",
            derived_from=frozenset(("name",)),
            derive=student_keys,
            derived=frozenset(("searchTerms", "sortName")),
            aggregates=frozenset(("newestReviewIds", "revision")),
            importable=True,
            new=new_student,
            not_null={"name": ANONYMOUS_STUDENT},
            own_indexes=[
                Index([("sortName", 1), ("_id", -1)], "lists of students by name"),
                Index([("searchTerms", 1)], "searches for students"),
                Index([("country", 1)], "lists of students of a country"),
            ],
            former_indexes=["search.t_1", "sortName_1__id_1"],
        ),
        StoredCollection(
            name="enrollments",
            noun="enrolment",
            seen_by=SeenBy(nobody=True, rule="Enrollment", owner="studentId"),
            document=EnrollmentDoc,
            missing={"status": "CANCELLED"},
            type_name="Enrollment",
            id_code=b"enr",
            importable=True,
            new=new_enrollment,
            not_null={"status": KEEP, "progress": KEEP},
            own_indexes=[
                Index([("courseId", 1), ("enrolledAt", -1), ("_id", 1)], "a course's enrolments"),
                Index([("studentId", 1), ("enrolledAt", -1), ("_id", 1)], "a student's enrolments"),
                Index([("status", 1), ("studentId", 1)], "the platform's number of enrolled students"),
                Index([("runId", 1), ("status", 1), ("enrolledAt", 1), ("_id", 1)], "a run's waitlist"),
                # "Live" means active or on a waitlist. Imported enrolments are exempt.
                Index(
                    [("studentId", 1), ("courseId", 1)],
                    "one live enrolment per student and course",
                    unique=True,
                    where={"externalId": {"$eq": None}, "status": {"$in": list(LIVE_ENROLLMENTS)}},
                ),
            ],
        ),
        StoredCollection(
            name="reviews",
            noun="review",
            seen_by=SeenBy(published=True, with_course=True, rule="Review.unpublished"),
            document=ReviewDoc,
            missing={"status": "PENDING"},
            type_name="Review",
            id_code=b"rev",
            reads=frozenset(("createdAt",)),  # needed to build cursors for reviews that are fetched by `_id`
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
                Index([("courseId", 1), ("createdAt", -1), ("_id", 1)], "a course's reviews by age"),
                Index([("courseId", 1), ("helpfulScore", -1), ("_id", 1)], "a course's reviews by votes"),
                Index([("courseId", 1), ("rating", -1), ("_id", 1)], "a course's reviews by rating"),
                Index([("studentId", 1), ("createdAt", -1), ("_id", 1)], "a student's reviews"),
                Index(  # imported reviews are exempt
                    [("studentId", 1), ("courseId", 1)],
                    "one review per student and course",
                    unique=True,
                    where={"externalId": {"$eq": None}, "studentId": {"$type": "objectId"}},
                ),
            ],
        ),
        StoredCollection(
            name="votes",
            noun="vote",
            seen_by=NOBODY,
            document=VoteDoc,
            own_indexes=[Index([("_id.reviewId", 1)], "a review's votes")],
        ),
        StoredCollection(name="wishlists", noun="wishlist", seen_by=NOBODY, document=WishlistDoc),
        StoredCollection(
            name="accounts",
            noun="account",
            seen_by=NOBODY,
            document=AccountDoc,
            secret=frozenset(("passwordHash", "reset", "signUpKey")),
            own_indexes=[
                Index([("email", 1)], "signing in", unique=True),
                Index(
                    [("reset.digest", 1)], "password resets", where={"reset.digest": {"$exists": True}}
                ),
            ],
        ),
        StoredCollection(
            name="sessions",
            noun="session",
            seen_by=NOBODY,
            document=SessionDoc,
            unaudited=frozenset(("generation", "refreshKey", "branches", "used")),
            backed_up=False,  # a restore would bring sessions back that have been ended since
            own_indexes=[
                Index([("accountId", 1)], "ending an account's sessions"),
                Index([("expiresAt", 1)], "deletes expired sessions", seconds=0),
            ],
        ),
        StoredCollection(
            name="attempts",
            noun="attempt",
            seen_by=NOBODY,
            backed_up=False,  # they count for a day at most, and known sites are only a convenience
            own_indexes=[Index([("expiresAt", 1)], "deletes counts of past attempts", seconds=0)],
        ),
        StoredCollection(
            name="budgets",
            noun="budget",
            seen_by=NOBODY,
            backed_up=False,  # they restore within minutes
            own_indexes=[Index([("expiresAt", 1)], "deletes budgets that are full again", seconds=0)],
        ),
        StoredCollection(
            name="idempotencyKeys",
            noun="idempotency key",
            seen_by=NOBODY,
            own_indexes=[Index([("at", 1)], "deletes keys after 24 hours", seconds=24 * 60 * 60)],
        ),
        StoredCollection(
            name="auditLog",
            noun="audit entry",
            seen_by=SeenBy(nobody=True, rule="Query.auditLog"),
            document=AuditDoc,
            missing={"actor": {"subject": "", "roles": [], "studentId": None, "instructorId": None}},
            type_name="AuditEntry",
            id_code=b"aud",
            own_indexes=[
                Index([("at", -1), ("_id", 1)], "the audit log"),
                Index([("changes.documentId", 1), ("at", -1), ("_id", 1)], "a document's audit entries"),
                Index([("actor.subject", 1), ("at", -1), ("_id", 1)], "a person's audit entries"),
            ],
            former_indexes=["changes.id_1_at_-1__id_1"],
            retained_from="at",
        ),
        StoredCollection(
            name="imports",
            noun="import",
            seen_by=NOBODY,
            own_indexes=[
                Index([("collection", 1), ("digest", 1), ("at", -1)], "earlier imports of a file"),
                Index([("collection", 1), ("source", 1), ("at", -1)], "the last import from a source"),
            ],
        ),
        StoredCollection(name="importedDocuments", noun="list of imported documents", seen_by=NOBODY),
        StoredCollection(name="sampleData", noun="load of sample data", seen_by=NOBODY),
        StoredCollection(name="migrations", noun="migration", seen_by=NOBODY),
        # Persisted and trusted operations (docs/operations.md)
        StoredCollection(
            name="persistedOperations",
            noun="persisted operation",
            seen_by=NOBODY,
            backed_up=False,  # clients send the texts again
            own_indexes=[Index([("expiresAt", 1)], "deletes expired texts", seconds=0)],
        ),
        StoredCollection(name="trustedOperations", noun="trusted operation", seen_by=NOBODY),
        StoredCollection(name="trustedVersions", noun="version of a client", seen_by=NOBODY),
        StoredCollection(
            name="trustedRevision", noun="revision of the trusted operations", seen_by=NOBODY
        ),
        StoredCollection(
            name="unknownOperations",
            noun="unknown operation",
            seen_by=NOBODY,
            backed_up=False,  # a list for the weeks of a rollout
            own_indexes=[
                Index([("lastSeen", 1)], "deletes operations not seen for 30 days", seconds=30 * 24 * 60 * 60)
            ],
        ),
        StoredCollection(name="restores", noun="restore", seen_by=NOBODY, backed_up=False),
    )
}  # fmt: skip


def of_type(type_name: str) -> StoredCollection | None:
    """Returns the collection that stores the objects of a GraphQL type, or None."""
    return next((row for row in COLLECTIONS.values() if row.type_name == type_name), None)


def stored_in(type_name: str) -> str | None:
    """Returns the name of the collection that a GraphQL type's objects are built from, or None.

    Unlike `of_type`, this also finds types listed in `parts`.
    """
    found = (row.name for row in COLLECTIONS.values() if type_name == row.type_name or type_name in row.parts)
    return next(found, None)


def with_types() -> Iterator[StoredCollection]:
    """Yields the collections whose documents have a GraphQL type and global IDs."""
    return (row for row in COLLECTIONS.values() if row.type_name is not None)


def importable() -> list[str]:
    """Returns the names of the collections that can be imported."""
    return [row.name for row in COLLECTIONS.values() if row.importable]


def complete(name: str, fields: Fields) -> Document:
    """Returns a new document with every key that the collection's TypedDict requires.

    fields: the known fields; the others get defaults and derived values. A course's fields must include the
    slug.
    """
    document = COLLECTIONS[name].new(fields)
    document.update(derived(name, document))
    return document


def derived(name: str, document: Fields) -> Document:
    """Returns a document's derived fields. Call it whenever a field in `derived_from` changes."""
    derive = COLLECTIONS[name].derive
    return dict(derive(document)) if derive else {}
