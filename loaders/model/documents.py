"""What MongoDB stores, one TypedDict a collection.

Field names are camelCase and equal to the GraphQL names wherever the value is the same, so that a plain
field is a dictionary look-up. Every key below is always stored (null where unknown), except those marked
NotRequired. Keys under "derived" are computed from the others by the function named there, never by hand.
"""

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from bson import ObjectId

Level = Literal["BEGINNER", "INTERMEDIATE", "ADVANCED", "ALL_LEVELS"]
DeliveryMode = Literal["ONLINE", "ONSITE"]
CourseStatus = Literal["DRAFT", "PUBLISHED", "ARCHIVED"]
ReviewStatus = Literal["PUBLISHED", "PENDING", "REJECTED"]
Role = Literal["STUDENT", "INSTRUCTOR", "STAFF"]
EnrollmentStatus = Literal["WAITLISTED", "ACTIVE", "COMPLETED", "CANCELLED", "EXPIRED"]


class ExternalId(TypedDict):
    """Where an imported document came from; unique within its collection."""

    source: str
    id: str


class MoneyDoc(TypedDict):
    amountMinor: int  # in the currency's minor unit: 129900 is ₹1,299.00
    currency: str  # ISO 4217


class ImportedRating(TypedDict):
    """An average that came with a count and without the reviews behind it."""

    average: float
    count: int


class RatingDoc(TypedDict):
    """The rating of a course (loaders.model.ratings). Its fields are keys of the course itself: a driver
    makes a dict of each object within a document.
    """

    ratingAverage: float | None
    ratingBayesian: float
    ratingCount: int  # imported count + sum of stars
    ratingStars: list[int]  # published reviews by stars: five counts, one star first
    importedRating: ImportedRating | None


class SearchTerm(TypedDict):
    t: str  # a folded word, or its stem
    w: int  # its weight: the sum over the fields in which it stands


class CategoryDoc(TypedDict):
    _id: ObjectId
    slug: str  # what courses refer to
    name: str
    externalId: NotRequired[ExternalId]


class InstructorDoc(TypedDict):
    _id: ObjectId
    name: str
    headline: str | None
    externalId: NotRequired[ExternalId]


class CourseDoc(RatingDoc):
    _id: ObjectId
    slug: str
    codes: list[str]
    title: str
    summary: str | None
    description: str | None  # Markdown
    categorySlug: str | None
    level: Level | None
    deliveryModes: list[DeliveryMode]
    durationDays: int | None
    language: str | None  # BCP 47
    tags: list[str]
    price: MoneyDoc | None
    instructorIds: list[ObjectId]
    status: CourseStatus
    createdAt: datetime
    updatedAt: datetime
    externalId: NotRequired[ExternalId]
    # aggregates, as those of RatingDoc: loaders.recount.recount
    studentCount: int  # importedStudentCount + students with an enrolment that counts
    importedStudentCount: int  # students an import told of without their enrolments
    seatsUntil: datetime | None  # latest start among the runs with a seat left
    newestReviewIds: NotRequired[bytes]  # loaders.model.newest_review_ids.packed
    revision: NotRequired[int]  # of the aggregates: loaders.mongo.transactions.Transaction.hold
    # derived: loaders.text.terms.course_keys
    sortTitle: str
    search: list[SearchTerm]


class CourseRunDoc(TypedDict):
    _id: ObjectId
    courseId: ObjectId
    startsAt: datetime
    endsAt: datetime | None
    deliveryMode: DeliveryMode
    location: str | None
    seats: int | None  # null: unlimited
    seatsTaken: int  # aggregate: enrolments that are ACTIVE or COMPLETED
    waitlistCount: int  # aggregate: enrolments that are WAITLISTED
    externalId: NotRequired[ExternalId]


class StudentDoc(TypedDict):
    _id: ObjectId
    name: str  # ANONYMOUS_STUDENT where the source has none
    avatarUrl: str | None
    country: str | None  # ISO 3166-1 alpha-2
    bio: str | None
    email: str | None
    joinedAt: datetime | None
    externalId: NotRequired[ExternalId]
    # aggregate: loaders.recount.recount
    newestReviewIds: NotRequired[bytes]  # loaders.model.newest_review_ids.packed
    revision: NotRequired[int]  # of the aggregate: loaders.mongo.transactions.Transaction.hold
    # derived: loaders.text.terms.student_keys
    sortName: str
    search: list[SearchTerm]


