"""The documents that MongoDB stores: a TypedDict for each collection.

Field names are camelCase, and equal to the GraphQL names wherever the value is the same, so that resolving a
plain field is a dictionary look-up. Every key is always stored (null if unknown), except those marked
NotRequired. Keys below a comment "derived by" are never set by hand: the function named there computes them
from the other keys.

`Annotated` adds constraints to the type of a value. Documents that other programs have written may break
these rules. When a document is read, a value of the wrong type is replaced by a default, or removed if it is
NotRequired (loaders/reading/document_fitting.py). `lectern check` lists all documents that don't fit. Both
rely on these declarations.
"""

from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict

from bson import ObjectId

from loaders.codes import is_country, is_currency
from loaders.model.constraints import AtMost, Between, Coded, Exactly, Refers, WebAddress
from loaders.model.list_limits import (
    MOST_CODES,
    MOST_DELIVERY_MODES,
    MOST_INSTRUCTORS,
    MOST_PREREQUISITES,
    MOST_TAGS,
)
from loaders.mongo import Document

Count = Annotated[int, Between(0)]
Stars = Annotated[int, Between(1, 5)]
PictureUrl = Annotated[str, WebAddress(https_only=True)]
CourseId = Annotated[ObjectId, Refers("courses")]
StudentId = Annotated[ObjectId, Refers("students")]
InstructorId = Annotated[ObjectId, Refers("instructors")]

Level = Literal["BEGINNER", "INTERMEDIATE", "ADVANCED", "ALL_LEVELS"]
DeliveryMode = Literal["ONLINE", "ONSITE"]
CourseStatus = Literal["DRAFT", "PUBLISHED", "ARCHIVED"]
CourseRunStatus = Literal["SCHEDULED", "CANCELLED"]
ReviewStatus = Literal["PUBLISHED", "PENDING", "REJECTED"]
Role = Literal["STUDENT", "INSTRUCTOR", "STAFF"]
AccountStatus = Literal["ACTIVE", "DEACTIVATED"]
EnrollmentStatus = Literal["WAITLISTED", "ACTIVE", "COMPLETED", "CANCELLED", "EXPIRED"]


class ExternalId(TypedDict):
    """The source of an imported document and its id in that source; unique within the collection."""

    source: str
    id: str


class MoneyDoc(TypedDict):
    amountMinor: Count  # in the currency's minor unit: 129900 is ₹1,299.00
    currency: Annotated[str, Coded(is_currency, "ISO 4217")]


class ImportedRating(TypedDict):
    """An average rating, imported without the individual reviews.

    count: the number of ratings behind the average; null if the source doesn't say. In that case, the
    average is shown, but doesn't affect the course's rating.
    """

    average: Annotated[float, Between(1, 5)]
    count: Count | None


class RatingDoc(TypedDict):
    """A course's rating (loaders.model.ratings).

    The fields are stored directly in the course, because a nested object would make the driver create one
    more dict.
    """

    ratingAverage: Annotated[float, Between(1, 5)] | None
    ratingBayesian: float
    ratingCount: Count  # imported count + sum of `ratingStars`
    # number of published reviews with each rating, one star first
    ratingStars: Annotated[list[Count], Exactly(5)]
    importedRating: ImportedRating | None


class CategoryDoc(TypedDict):
    _id: ObjectId
    slug: str  # courses refer to a category by its slug
    # Former slugs, which still lead to the category; oldest first, at most MOST_CATEGORY_SLUGS. None of them
    # is dropped, because courses keep a former slug until they have been moved (loaders.category_writes).
    oldSlugs: NotRequired[list[str]]
    name: str
    description: NotRequired[str | None]
    imageUrl: NotRequired[PictureUrl | None]
    position: NotRequired[int]  # categories are sorted by position, then by name; 0 if missing
    externalId: NotRequired[ExternalId]
    revision: NotRequired[int]  # incremented by Transaction.hold, so that concurrent holds conflict


