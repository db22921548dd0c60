"""The documents that MongoDB stores: a TypedDict for each collection.

Field names are camelCase, and equal to the GraphQL names wherever the value is the same, so that resolving a
plain field is a dictionary look-up. Every key is always stored (null if unknown), except those marked
NotRequired. Keys under "derived" are computed from the others by the function named there, never by hand.
"""

from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from bson import ObjectId

from loaders.mongo import Document

Level = Literal["BEGINNER", "INTERMEDIATE", "ADVANCED", "ALL_LEVELS"]
DeliveryMode = Literal["ONLINE", "ONSITE"]
CourseStatus = Literal["DRAFT", "PUBLISHED", "ARCHIVED"]
ReviewStatus = Literal["PUBLISHED", "PENDING", "REJECTED"]
Role = Literal["STUDENT", "INSTRUCTOR", "STAFF"]
EnrollmentStatus = Literal["WAITLISTED", "ACTIVE", "COMPLETED", "CANCELLED", "EXPIRED"]


class ExternalId(TypedDict):
    """The source of an imported document, and its id there; unique within its collection."""

    source: str
    id: str


class MoneyDoc(TypedDict):
    amountMinor: int  # in the currency's minor unit: 129900 is ₹1,299.00
    currency: str  # ISO 4217


class ImportedRating(TypedDict):
    """An average imported with its count, but without the reviews behind it."""

    average: float
    count: int


class RatingDoc(TypedDict):
    """The rating of a course (loaders.model.ratings).

    Its fields are keys of the course itself: for a nested object, the driver would create one more dict.
    """

    ratingAverage: float | None
    ratingBayesian: float
    ratingCount: int  # imported count + sum of stars
    ratingStars: list[int]  # published reviews by stars: five counts, one star first
    importedRating: ImportedRating | None


class SearchTerm(TypedDict):
    t: str  # a folded word, or its stem
    w: int  # its weight: the sum of the weights of the fields that contain it


class CategoryDoc(TypedDict):
    _id: ObjectId
    slug: str  # courses refer to a category by it
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
    # aggregates, like the fields of RatingDoc: loaders.recount.recount
    studentCount: int  # importedStudentCount + students with an enrolment that counts
    importedStudentCount: int  # students that an import counted without their enrolments
    seatsUntil: datetime | None  # the latest start among the runs with a free seat
    newestReviewIds: NotRequired[bytes]  # loaders.model.newest_review_ids.pack_ids
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
    name: str  # ANONYMOUS_STUDENT if the source has none
    avatarUrl: str | None
    country: str | None  # ISO 3166-1 alpha-2
    bio: str | None
    email: str | None
    joinedAt: datetime | None
    externalId: NotRequired[ExternalId]
    # aggregate: loaders.recount.recount
    newestReviewIds: NotRequired[bytes]  # loaders.model.newest_review_ids.pack_ids
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
    rating: int | None  # 1..5; null only in imported reviews
    title: str | None
    body: str
    difficulty: int | None  # 1..5
    workloadHours: float | None  # hours a week
    term: str | None  # "2014-3"
    verified: bool
    helpfulCount: int  # aggregate: importedHelpfulCount + votes
    importedHelpfulCount: NotRequired[int]  # helpful votes counted by the source of an import
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
    """A student's vote that a review is helpful."""

    _id: VoteKey


class ResetDoc(TypedDict):
    """A password reset that was requested and not yet used."""

    digest: bytes  # of the secret in the reset link
    expiresAt: datetime


class AccountDoc(TypedDict):
    """A login. Students and instructors are separate: they may be imported, or use an external issuer."""

    _id: ObjectId
    email: str  # in lower case, unique
    name: NotRequired[str]  # given to `lectern account create`; students and instructors have their own name
    passwordHash: str | None  # argon2id; null until the first reset link is used
    roles: list[Role]
    studentId: ObjectId | None
    instructorId: ObjectId | None
    createdAt: datetime
    signUpKey: str | None  # the idempotency key of its sign-up
    reset: ResetDoc | None
    signedInAt: NotRequired[datetime]  # when its latest session began


class SessionDoc(TypedDict):
    """A sign-in, with the family of refresh tokens that descend from it."""

    _id: ObjectId
    accountId: ObjectId
    generation: int  # the generation number of the one valid refresh token
    refreshKey: str | None  # the idempotency key of the last refresh
    createdAt: datetime
    expiresAt: datetime
    endedAt: datetime | None


class ActorDoc(TypedDict):
    subject: str  # an account's id, or "issuer|sub" from an external issuer; "" for the public
    roles: list[Role]
    studentId: ObjectId | None
    instructorId: ObjectId | None


class ChangeDoc(TypedDict):
    collection: str
    documentId: str
    before: Document | None  # without derived fields; null if the document is new
    after: Document | None  # the same; null if the document was deleted


class AuditDoc(TypedDict):
    _id: ObjectId
    at: datetime
    action: str  # the name of the mutation or of the command
    actor: ActorDoc
    address: str  # where the request came from
    changes: list[ChangeDoc]


ANONYMOUS_STUDENT = "Anonymous student"

#: Enrolments whose student counts as a student of the course; waitlisted and cancelled ones don't count.
COUNTED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED", "EXPIRED")
#: Enrolments that take a seat of their run.
SEATED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED")
#: Enrolments that are current or waitlisted; a student has at most one of them in a course.
LIVE_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "WAITLISTED")
