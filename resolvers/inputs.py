"""Enums and query inputs: declarations without logic. A value that is left out is UNSET."""

from dataclasses import fields
from enum import Enum
from typing import Any, TypeAlias

import strawberry
from strawberry import UNSET, enum_value

from resolvers.fields import Declaration

#: An instance of a class that is declared with strawberry.input; they have no common base class.
InputObject: TypeAlias = Any


def optional(description: str) -> Declaration:
    """Declares a criterion that may be left out."""
    return strawberry.field(default=UNSET, description=description)


@strawberry.enum(description="Prior knowledge that a course requires.")
class Level(Enum):
    BEGINNER = enum_value("BEGINNER", description="No prior knowledge.")
    INTERMEDIATE = enum_value("INTERMEDIATE", description="The basics of the subject.")
    ADVANCED = enum_value("ADVANCED", description="Experience with the subject.")
    ALL_LEVELS = enum_value(
        "ALL_LEVELS", description="Suitable for everyone, whatever their prior knowledge."
    )


@strawberry.enum(description="How a course is delivered. A blended course has both modes.")
class DeliveryMode(Enum):
    ONLINE = enum_value("ONLINE", description="Online.")
    ONSITE = enum_value("ONSITE", description="On site, in a classroom.")


@strawberry.enum(description="Publication status of a course.")
class CourseStatus(Enum):
    DRAFT = enum_value("DRAFT", description="Not yet published: only its instructors and staff see it.")
    PUBLISHED = enum_value("PUBLISHED", description="In the catalogue: everyone sees it.")
    ARCHIVED = enum_value(
        "ARCHIVED",
        description="No longer offered. Its instructors and staff see it; students see it in their own"
        " enrolments and reviews.",
    )


@strawberry.enum(description="Moderation status of a review.")
class ReviewStatus(Enum):
    PUBLISHED = enum_value("PUBLISHED", description="Visible to everyone; its rating counts.")
    PENDING = enum_value("PENDING", description="Waiting for moderation: only its author and staff see it.")
    REJECTED = enum_value(
        "REJECTED", description="Rejected by a moderator: only its author and staff see it."
    )


@strawberry.enum(description="A role on the platform, which grants permissions.")
class Role(Enum):
    STUDENT = enum_value("STUDENT", description="Takes and reviews courses.")
    INSTRUCTOR = enum_value("INSTRUCTOR", description="Teaches courses and manages those they teach.")
    STAFF = enum_value("STAFF", description="Manages the platform.")


@strawberry.enum(description="Status of a student's enrolment in a course.")
class EnrollmentStatus(Enum):
    WAITLISTED = enum_value("WAITLISTED", description="On the waitlist of a run, waiting for a seat.")
    ACTIVE = enum_value("ACTIVE", description="Taking the course.")
    COMPLETED = enum_value("COMPLETED", description="Completed the course.")
    CANCELLED = enum_value("CANCELLED", description="Cancelled by the student or by staff.")
    EXPIRED = enum_value("EXPIRED", description="Ended without completing the course.")


@strawberry.enum(description="Direction in which a list is ordered.")
class OrderDirection(Enum):
    ASC = enum_value(
        "ASC",
        description="Ascending: smallest first, oldest first, A to Z. Unknown values (null) come first.",
    )
    DESC = enum_value(
        "DESC",
        description="Descending: largest first, newest first, Z to A. Unknown values (null) come last.",
    )


@strawberry.enum(description="Field by which a list of courses is ordered.")
class CourseOrderField(Enum):
    RELEVANCE = enum_value(
        "RELEVANCE",
        description="How well the course matches the search; without a search, the same as RATING.",
    )
    RATING = enum_value("RATING", description="Bayesian average of the ratings (`RatingSummary.bayesian`).")
    POPULARITY = enum_value("POPULARITY", description="Number of students (`Course.studentCount`).")
    NEWEST = enum_value("NEWEST", description="Creation time of the course.")
    TITLE = enum_value("TITLE", description="Title, ignoring case and accents.")
    DURATION = enum_value("DURATION", description="Length of the course in days.")
    PRICE = enum_value(
        "PRICE", description="Price in minor units of its currency; amounts are compared without conversion."
    )


@strawberry.enum(description="Field by which a list of reviews is ordered.")
class ReviewOrderField(Enum):
    NEWEST = enum_value("NEWEST", description="Time at which the review was written.")
    HELPFUL = enum_value(
        "HELPFUL",
        description="Helpfulness: the lower bound of the Wilson score interval of the votes on the review.",
    )
    RATING = enum_value("RATING", description="Stars given by the review.")