class InstructorDoc(TypedDict):
    _id: ObjectId
    slug: NotRequired[
        str
    ]  # missing if an earlier version stored the instructor; its `_id` then stands for it
    oldSlugs: NotRequired[list[str]]  # former slugs, which still lead to the instructor; oldest first
    name: str
    headline: str | None
    bio: NotRequired[str | None]
    avatarUrl: NotRequired[PictureUrl | None]
    externalId: NotRequired[ExternalId]

    # derived by loaders.text.terms.name_keys
    sortName: str
    searchTerms: list[str]


class CourseDoc(RatingDoc):
    _id: ObjectId
    slug: str
    oldSlugs: NotRequired[list[str]]  # former slugs, which still lead to the course; oldest first
    codes: Annotated[list[str], AtMost(MOST_CODES)]
    title: str
    summary: str | None
    description: str | None  # Markdown
    categorySlug: Annotated[str, Refers("categories", "slug")] | None
    level: Level | None
    deliveryModes: Annotated[list[DeliveryMode], AtMost(MOST_DELIVERY_MODES)]
    durationDays: Count | None
    language: str | None  # a BCP 47 tag
    tags: Annotated[list[str], AtMost(MOST_TAGS)]
    price: MoneyDoc | None
    credits: NotRequired[Annotated[float, Between(0)] | None]
    institution: NotRequired[str | None]
    url: NotRequired[Annotated[str, WebAddress()] | None]  # URL of a course that is held on another site
    imageUrl: NotRequired[PictureUrl | None]
    # Imports leave out prerequisites that would form a cycle (loaders.transfer.prerequisites).
    prerequisiteIds: NotRequired[Annotated[list[CourseId], AtMost(MOST_PREREQUISITES)]]
    instructorIds: Annotated[list[InstructorId], AtMost(MOST_INSTRUCTORS)]
    status: CourseStatus
    createdAt: datetime
    updatedAt: datetime
    externalId: NotRequired[ExternalId]
    # Aggregates, and the imported values that they are based on. RatingDoc has further fields of this kind.
    # loaders.recounting.recount recomputes the aggregates, but not `revision`.
    studentCount: Count  # importedStudentCount + students with an enrolment that counts (COUNTED_ENROLLMENTS)
    importedStudentCount: Count  # students counted by the source, but not imported as enrolments
    seatsUntil: datetime | None  # latest start among the runs with a free seat
    newestReviewIds: NotRequired[bytes]  # packed by loaders.model.newest_review_ids.pack_ids
    revision: NotRequired[int]  # incremented by Transaction.hold, so that concurrent holds conflict

    # derived by loaders.text.terms.course_keys
    sortTitle: str
    searchTerms: list[str]  # in order of weight, heaviest first
    # weight of each search term: the sum of the weights of the fields that contain it
    searchWeights: list[int]


class CourseRunDoc(TypedDict):
    _id: ObjectId
    courseId: CourseId
    title: NotRequired[str | None]
    startsAt: datetime
    endsAt: datetime | None
    deliveryMode: DeliveryMode
    location: str | None
    status: NotRequired[CourseRunStatus]  # SCHEDULED if missing
    seats: Count | None  # null if unlimited
    seatsTaken: Count  # aggregate: number of ACTIVE and COMPLETED enrolments
    waitlistCount: Count  # aggregate: number of WAITLISTED enrolments
    externalId: NotRequired[ExternalId]


class StudentDoc(TypedDict):
    _id: ObjectId
    name: str  # ANONYMOUS_STUDENT if the source gives no name
    avatarUrl: str | None
    country: Annotated[str, Coded(is_country, "ISO 3166-1")] | None
    bio: str | None
    email: str | None  # in lower case
    joinedAt: datetime | None
    externalId: NotRequired[ExternalId | None]  # null once it has moved to another student, or was erased
    erasedAt: NotRequired[datetime]  # when the student was erased (loaders.people.erasure)
    keepsReviews: NotRequired[bool]  # whether that left what the student's reviews say
    mergedInto: NotRequired[StudentId]  # while this student is merged into another (loaders.people.merging)
    # An aggregate; loaders.recounting.recount recomputes it.
    newestReviewIds: NotRequired[bytes]  # packed by loaders.model.newest_review_ids.pack_ids
    revision: NotRequired[int]  # incremented whenever Transaction.hold writes the aggregate

    # derived by loaders.text.terms.name_keys
    sortName: str
    searchTerms: list[str]


