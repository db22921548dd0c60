"""Declares the enums, filters and sort orders that queries take, and the bounds of input values.

An input value that the client omits is UNSET.
"""

from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

import strawberry
from strawberry import UNSET, enum_value

from resolvers.fields import Declaration

#: An instance of a class declared with strawberry.input. Any, because those classes have no common base.
InputObject: TypeAlias = Any


class Bounds(NamedTuple):
    """The bounds of an input value, as the schema publishes them with `@constraint`. None: unbounded.

    In a list, all but `max_items` apply to each item.
    """

    min_length: int | None = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    max_items: int | None = None
    format: str | None = None


def optional(description: str) -> Declaration:
    """Declares a filter criterion that can be omitted."""
    return strawberry.field(default=UNSET, description=description)


@strawberry.enum(description="Prior knowledge that a course requires.")
class Level(Enum):
    BEGINNER = enum_value("BEGINNER", description="Requires no prior knowledge.")
    INTERMEDIATE = enum_value("INTERMEDIATE", description="Requires basic knowledge of the subject.")
    ADVANCED = enum_value("ADVANCED", description="Requires experience with the subject.")
    ALL_LEVELS = enum_value("ALL_LEVELS", description="Suitable for everyone, regardless of prior knowledge.")


@strawberry.enum(description="How a course is delivered. A blended course has both modes.")
class DeliveryMode(Enum):
    ONLINE = enum_value("ONLINE", description="The course takes place online.")
    ONSITE = enum_value("ONSITE", description="The course takes place on site, in a classroom.")


@strawberry.enum(description="Publication status of a course.")
class CourseStatus(Enum):
    DRAFT = enum_value(
        "DRAFT", description="Not yet published. Only the course's instructors and staff can see it."
    )
    PUBLISHED = enum_value("PUBLISHED", description="In the catalogue. Everyone can see the course.")
    ARCHIVED = enum_value(
        "ARCHIVED",
        description="No longer offered. The course's instructors and staff can see it; students can see it"
        " only through their own enrolments and reviews.",
    )


@strawberry.enum(description="Whether a run takes place.")
class CourseRunStatus(Enum):
    SCHEDULED = enum_value("SCHEDULED", description="The run takes place, or has taken place.")
    CANCELLED = enum_value(
        "CANCELLED",
        description="The run doesn't take place. Nobody can enrol in it, and the enrolments in it are"
        " cancelled.",
    )


@strawberry.enum(description="Moderation status of a review.")
class ReviewStatus(Enum):
    PUBLISHED = enum_value(
        "PUBLISHED",
        description="Visible to everyone who can see the course. The review's rating is included in the"
        " ratings of the course.",
    )
    PENDING = enum_value(
        "PENDING", description="Waiting for moderation. Only the review's author and staff can see it."
    )
    REJECTED = enum_value(
        "REJECTED", description="Rejected by a moderator. Only the review's author and staff can see it."
    )


@strawberry.enum(description="A role on the platform, which grants permissions.")
class Role(Enum):
    STUDENT = enum_value("STUDENT", description="Takes and reviews courses.")
    INSTRUCTOR = enum_value("INSTRUCTOR", description="Teaches courses, and manages their own courses.")
    STAFF = enum_value("STAFF", description="Manages the platform.")


@strawberry.enum(description="Whether an account can be used.")
class AccountStatus(Enum):
    ACTIVE = enum_value("ACTIVE", description="The account's owner can sign in.")
    DEACTIVATED = enum_value(
        "DEACTIVATED", description="The account's owner can't sign in. None of their data is deleted."
    )


