"""The schema's types: declarations, no logic. A plain field is stored under its name; the others name the
function that gives them their value.
"""

from datetime import datetime
from typing import Any, Generic, TypeVar

import strawberry
from strawberry.scalars import JSON

import resolvers.audit
import resolvers.category
import resolvers.course
import resolvers.course_run
import resolvers.enrollment
import resolvers.instructor
import resolvers.platform
import resolvers.query
import resolvers.review
import resolvers.student
import resolvers.values
import resolvers.viewer
from loaders.course import FACET_RATINGS
from loaders.model import (
    MOST_CATEGORIES,
    MOST_CHANGES,
    MOST_CODES,
    MOST_DELIVERY_MODES,
    MOST_INSTRUCTORS,
    MOST_ROLES,
    MOST_TAGS,
)
from resolvers import fields, relay
from resolvers.inputs import CourseStatus, DeliveryMode, EnrollmentStatus, Level, ReviewStatus, Role
from resolvers.relay import global_id

T = TypeVar("T")

# What a field counts for in the price of an operation, in values.
_LIST = 25  # MongoDB looks for the page of each parent
_TEXT = 5  # some hundred characters
_LONG_TEXT = 15  # some thousand
_WRITTEN = 2  # an amount of money, for people
_SIGNED = 4  # a cursor
_COUNTED = 25  # MongoDB goes through all that a list holds
_FACETS = 250  # and that several times, or through a whole collection
_DOCUMENT = 25


@strawberry.interface(description="Anything that has a global ID.")
class Node:
    id: strawberry.ID = fields.plain("Opaque, the same for good, and unique over all types.")

    @classmethod
    def resolve_type(cls, value: Any, *_: Any) -> str:
        return str(value["__typename"])

    @classmethod
    def is_type_of(cls, *_: Any) -> bool:
        return True


# -- connections ----------------------------------------------------------------------------------------


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = fields.computed(relay.has_next_page, description="Whether more follows.")
    has_previous_page: bool = fields.computed(
        relay.has_previous_page, description="Whether something precedes."
    )
    start_cursor: str | None = fields.computed(
        relay.start_cursor,
        weight=_SIGNED,
        description="The cursor of the first element; null on an empty page.",
    )
    end_cursor: str | None = fields.computed(
        relay.end_cursor,
        weight=_SIGNED,
        description="The cursor of the last element; null on an empty page.",
    )


@strawberry.type(description="An element of a list and its place there.")
class Edge(Generic[T]):
    node: T = fields.computed(relay.edge_node, description="The element.")
    cursor: str = fields.computed(
        relay.cursor,
        weight=_SIGNED,
        description="Its place, for `after` and `before` of the same list.",
    )


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = fields.computed(relay.edges, description="The elements with their places.")
    nodes: list[T] = fields.plain("The elements alone.")
    page_info: PageInfo = fields.computed(relay.page_info, description="Where the page lies.")
    total_count: int = fields.level(
        relay.total_count,
        weight=_COUNTED,
        description="The length of the whole list, counted when asked for.",
    )


# -- catalogue ------------------------------------------------------------------------------------------


@strawberry.type(description="A course of the catalogue.")
class Course(Node):
    id: strawberry.ID = fields.computed(global_id("Course"), description="Its global ID.")
    slug: str = fields.plain("Its name in URLs, unique.")
    codes: list[str] = fields.listed(
        "codes", MOST_CODES, "Its catalogue codes; a cross-listed course has several."
    )
    title: str = fields.plain("Its title.")
    summary: str | None = fields.plain("What it is about, in a sentence or two.", weight=_TEXT)
    description: str | None = fields.plain("What it is about at length, in Markdown.", weight=_LONG_TEXT)
    category: "Category | None" = fields.level(
        resolvers.course.category, reads=["categorySlug"], description="The category it is in."
    )
    level: Level | None = fields.plain("How much it asks for beforehand.")
    delivery_modes: list[DeliveryMode] = fields.listed(
        "deliveryModes", MOST_DELIVERY_MODES, "Where it takes place: both modes when it is blended."
    )
    duration_days: int | None = fields.plain("Its length in days.")
    language: str | None = fields.plain("The language it is taught in, as a BCP 47 tag.")
    tags: list[str] = fields.listed("tags", MOST_TAGS, "Keywords.")
    price: "Money | None" = fields.plain("What it costs; null when it isn't said.")
    instructors: list["Instructor"] = fields.level(
        resolvers.course.instructors,
        reads=["instructorIds"],
        most=MOST_INSTRUCTORS,
        description="Who teaches it.",
    )
    status: CourseStatus = fields.plain("Where it is in its life.")
    rating: "RatingSummary" = fields.computed(
        resolvers.values.summary, description="What its students say, in figures."
    )
    student_count: int = fields.plain("How many students took it or are taking it.")
    created_at: datetime = fields.plain("When it was added.")
    updated_at: datetime = fields.plain("When it was changed last.")
    runs: Connection["CourseRun"] = fields.level(
        resolvers.course.runs, weight=_LIST, description="Its runs, the earliest first."
    )
    reviews: Connection["Review"] = fields.level(
        resolvers.course.reviews, reads=["newestReviewIds"], weight=_LIST, description="Its reviews."
    )
    enrollments: Connection["Enrollment"] = fields.level(
        resolvers.course.enrollments,
        reads=["instructorIds"],
        weight=_LIST,
        description="Who is enrolled; empty but for staff and its instructors.",
    )
    viewer_enrollment: "Enrollment | None" = fields.level(
        resolvers.course.viewer_enrollment, description="The viewer's place in it, or the last they had."
    )
    viewer_review: "Review | None" = fields.level(
        resolvers.course.viewer_review, description="What the viewer says of it."
    )
    viewer_can_review: bool = fields.level(
        resolvers.course.viewer_can_review,
        commands=2,
        description="Whether the viewer takes or took it, and has not reviewed it yet.",
    )


