"""The documents that MongoDB stores: a TypedDict for each collection.

Field names are camelCase, and equal to the GraphQL names wherever the value is the same, so that resolving a
plain field is a dictionary look-up. Every key is always stored (null if unknown), except those marked
NotRequired. Keys below a comment "derived by" are never set by hand: the function named there computes them
from the other keys.
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
    """The source of an imported document and its id in that source; unique within the collection."""

    source: str
    id: str


class MoneyDoc(TypedDict):
    amountMinor: int  # in the currency's minor unit: 129900 is ₹1,299.00
    currency: str  # ISO 4217


class ImportedRating(TypedDict):
    """An average rating, imported together with its count but without the individual reviews."""

    average: float
    count: int


class RatingDoc(TypedDict):
    """A course's rating (loaders.model.ratings).

    The fields are stored directly in the course: a nested object would make the driver create one more dict.
    """

    ratingAverage: float | None
    ratingBayesian: float
    ratingCount: int  # imported count + sum of `ratingStars`
    ratingStars: list[int]  # number of published reviews with each rating, one star first
    importedRating: ImportedRating | None


class SearchTerm(TypedDict):
    t: str  # a word in lower case and without accents, or its stem
    w: int  # weight of the term: the sum of the weights of the fields that contain it


class CategoryDoc(TypedDict):
    _id: ObjectId
    slug: str  # courses refer to a category by its slug
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
    language: str | None  # a BCP 47 tag
    tags: list[str]
    price: MoneyDoc | None
    instructorIds: list[ObjectId]
    status: CourseStatus
    createdAt: datetime
    updatedAt: datetime
    externalId: NotRequired[ExternalId]
    # Aggregates, and the imported values that they are based on. RatingDoc has further fields of this kind.
    # loaders.recount.recount recomputes the aggregates, but not `revision`.
    studentCount: (
        int  # importedStudentCount + number of students whose enrolment counts (COUNTED_ENROLLMENTS)
    )
    importedStudentCount: (
        int  # number of students whom an import counted without creating enrolments for them
    )
    seatsUntil: datetime | None  # latest start among the runs with a free seat
    newestReviewIds: NotRequired[bytes]  # packed by loaders.model.newest_review_ids.pack_ids
    revision: NotRequired[int]  # incremented by Transaction.hold, so that concurrent holds conflict

    # derived by loaders.text.terms.course_keys
    sortTitle: str
    search: list[SearchTerm]


class CourseRunDoc(TypedDict):
    _id: ObjectId
    courseId: ObjectId
    startsAt: datetime
    endsAt: datetime | None
    deliveryMode: DeliveryMode
    location: str | None
    seats: int | None  # null if unlimited
    seatsTaken: int  # aggregate: number of ACTIVE and COMPLETED enrolments
    waitlistCount: int  # aggregate: number of WAITLISTED enrolments
    externalId: NotRequired[ExternalId]


class StudentDoc(TypedDict):
    _id: ObjectId
    name: str  # ANONYMOUS_STUDENT if the source gives no name
    avatarUrl: str | None
    country: str | None  # ISO 3166-1 alpha-2
    bio: str | None
    email: str | None
    joinedAt: datetime | None
    externalId: NotRequired[ExternalId]
    # An aggregate; loaders.recount.recount recomputes it.
    newestReviewIds: NotRequired[bytes]  # packed by loaders.model.newest_review_ids.pack_ids
    revision: NotRequired[int]  # incremented whenever Transaction.hold writes the aggregate

    # derived by loaders.text.terms.student_keys
    sortName: str
    search: list[SearchTerm]


class EnrollmentDoc(TypedDict):
    _id: ObjectId
    courseId: ObjectId
    runId: ObjectId | None
    studentId: ObjectId
    status: EnrollmentStatus
    progress: float  # from 0 to 1
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
    studentId: ObjectId | None  # null if the review is anonymous, or the account no longer exists
    rating: int | None  # 1..5; null only in imported reviews
    title: str | None
    body: str
    difficulty: int | None  # 1..5
    workloadHours: float | None  # hours per week
    term: str | None  # year and number, such as "2014-3"
    verified: bool
    helpfulCount: int  # aggregate: importedHelpfulCount + number of votes
    importedHelpfulCount: NotRequired[int]  # helpful votes according to the latest import
    unhelpfulCount: int
    reply: ReviewReplyDoc | None
    status: ReviewStatus
    createdAt: datetime | None
    updatedAt: datetime | None
    externalId: NotRequired[ExternalId]
    # derived by loaders.model.ratings.wilson
    helpfulScore: float


class WishDoc(TypedDict):
    courseId: ObjectId
    addedAt: datetime


class WishlistDoc(TypedDict):
    _id: ObjectId  # the student's `_id`
    courses: list[WishDoc]  # earliest addition first


class VoteKey(TypedDict):
    reviewId: ObjectId
    studentId: ObjectId


class ResetDoc(TypedDict):
    """A requested password reset that hasn't been used yet."""

    digest: bytes  # digest of the secret in the reset link
    expiresAt: datetime


class AccountDoc(TypedDict):
    """A login.

    Students and instructors have documents of their own, because they can exist without a login: they can be
    imported, or sign in through an external issuer.
    """

    _id: ObjectId
    email: str  # in lower case, unique
    name: NotRequired[str]  # set by `lectern account create`; other accounts have no name
    passwordHash: str | None  # argon2id hash; null if no password has been set yet
    roles: list[Role]
    studentId: ObjectId | None
    instructorId: ObjectId | None
    createdAt: datetime
    signUpKey: str | None  # idempotency key of the sign-up that created the account
    reset: ResetDoc | None
    signedInAt: NotRequired[datetime]  # when the account's latest session started


class SessionDoc(TypedDict):
    """A sign-in and the family of refresh tokens issued for it."""

    _id: ObjectId
    accountId: ObjectId
    generation: int  # generation number of the only valid refresh token
    refreshKey: str | None  # idempotency key of the last refresh
    createdAt: datetime
    expiresAt: datetime
    endedAt: datetime | None


class ActorDoc(TypedDict):
    # account id; "issuer|sub" for an external issuer; "command line" for a command; "" if not signed in
    subject: str
    roles: list[Role]
    studentId: ObjectId | None
    instructorId: ObjectId | None


class ChangeDoc(TypedDict):
    collection: str
    documentId: str
    before: Document | None  # fields before the change, except derived ones; null if the document was new
    after: Document | None  # fields after the change, except derived ones; null if the document was deleted


class AuditDoc(TypedDict):
    _id: ObjectId
    at: datetime
    action: str  # name of the mutation or command
    actor: ActorDoc
    address: str  # network address of the client; "" for a command
    changes: list[ChangeDoc]


ANONYMOUS_STUDENT = "Anonymous student"

#: Statuses of enrolments that count towards a course's number of students; waitlisted and cancelled
#: enrolments don't.
COUNTED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED", "EXPIRED")
#: Statuses of enrolments that take a seat in their run.
SEATED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED")
#: Statuses of current and waitlisted enrolments. Apart from imported ones, a student has at most one such
#: enrolment per course.
LIVE_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "WAITLISTED")