class EnrollmentDoc(TypedDict):
    _id: ObjectId
    courseId: ObjectId
    runId: ObjectId | None
    studentId: ObjectId
    status: EnrollmentStatus
    progress: float  # 0..1
    enrolledAt: datetime | None
    completedAt: datetime | None
    cancelledAt: datetime | None
    externalId: NotRequired[ExternalId]


class ReviewReplyDoc(TypedDict):
    instructorId: ObjectId | None
    body: str
    createdAt: datetime


class ReviewDoc(TypedDict):
    _id: ObjectId
    courseId: ObjectId
    studentId: ObjectId | None  # null: written anonymously, or the account is gone
    rating: int | None  # 1..5; null only where imported
    title: str | None
    body: str
    difficulty: int | None  # 1..5
    workloadHours: float | None  # hours a week
    term: str | None  # "2014-3"
    verified: bool
    helpfulCount: int  # aggregate: importedHelpfulCount + votes
    importedHelpfulCount: NotRequired[int]  # votes that an import told of; natively none
    unhelpfulCount: int
    reply: ReviewReplyDoc | None
    status: ReviewStatus
    createdAt: datetime | None
    updatedAt: datetime | None
    externalId: NotRequired[ExternalId]
    # derived: loaders.model.ratings.wilson
    helpfulScore: float


class WishDoc(TypedDict):
    courseId: ObjectId
    addedAt: datetime


class WishlistDoc(TypedDict):
    _id: ObjectId  # the student's
    courses: list[WishDoc]  # in the order in which they were added


class VoteKey(TypedDict):
    reviewId: ObjectId
    studentId: ObjectId


class VoteDoc(TypedDict):
    """A student found a review helpful."""

    _id: VoteKey


class ResetDoc(TypedDict):
    """A password may be set anew, once."""

    digest: bytes  # of the secret in the link
    expiresAt: datetime


class AccountDoc(TypedDict):
    """Who may sign in, apart from people: these may be imported, or belong to an external issuer."""

    _id: ObjectId
    email: str  # in lower case, unique
    name: NotRequired[str]  # as `lectern account create` was told; students and instructors have their own
    passwordHash: str | None  # argon2id; null until the first reset link is used
    roles: list[Role]
    studentId: ObjectId | None
    instructorId: ObjectId | None
    createdAt: datetime
    signUpKey: str | None  # the idempotency key it was made with
    reset: ResetDoc | None
    signedInAt: NotRequired[datetime]  # when its latest session began


class SessionDoc(TypedDict):
    """A sign-in and the refresh tokens that followed from it: a family."""

    _id: ObjectId
    accountId: ObjectId
    generation: int  # of the one refresh token that is good
    refreshKey: str | None  # the idempotency key of the last refresh
    createdAt: datetime
    expiresAt: datetime
    endedAt: datetime | None


class ActorDoc(TypedDict):
    subject: str  # an account's id, or "issuer|sub" of an external one; "" for the public
    roles: list[Role]
    studentId: ObjectId | None
    instructorId: ObjectId | None


class ChangeDoc(TypedDict):
    collection: str
    documentId: str
    before: dict[str, Any] | None  # of what is derived, nothing; null: it was not there
    after: dict[str, Any] | None


class AuditDoc(TypedDict):
    _id: ObjectId
    at: datetime
    action: str  # the name of the mutation, or of the command
    actor: ActorDoc
    address: str  # where the request came from
    changes: list[ChangeDoc]


ANONYMOUS_STUDENT = "Anonymous student"

#: Enrolments that make a student of a course; one that waits or was cancelled does not.
COUNTED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED", "EXPIRED")
#: Enrolments that hold a seat of their run.
SEATED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED")
#: Enrolments that are going on: a student has one of a course at a time.
LIVE_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "WAITLISTED")