@strawberry.type(description="A page of a list of courses.")
class CourseConnection(Connection[Course]):
    facets: "CourseFacets" = fields.level(
        resolvers.course.facets,
        weight=_FACETS,
        description="What the whole list holds, counted when asked for.",
    )


@strawberry.type(
    description="How many courses each choice would list: the filter applied, but for its own part."
)
class CourseFacets:
    categories: list["FacetCount"] = fields.listed(
        "categories", MOST_CATEGORIES, "By slug of the category, the most frequent first."
    )
    levels: list["FacetCount"] = fields.listed("levels", len(Level), "By level, the most frequent first.")
    delivery_modes: list["FacetCount"] = fields.listed(
        "deliveryModes", MOST_DELIVERY_MODES, "By delivery mode; a blended course counts for both."
    )
    ratings: list["FacetCount"] = fields.listed(
        "ratings", len(FACET_RATINGS), 'By average rating: "4.5", "4.0", "3.5" and "3.0" and up.'
    )


@strawberry.type(description="How many courses there are with a value.")
class FacetCount:
    value: str = fields.plain("The value, as a filter takes it.")
    count: int = fields.plain("The number of courses.")


@strawberry.type(description="One holding of a course, with a start and seats: a batch, a cohort.")
class CourseRun(Node):
    id: strawberry.ID = fields.computed(global_id("CourseRun"), description="Its global ID.")
    course: Course = fields.level(
        resolvers.course_run.course, reads=["courseId"], description="What is held."
    )
    starts_at: datetime = fields.plain("When it starts.")
    ends_at: datetime | None = fields.plain("When it ends.")
    delivery_mode: DeliveryMode = fields.plain("Where it takes place.")
    location: str | None = fields.plain("The place, when it is on site.")
    seats: int | None = fields.plain("How many can take part; null: no limit.")
    seats_left: int | None = fields.computed(
        resolvers.course_run.seats_left,
        reads=["seats", "seatsTaken"],
        description="Seats not taken; null: no limit.",
    )
    waitlist_count: int = fields.plain("How many wait for a seat.")


@strawberry.type(description="A part of the catalogue.")
class Category(Node):
    id: strawberry.ID = fields.computed(global_id("Category"), description="Its global ID.")
    slug: str = fields.plain("Its name in URLs, unique.")
    name: str = fields.plain("Its name.")
    course_count: int = fields.level(
        resolvers.category.course_count,
        reads=["slug"],
        weight=_COUNTED,
        description="How many courses it has.",
    )
    courses: CourseConnection = fields.level(
        resolvers.category.courses, reads=["slug"], weight=_LIST, description="Its courses."
    )


@strawberry.type(description="Someone who teaches.")
class Instructor(Node):
    id: strawberry.ID = fields.computed(global_id("Instructor"), description="Their global ID.")
    name: str = fields.plain("Their name.")
    headline: str | None = fields.plain("Who they are, in a line.")
    courses: CourseConnection = fields.level(
        resolvers.instructor.courses, weight=_LIST, description="What they teach."
    )


@strawberry.type(description="An amount of money.")
class Money:
    amount_minor: int = fields.plain("The amount in the currency's minor unit: 129900 is 1,299.00.")
    currency: str = fields.plain("The currency, as an ISO 4217 code.")
    formatted: str = fields.computed(
        resolvers.values.formatted, weight=_WRITTEN, description='For people: "₹1,299.00".'
    )