class EnrollmentDoc(TypedDict):
    _id: ObjectId
    courseId: CourseId
    runId: Annotated[ObjectId, Refers("courseRuns")] | None
    studentId: StudentId
    status: EnrollmentStatus
    progress: Annotated[float, Between(0, 1)]
    enrolledAt: datetime | None
    completedAt: datetime | None
    cancelledAt: datetime | None
    externalId: NotRequired[ExternalId]


class ReviewReplyDoc(TypedDict):
    instructorId: InstructorId | None
    body: str
    createdAt: datetime


class ReviewDoc(TypedDict):
    _id: ObjectId
    courseId: CourseId
    studentId: StudentId | None  # null if the review is anonymous, or the account no longer exists
    rating: Stars | None  # null only in imported reviews
    title: str | None
    body: str
    difficulty: Stars | None
    workloadHours: Annotated[float, Between(0)] | None  # hours per week
    term: str | None  # year and term number, such as "2014-3"
    verified: bool
    helpfulCount: Count  # aggregate: importedHelpfulCount + number of votes
    importedHelpfulCount: NotRequired[Count]  # helpful votes according to the latest import
    unhelpfulCount: Count
    reply: ReviewReplyDoc | None
    status: ReviewStatus
    moderationReason: NotRequired[str | None]  # what the last moderation gave as its reason
    # Flags are counted in rounds: a moderation of a flagged review begins a new one.
    flagCount: NotRequired[Count]  # an aggregate: the flags of the round `flagRound`; 0 if missing
    flagRound: NotRequired[Count]  # 0 if missing; not exported
    createdAt: datetime | None
    updatedAt: datetime | None
    externalId: NotRequired[ExternalId]
    # derived by loaders.model.ratings.wilson
    helpfulScore: float


class WishDoc(TypedDict):
    courseId: CourseId
    addedAt: datetime


class WishlistDoc(TypedDict):
    _id: StudentId
    courses: list[WishDoc]  # earliest addition first


class VoteKey(TypedDict):
    reviewId: Annotated[ObjectId, Refers("reviews")]
    studentId: StudentId


class VoteDoc(TypedDict):
    """A student's vote that a review is helpful."""

    _id: VoteKey


class FlagKey(TypedDict):
    reviewId: Annotated[ObjectId, Refers("reviews")]
    subject: str  # an account id, or "issuer|sub" for an external issuer


class FlagDoc(TypedDict):
    """Somebody's request that a moderator looks at a review. It is kept once that has happened."""

    _id: FlagKey
    studentId: StudentId | None  # the student who flagged the review; null if they aren't one
    at: datetime
    round: Count  # the review's `flagRound` when it was flagged


TokenPurpose = Literal["VERIFY", "RESET", "CHANGE_EMAIL"]


class AccountTokenDoc(TypedDict):
    """The single-use token of a link: it verifies an address, resets a password or changes the address.

    Tokens that were used or revoked are kept until they expire, so that a link that is sent again isn't valid
    again.
    """

    _id: str  # digest of the token, in hexadecimal
    purpose: TokenPurpose
    accountId: ObjectId
    email: str  # the account's address when the token was issued; for CHANGE_EMAIL, the new address
    isMailed: bool  # whether the link was sent to `email`, so that whoever has it reads that mailbox
    createdAt: datetime
    expiresAt: datetime
    usedAt: datetime | None  # when it was used or revoked


class ResetDoc(TypedDict):
    """A password reset link of 0.2.0, which stored its digest in the account. They are valid for a day."""

    digest: bytes  # digest of the secret in the reset link
    expiresAt: datetime