@strawberry.enum(description="Status of a student's enrolment in a course.")
class EnrollmentStatus(Enum):
    WAITLISTED = enum_value(
        "WAITLISTED", description="The student is on the waitlist for a run, waiting for a seat."
    )
    ACTIVE = enum_value("ACTIVE", description="The student is taking the course.")
    COMPLETED = enum_value("COMPLETED", description="The student has completed the course.")
    CANCELLED = enum_value("CANCELLED", description="The enrolment was cancelled by the student or by staff.")
    EXPIRED = enum_value(
        "EXPIRED", description="The enrolment ended before the student completed the course."
    )


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
        description="How well the course matches the search. Without a search, the same as RATING.",
    )
    RATING = enum_value("RATING", description="Bayesian average of the ratings (`RatingSummary.bayesian`).")
    POPULARITY = enum_value("POPULARITY", description="Number of students (`Course.studentCount`).")
    NEWEST = enum_value("NEWEST", description="When the course was created.")
    TITLE = enum_value(
        "TITLE",
        description="Title of the course, in alphabetical order, ignoring case and accents. Digits come"
        " before letters, and Latin letters before those of other scripts.",
    )
    DURATION = enum_value("DURATION", description="Length of the course in days.")
    PRICE = enum_value(
        "PRICE",
        description="Price in minor units of its currency. Prices in different currencies are compared"
        " without conversion.",
    )


@strawberry.enum(description="Field by which a list of reviews is ordered.")
class ReviewOrderField(Enum):
    NEWEST = enum_value("NEWEST", description="When the review was written.")
    HELPFUL = enum_value(
        "HELPFUL",
        description="How helpful the review is: the lower bound of the Wilson score interval for the share of"
        " helpful votes.",
    )
    RATING = enum_value("RATING", description="Number of stars that the review gives.")