@strawberry.type(description="The ratings of a course.")
class RatingSummary:
    average: float | None = fields.computed(
        resolvers.values.average,
        reads=["ratingAverage"],
        description="The mean, from 1 to 5; null without ratings.",
    )
    bayesian: float = fields.computed(
        resolvers.values.bayesian,
        reads=["ratingBayesian"],
        description="(C*m + sum) / (C + count), with C and m below: the mean, drawn towards m while ratings"
        " are few.",
    )
    count: int = fields.computed(
        resolvers.values.count, reads=["ratingCount"], description="How many ratings there are."
    )
    without_review_count: int = fields.computed(
        resolvers.values.without_review_count,
        reads=["importedRating"],
        description="How many of them came as an average with a count, without reviews: no bucket has these.",
    )
    histogram: list["RatingBucket"] = fields.computed(
        resolvers.values.histogram,
        reads=["ratingStars"],
        most=5,
        description="How many reviews gave how many stars: five buckets, 5 stars first.",
    )
    prior_mean: float = fields.computed(
        resolvers.values.prior_mean, description="m: the rating assumed beforehand."
    )
    prior_weight: int = fields.computed(
        resolvers.values.prior_weight, description="C: how many ratings m weighs."
    )


@strawberry.type(description="The reviews with some number of stars.")
class RatingBucket:
    stars: int = fields.plain("From 1 to 5.")
    count: int = fields.plain("How many reviews gave them.")


# -- people ---------------------------------------------------------------------------------------------


@strawberry.type(description="Someone who learns.")
class Student(Node):
    id: strawberry.ID = fields.computed(global_id("Student"), description="Their global ID.")
    name: str = fields.plain('Their name; "Anonymous student" where it isn\'t known.')
    avatar_url: str | None = fields.plain("Their picture.")
    country: str | None = fields.plain("Where they live, as an ISO 3166-1 alpha-2 code.")
    bio: str | None = fields.plain("What they say of themselves.", weight=_TEXT)
    email: str | None = fields.level(
        resolvers.student.email,
        reads=["email"],
        commands=0,
        description="For themselves and staff; null for others.",
    )
    joined_at: datetime | None = fields.plain("When they joined.")
    reviews: Connection["Review"] = fields.level(
        resolvers.student.reviews,
        reads=["newestReviewIds"],
        commands=2,
        weight=_LIST,
        description="What they wrote.",
    )
    enrollments: Connection["Enrollment"] = fields.level(
        resolvers.student.enrollments,
        weight=_LIST,
        description="For themselves and staff; empty for others.",
    )


@strawberry.type(description="Who asks.")
class Viewer:
    student: Student | None = fields.level(
        resolvers.viewer.student, reads=["studentId"], description="The viewer as a student."
    )
    instructor: Instructor | None = fields.level(
        resolvers.viewer.instructor, reads=["instructorId"], description="The viewer as one who teaches."
    )
    roles: list[Role] = fields.listed("roles", MOST_ROLES, "What the viewer may be.")
    wishlist: CourseConnection = fields.level(
        resolvers.viewer.wishlist,
        reads=["studentId"],
        commands=2,
        description="The courses that the viewer remembers, the latest first.",
    )


@strawberry.type(description="A student's place in a course.")
class Enrollment(Node):
    id: strawberry.ID = fields.computed(global_id("Enrollment"), description="Its global ID.")
    course: Course = fields.level(resolvers.enrollment.course, reads=["courseId"], description="The course.")
    run: CourseRun | None = fields.level(
        resolvers.enrollment.run, reads=["runId"], description="The run, when it is for one."
    )
    student: Student = fields.level(
        resolvers.enrollment.student, reads=["studentId"], description="Who is enrolled."
    )
    status: EnrollmentStatus = fields.plain("Where the student stands.")
    progress: float = fields.plain("How much is done, from 0 to 1.")
    enrolled_at: datetime | None = fields.plain("When it began.")
    completed_at: datetime | None = fields.plain("When the course was completed.")


# -- reviews --------------------------------------------------------------------------------------------


@strawberry.type(description="What a student says of a course.")
class Review(Node):
    id: strawberry.ID = fields.computed(global_id("Review"), description="Its global ID.")
    course: Course = fields.level(
        resolvers.review.course, reads=["courseId"], description="The course it is about."
    )
    student: Student | None = fields.level(
        resolvers.review.student,
        reads=["studentId"],
        description="Who wrote it; null: anonymous, or the account is gone.",
    )
    rating: int | None = fields.plain("Stars, from 1 to 5; null only on imported reviews.")
    title: str | None = fields.plain("Its title.")
    body: str = fields.plain("Its text.", weight=_TEXT)
    difficulty: int | None = fields.plain("How hard the course is, from 1 to 5.")
    workload_hours: float | None = fields.plain("How much work the course is, in hours a week.")
    term: str | None = fields.plain('When the course was taken: "2014-3" is the third term of 2014.')
    verified: bool = fields.plain("Whether the student was enrolled when writing.")
    helpful_count: int = fields.plain("How many found it helpful.")
    viewer_found_helpful: bool = fields.level(
        resolvers.review.viewer_found_helpful, description="Whether the viewer did."
    )
    reply: "ReviewReply | None" = fields.plain("What an instructor answered.")
    status: ReviewStatus = fields.plain("What becomes of it.")
    created_at: datetime | None = fields.plain("When it was written.")
    updated_at: datetime | None = fields.plain("When it was changed last.")