class AccountDoc(TypedDict):
    """A login.

    Students and instructors have documents of their own, because they can exist without a login: they can be
    imported, or sign in through an external issuer.
    """

    _id: ObjectId
    email: str  # in lower case, unique
    # The name of the account's student, if it has one. Missing until migration 2 has run, and if unknown.
    name: NotRequired[str]
    passwordHash: str | None  # argon2id hash; null if no password has been set yet
    roles: list[Role]
    studentId: StudentId | None
    instructorId: InstructorId | None
    createdAt: datetime
    signUpKey: str | None  # idempotency key of the sign-up that created the account
    reset: ResetDoc | None
    signedInAt: NotRequired[datetime]  # when the account's latest session started
    seenAt: NotRequired[datetime]  # when a session was last refreshed, to within an hour
    status: NotRequired[AccountStatus]  # ACTIVE if missing
    language: NotRequired[str | None]  # of messages: the one that the browser preferred at the sign-up
    emailVerifiedAt: NotRequired[datetime | None]  # when the e-mail address was verified; null if it wasn't
    revision: NotRequired[int]  # incremented by Transaction.hold, so that concurrent holds conflict

    # derived by loaders.collections.people_rows; missing until migration 2 has run
    sortName: NotRequired[str]
    searchTerms: NotRequired[list[str]]


class BranchDoc(TypedDict):
    """A valid refresh token of a session (see loaders/accounts/refresh_tokens.py)."""

    generation: int
    parent: int  # generation number of the token that was exchanged for this one
    key: str | None  # idempotency key of that exchange
    at: datetime  # when it took place


class UsedTokenDoc(TypedDict):
    """A refresh token that was used recently."""

    generation: int
    at: datetime  # when it was first used


class SessionDoc(TypedDict):
    """A sign-in and the family of refresh tokens issued for it."""

    _id: ObjectId
    accountId: ObjectId
    generation: int  # generation number of the refresh token that was issued last
    refreshKey: str | None  # idempotency key of the last refresh
    createdAt: datetime
    expiresAt: datetime
    endedAt: datetime | None
    deviceId: NotRequired[ObjectId | None]  # of an earlier session; null if the device is new
    branches: NotRequired[list[BranchDoc]]  # the valid refresh tokens, since the first refresh
    used: NotRequired[list[UsedTokenDoc]]  # the refresh tokens that were used in the last seconds
    # When and by which client the session was started or refreshed last; missing in sessions of 0.2.0.
    lastSeenAt: NotRequired[datetime]
    address: NotRequired[str]  # network address; "" if unknown
    client: NotRequired[str]  # the beginning of its `User-Agent` header; "" if it sent none


class ErasureDoc(TypedDict):
    """An erasure that isn't finished (loaders.people.erasure)."""

    _id: ObjectId
    studentId: ObjectId | None
    accountId: ObjectId | None
    messageIds: list[ObjectId]  # the messages that were being sent when it began
    keepsReviews: bool  # whether what the person's reviews say stays, without a person
    isRepeated: bool  # whether everything has been erased once
    since: datetime  # when it began, then when everything had been erased once; by MongoDB's clock
    # the last review whose audit entries have been cleared
    clearedTo: NotRequired[ObjectId | None]


class ActorDoc(TypedDict):
    # account id; "issuer|sub" for an external issuer; "command line" for a command; "gateway" for
    # work that nobody asked for just then; "" if not signed in
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
    clearedBy: NotRequired[ObjectId]  # the last erasure that took a person out of the entry


ANONYMOUS_STUDENT = "Anonymous student"
#: The name of a student who has been erased.
ERASED_STUDENT = "Deleted student"

#: Statuses of enrolments that count towards a course's number of students; waitlisted and cancelled
#: enrolments don't.
COUNTED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED", "EXPIRED")
#: Statuses of enrolments that take a seat in their run.
SEATED_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "COMPLETED")
#: Statuses of current and waitlisted enrolments. A student has at most one enrolment with such a status per
#: course, not counting imported enrolments.
LIVE_ENROLLMENTS: tuple[EnrollmentStatus, ...] = ("ACTIVE", "WAITLISTED")