class Criteria:
    """Base class of filters, which normalises their values.

    The values of a criterion form a set: their order and duplicates don't matter. Null means that the
    criterion is left out. Equivalent filters therefore compare equal, so that they share cursors and calls.
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type] # its subclasses are dataclasses
            value = getattr(self, field.name)
            if value is None:
                setattr(self, field.name, UNSET)
            elif isinstance(value, list):
                setattr(self, field.name, sorted(set(value), key=_sort_key))


def _sort_key(value: Any) -> Any:  # any scalar of a filter, or an enum
    return value.value if isinstance(value, Enum) else value


@strawberry.input(description="A range of integers, including both bounds.")
class IntRange(Criteria):
    min: int | None = optional("Lower bound; left out or null: unbounded.")
    max: int | None = optional("Upper bound; left out or null: unbounded.")


@strawberry.input(
    description="Criteria for courses. A course must meet all criteria; within a list of values, it must"
    " match one. An empty list matches nothing."
)
class CourseFilter(Criteria):
    search: str | None = optional(
        "Search words, at most 200 characters. Each must occur in the title, codes, tags, summary or"
        " description, ignoring case and accents, as it is or by its English stem. The last word may be the"
        " beginning of a word."
    )
    categories: list[str] | None = optional("Category slugs.")
    levels: list[Level] | None = optional("Required levels.")
    delivery_modes: list[DeliveryMode] | None = optional("Delivery modes; a blended course matches either.")
    tags: list[str] | None = optional("Tags, exactly as they are stored.")
    languages: list[str] | None = optional(
        "Languages of instruction as BCP 47 tags, exactly as they are stored."
    )
    min_rating: float | None = optional("Minimum average rating (`RatingSummary.average`), from 1 to 5.")
    duration_days: IntRange | None = optional(
        "Length of the course in days. A bound excludes courses of unknown length."
    )
    price_minor: IntRange | None = optional(
        "Price in minor units, whatever the currency. A bound excludes courses without a price."
    )
    has_seats: bool | None = optional(
        "True: only courses with a free seat in an upcoming run. False: only courses without one."
    )
    statuses: list[CourseStatus] | None = optional(
        "Publication statuses. Only for staff: for everyone else only PUBLISHED can match."
    )


@strawberry.input(description="Order of a list of courses. Ties are broken by ID.")
class CourseOrder:
    field: CourseOrderField = strawberry.field(description="Field to order by.")
    direction: OrderDirection = strawberry.field(description="Direction of the order.")


@strawberry.input(
    description="Criteria for reviews. A review must meet all criteria; within a list of values, it must"
    " match one. An empty list matches nothing."
)
class ReviewFilter(Criteria):
    ratings: list[int] | None = optional("Numbers of stars, from 1 to 5.")
    verified_only: bool | None = optional(
        "True: only reviews by students who were enrolled in the course when they wrote. False: all reviews."
    )
    statuses: list[ReviewStatus] | None = optional(
        "Moderation statuses. Only for staff: for everyone else only PUBLISHED can match."
    )


@strawberry.input(description="Order of a list of reviews. Ties are broken by ID.")
class ReviewOrder:
    field: ReviewOrderField = strawberry.field(description="Field to order by.")
    direction: OrderDirection = strawberry.field(description="Direction of the order.")


@strawberry.input(description="Criteria for students. A student must meet all criteria.")
class StudentFilter(Criteria):
    search: str | None = optional(
        "Words of the name, at most 200 characters, ignoring case and accents. The last word may be the"
        " beginning of a word."
    )
    countries: list[str] | None = optional("Countries of residence, as ISO 3166-1 alpha-2 codes.")


@strawberry.input(description="Criteria for enrolments.")
class EnrollmentFilter(Criteria):
    statuses: list[EnrollmentStatus] | None = optional(
        "Statuses of the enrolment. An empty list matches nothing."
    )


@strawberry.input(description="Criteria for entries of the audit log. An entry must meet all criteria.")
class AuditFilter(Criteria):
    actions: list[str] | None = optional(
        'Names of mutations ("createReview") or commands ("account create").'
    )
    subject: str | None = optional("The actor's `subject`.")
    node: strawberry.ID | None = optional("Global ID of an object that the write changed.")