@strawberry.type(description="An instructor's answer to a review.")
class ReviewReply:
    author: Instructor | None = fields.level(resolvers.review.reply_author, description="Who answered.")
    body: str = fields.plain("The text.", weight=_TEXT)
    created_at: datetime = fields.plain("When it was written.")


# -- platform -------------------------------------------------------------------------------------------


@strawberry.type(description="The platform in figures.")
class PlatformStats:
    students_enrolled: int = fields.level(
        resolvers.platform.students_enrolled,
        weight=_FACETS,
        description="Students who took a course or are taking one.",
    )
    total_courses: int = fields.level(resolvers.platform.total_courses, description="Published courses.")
    students: int = fields.level(resolvers.platform.students, description="Students.")
    countries: int = fields.level(
        resolvers.platform.countries, description="Countries that students live in."
    )
    reviews: int = fields.level(resolvers.platform.reviews, description="Published reviews.")
    average_rating: float | None = fields.level(
        resolvers.platform.average_rating, description="The mean of all ratings; null without any."
    )


# -- the audit log ----------------------------------------------------------------------------------------


@strawberry.type(description="Who wrote.")
class AuditActor:
    subject: str = fields.plain(
        "Their account, or an external issuer's name for them; empty: nobody signed in."
    )
    roles: list[Role] = fields.listed("roles", MOST_ROLES, "Their roles at that time.")
    student: Student | None = fields.level(
        resolvers.audit.student, reads=["studentId"], description="Them as a student."
    )
    instructor: Instructor | None = fields.level(
        resolvers.audit.instructor, reads=["instructorId"], description="Them as one who teaches."
    )


@strawberry.type(description="A document before and after a write.")
class AuditChange:
    collection: str = fields.plain("The collection it is in.")
    document_id: str = fields.plain("Its ObjectId.")
    node: Node | None = fields.level(
        resolvers.audit.node, description="What became of it; null: it is gone, or is no node."
    )
    before: JSON | None = fields.plain(
        "The keys that were set, as they were; null: it was not there.", weight=_DOCUMENT
    )
    after: JSON | None = fields.plain(
        "The keys that were set, as they are; null: it was deleted.", weight=_DOCUMENT
    )


@strawberry.type(description="A write.")
class AuditEntry(Node):
    id: strawberry.ID = fields.computed(global_id("AuditEntry"), description="Its global ID.")
    at: datetime = fields.plain("When.")
    action: str = fields.plain("Which: the name of the mutation, or the command.")
    actor: AuditActor = fields.plain("Who.")
    address: str = fields.plain("From where.")
    changes: list[AuditChange] = fields.listed("changes", MOST_CHANGES, "What.")


@strawberry.type(description="Where every query starts.")
class Query:
    node: Node | None = fields.root(
        resolvers.query.node, commands=2, description="Anything by its global ID; null where it isn't known."
    )
    nodes: list[Node | None] = fields.root(
        resolvers.query.nodes,
        commands=2,
        most=relay.MOST_IDS,
        description="Anything by global IDs: one entry for each, in their order.",
    )
    course: Course | None = fields.root(resolvers.query.course, description="A course by its ID or its slug.")
    courses: CourseConnection = fields.root(resolvers.query.courses, description="The catalogue.")
    categories: list[Category] = fields.root(
        resolvers.query.categories, most=MOST_CATEGORIES, description="All categories, by name."
    )
    category: Category | None = fields.root(resolvers.query.category, description="A category by its slug.")
    student: Student | None = fields.root(resolvers.query.student, description="A student by ID.")
    students: Connection[Student] = fields.root(
        resolvers.query.students, description="All students by name; for staff, empty for others."
    )
    review: Review | None = fields.root(resolvers.query.review, commands=2, description="A review by ID.")
    platform: PlatformStats = fields.root(
        resolvers.query.platform, commands=0, description="The platform in figures."
    )
    viewer: Viewer | None = fields.root(
        resolvers.query.viewer, commands=0, description="Who asks; null when not signed in."
    )
    audit_log: Connection[AuditEntry] = fields.root(
        resolvers.query.audit_log, description="Every write, the latest first; for staff, empty for others."
    )
