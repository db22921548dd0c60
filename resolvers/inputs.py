"""Enums and inputs: declarations, no logic. A value left out is UNSET."""

from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET, enum_value


def optional(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


@strawberry.enum(description="How much a course asks for beforehand.")
class Level(Enum):
    BEGINNER = enum_value("BEGINNER", description="Nothing beforehand.")
    INTERMEDIATE = enum_value("INTERMEDIATE", description="The basics of the subject.")
    ADVANCED = enum_value("ADVANCED", description="Experience with the subject.")
    ALL_LEVELS = enum_value("ALL_LEVELS", description="Something for everyone.")


@strawberry.enum(description="Where a course takes place. A blended course has both modes.")
class DeliveryMode(Enum):
    ONLINE = enum_value("ONLINE", description="Over the network.")
    ONSITE = enum_value("ONSITE", description="In a class room.")


@strawberry.enum(description="Where a course is in its life.")
class CourseStatus(Enum):
    DRAFT = enum_value("DRAFT", description="Being written; who teaches it and staff see it.")
    PUBLISHED = enum_value("PUBLISHED", description="In the catalogue, for everyone.")
    ARCHIVED = enum_value("ARCHIVED", description="No longer offered; who teaches it and staff see it.")


@strawberry.enum(description="What becomes of a review.")
class ReviewStatus(Enum):
    PUBLISHED = enum_value("PUBLISHED", description="Everyone sees it, and its rating counts.")
    PENDING = enum_value("PENDING", description="It waits for a moderator.")
    REJECTED = enum_value("REJECTED", description="A moderator took it down.")


@strawberry.enum(description="What someone is to the platform.")
class Role(Enum):
    STUDENT = enum_value("STUDENT", description="Takes courses and reviews them.")
    INSTRUCTOR = enum_value("INSTRUCTOR", description="Runs courses of their own.")
    STAFF = enum_value("STAFF", description="Runs the platform.")


@strawberry.enum(description="Where a student stands in a course.")
class EnrollmentStatus(Enum):
    WAITLISTED = enum_value("WAITLISTED", description="Waiting for a seat.")
    ACTIVE = enum_value("ACTIVE", description="Taking the course.")
    COMPLETED = enum_value("COMPLETED", description="Done, with success.")
    CANCELLED = enum_value("CANCELLED", description="Withdrawn.")
    EXPIRED = enum_value("EXPIRED", description="Ended without success.")


@strawberry.enum(description="Which way a list is ordered.")
class OrderDirection(Enum):
    ASC = enum_value(
        "ASC", description="The smallest first; the oldest; A to Z. What is unknown comes first."
    )
    DESC = enum_value(
        "DESC", description="The largest first; the newest; Z to A. What is unknown comes last."
    )


@strawberry.enum(description="What a list of courses is ordered by.")
class CourseOrderField(Enum):
    RELEVANCE = enum_value("RELEVANCE", description="How well it matches the search; without one, as RATING.")
    RATING = enum_value("RATING", description="The Bayesian average of its ratings.")
    POPULARITY = enum_value("POPULARITY", description="The number of its students.")
    NEWEST = enum_value("NEWEST", description="When it was created.")
    TITLE = enum_value("TITLE", description="Its title, without regard to case and accents.")
    DURATION = enum_value("DURATION", description="Its length in days.")
    PRICE = enum_value("PRICE", description="Its price in minor units, whatever the currency.")


@strawberry.enum(description="What a list of reviews is ordered by.")
class ReviewOrderField(Enum):
    NEWEST = enum_value("NEWEST", description="When it was written.")
    HELPFUL = enum_value(
        "HELPFUL", description="The lower bound of the Wilson interval of its helpful votes."
    )
    RATING = enum_value("RATING", description="Its stars.")


class Criteria:
    """A filter. The values of a criterion are a set, without order or duplicates, and null is a criterion
    left out: filters that ask for the same are equal, to cursors and to calls that are shared.
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type] # its subclasses are dataclasses
            value = getattr(self, field.name)
            if value is None:
                setattr(self, field.name, UNSET)
            elif isinstance(value, list):
                setattr(self, field.name, sorted(set(value), key=_sorting))


def _sorting(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


@strawberry.input(description="From `min` to `max`, both included.")
class IntRange(Criteria):
    min: int | None = optional("The smallest; left out: no bound.")
    max: int | None = optional("The largest; left out: no bound.")


@strawberry.input(description="What courses to list. Criteria are joined by AND, the values of one by OR.")
class CourseFilter(Criteria):
    search: str | None = optional(
        "Words that the title, the codes, the tags, the summary or the description have: every one of them, "
        "the last one perhaps just begun."
    )
    categories: list[str] | None = optional("Slugs of categories.")
    levels: list[Level] | None = optional("Levels.")
    delivery_modes: list[DeliveryMode] | None = optional("Delivery modes.")
    tags: list[str] | None = optional("Tags.")
    languages: list[str] | None = optional("Languages, as BCP 47 tags.")
    min_rating: float | None = optional("The least average rating.")
    duration_days: IntRange | None = optional("The length in days.")
    price_minor: IntRange | None = optional("The price in minor units of its currency.")
    has_seats: bool | None = optional("Whether an upcoming run has a seat left.")
    statuses: list[CourseStatus] | None = optional(
        "For staff; everyone else sees PUBLISHED, whatever is asked for."
    )


@strawberry.input(description="The order of a list of courses.")
class CourseOrder:
    field: CourseOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="What reviews to list. Criteria are joined by AND.")
class ReviewFilter(Criteria):
    ratings: list[int] | None = optional("Stars, from 1 to 5.")
    verified_only: bool | None = optional("Only by students who were enrolled when they wrote.")
    statuses: list[ReviewStatus] | None = optional(
        "For staff; everyone else sees PUBLISHED, whatever is asked for."
    )


@strawberry.input(description="The order of a list of reviews.")
class ReviewOrder:
    field: ReviewOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(description="Which way.")


@strawberry.input(description="What students to list. Criteria are joined by AND.")
class StudentFilter(Criteria):
    search: str | None = optional("Words of the name; the last one may be just begun.")
    countries: list[str] | None = optional("Countries, as ISO 3166-1 alpha-2 codes.")


@strawberry.input(description="What enrolments to list.")
class EnrollmentFilter(Criteria):
    statuses: list[EnrollmentStatus] | None = optional("Statuses.")


@strawberry.input(description="What entries of the audit log to list. Criteria are joined by AND.")
class AuditFilter(Criteria):
    actions: list[str] | None = optional("Names of mutations: createReview.")
    subject: str | None = optional("Who wrote, by the actor's `subject`.")
    node: strawberry.ID | None = optional("What was written, by its ID.")