class Criteria:
    """Base class that normalises the values of filters.

    The values of a criterion are treated as a set: their order and duplicates don't matter. A criterion that
    is null is treated as omitted. Equivalent filters therefore compare equal. Fields with equal filters share
    a call and accept the same cursors.
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type] # its subclasses are dataclasses
            value = getattr(self, field.name)
            if value is None:
                setattr(self, field.name, UNSET)
            elif isinstance(value, list):
                setattr(self, field.name, sorted(set(value), key=_sort_key))


def _sort_key(value: Any) -> Any:  # Any, because the value can be an enum or any scalar that filters use
    return value.value if isinstance(value, Enum) else value


@strawberry.input(description="A range of integers, including both bounds.")
class IntRange(Criteria):
    min: int | None = optional("Lower bound of the range. If omitted or null, there is no lower bound.")
    max: int | None = optional("Upper bound of the range. If omitted or null, there is no upper bound.")


@strawberry.input(
    description="Criteria for courses. A course must meet all criteria. If a criterion is a list of values,"
    " the course must match at least one of them; an empty list matches nothing."
)
class CourseFilter(Criteria):
    search: str | None = optional(
        "At most 20 words to search for, with at most 200 characters in total. Every word, or its English"
        " stem, must occur in the title, codes, tags, summary or description, ignoring case and the accents"
        " of Latin letters. The last word can be the beginning of a longer word. If nothing is found, similar"
        " words are tried (`CourseConnection.searchedFor`)."
    )
    categories: list[str] | None = optional("Category slugs.")
    levels: list[Level] | None = optional("Levels of prior knowledge that the course requires.")
    delivery_modes: list[DeliveryMode] | None = optional(
        "Delivery modes. A blended course matches both `ONLINE` and `ONSITE`."
    )
    tags: list[str] | None = optional("Tags, which must match the stored tags exactly.")
    languages: list[str] | None = optional(
        "Languages of instruction as BCP 47 tags, which must match the stored tags exactly."
    )
    institutions: list[str] | None = optional(
        "Names of institutions, which must match the stored names exactly."
    )
    currencies: list[str] | None = optional("Currencies of the price, as ISO 4217 codes.")
    instructors: list[strawberry.ID] | None = optional(
        "Global IDs of instructors. The course must be taught by at least one of them."
    )
    min_rating: float | None = optional("Minimum average rating (`RatingSummary.average`), from 1 to 5.")
    duration_days: IntRange | None = optional(
        "Length of the course in days. If a bound is given, courses of unknown length are excluded."
    )
    price_minor: IntRange | None = optional(
        "Price in minor units, regardless of the currency. If a bound is given, courses without a price are"
        " excluded."
    )
    has_seats: bool | None = optional(
        "If true, the course must have a free seat in an upcoming run. If false, it must have no such seat."
    )
    statuses: list[CourseStatus] | None = optional(
        "Publication statuses. For viewers who are not staff, only PUBLISHED can match."
    )


@strawberry.input(description="Order of a list of courses. Ties are broken by ID.")
class CourseOrder:
    field: CourseOrderField = strawberry.field(description="Field to order by.")
    direction: OrderDirection = strawberry.field(description="Direction of the order.")


@strawberry.input(
    description="Criteria for reviews. A review must meet all criteria. If a criterion is a list of values,"
    " the review must match at least one of them; an empty list matches nothing."
)
class ReviewFilter(Criteria):
    ratings: list[int] | None = optional("Star ratings, from 1 to 5.")
    verified_only: bool | None = optional(
        "If true, the review must be verified (`Review.verified`). If false, all reviews match."
    )
    statuses: list[ReviewStatus] | None = optional(
        "Moderation statuses. For viewers who are not staff, only PUBLISHED can match."
    )
    flagged: bool | None = optional(
        "Whether the review has been flagged since it was last moderated. Only staff can see that; for"
        " everyone else, no review is flagged."
    )
    search: str | None = optional(
        "At most 20 words that the title or the text must contain, with at most 200 characters in total. Case"
        " is ignored. Only the first 10,000 reviews that meet the other criteria are searched. Only staff"
        " can search; for everyone else, no review matches."
    )


@strawberry.input(description="Order of a list of reviews. Ties are broken by ID.")
class ReviewOrder:
    field: ReviewOrderField = strawberry.field(description="Field to order by.")
    direction: OrderDirection = strawberry.field(description="Direction of the order.")


@strawberry.input(description="Criteria for students. A student must meet all criteria.")
class StudentFilter(Criteria):
    search: str | None = optional(
        "At most 20 words to search for in the name, with at most 200 characters in total. Case and the"
        " accents of Latin letters are ignored. The last word can be the beginning of a longer word."
    )
    countries: list[str] | None = optional("Countries of residence, as ISO 3166-1 alpha-2 codes.")
    email: str | None = optional("The whole e-mail address, ignoring case.")


@strawberry.input(
    description="Criteria for accounts. An account must meet all criteria. If a criterion is a list of"
    " values, the account must match at least one of them; an empty list matches nothing."
)
class AccountFilter(Criteria):
    search: str | None = optional(
        "The whole e-mail address, or at most 20 words to search for in the name, with at most 200 characters"
        " in total. Case and the accents of Latin letters are ignored. The last word can be the beginning of"
        " a longer word."
    )
    roles: list[Role] | None = optional("Roles.")
    statuses: list[AccountStatus] | None = optional("Statuses.")


@strawberry.input(description="Criteria for enrolments. An enrolment must meet all criteria.")
class EnrollmentFilter(Criteria):
    statuses: list[EnrollmentStatus] | None = optional(
        "Enrolment statuses. An enrolment must have one of them; an empty list matches nothing."
    )
    runs: list[strawberry.ID] | None = optional(
        "Global IDs of runs. An enrolment must be in one of them; an empty list matches nothing."
    )


@strawberry.input(description="Criteria for entries in the audit log. An entry must meet all criteria.")
class AuditFilter(Criteria):
    actions: list[str] | None = optional(
        'Names of mutations and commands, such as "createReview" or "account create". One of them must have'
        " made the write."
    )
    subject: str | None = optional("`AuditActor.subject` of the actor who made the write.")
    email: str | None = optional(
        "E-mail address of the actor who made the write, ignoring case: the address of their account or, if"
        " they signed in through an external issuer, of their student."
    )
    node: strawberry.ID | None = optional("Global ID of an object that the write changed.")
    since: datetime | None = strawberry.field(
        name="from", default=UNSET, description="The write must have been made at this time or later."
    )
    until: datetime | None = strawberry.field(
        name="to", default=UNSET, description="The write must have been made before this time."
    )
