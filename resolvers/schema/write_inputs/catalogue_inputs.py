"""Inputs of the mutations about courses and their runs."""

from datetime import datetime

import strawberry
from strawberry import ID

from loaders.model import MOST_CODES, MOST_DELIVERY_MODES, MOST_INSTRUCTORS, MOST_TAGS
from resolvers import values
from resolvers.inputs import DeliveryMode, Level
from resolvers.schema.write_inputs.input_fields import (
    SHORT,
    VERY_LONG,
    IdempotentInput,
    not_null,
    optional,
    required,
)


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount_minor: int = required(
        values.whole(0, 2_000_000_000),
        "The amount in the currency's minor unit, from 0 to 2,000,000,000. For example, 129900 is ₹1,299.00"
        " in INR.",
    )
    currency: str = required(values.currency, "The currency, as an ISO 4217 code.")


@strawberry.input
class _CourseFields(IdempotentInput):
    summary: str | None = optional(
        values.or_none(values.text(500)),
        "Summary of the course in a sentence or two, as plain text; at most 500 characters.",
    )
    description: str | None = optional(
        values.or_none(values.text(VERY_LONG)),
        "Full description of the course, in Markdown; at most 20,000 characters.",
    )
    category_id: ID | None = optional(values.global_id("Category"), "Global ID of the category.")
    level: Level | None = optional(values.choice, "Prior knowledge that the course requires.")
    delivery_modes: list[DeliveryMode] | None = not_null(
        values.each(values.choice, MOST_DELIVERY_MODES),
        "How the course is delivered. A blended course has both modes.",
    )
    duration_days: int | None = optional(
        values.whole(1, 3_650), "Length of the course in days, from 1 to 3,650."
    )
    language: str | None = optional(
        values.or_none(values.language), "Language of instruction, as a BCP 47 tag."
    )
    codes: list[str] | None = not_null(
        values.each(values.line(40), MOST_CODES),
        "Catalogue codes of the course: at most 20, each with at most 40 characters.",
    )
    tags: list[str] | None = not_null(
        values.each(values.line(40), MOST_TAGS),
        "Keywords for the course: at most 20, each with at most 40 characters.",
    )
    price: MoneyInput | None = optional(values.unchanged, "Price of the course.")
    instructor_ids: list[ID] | None = not_null(
        values.each(values.global_id("Instructor"), MOST_INSTRUCTORS),
        "Global IDs of the instructors, at most 20. A viewer who is not staff is always included, even if"
        " their ID is not listed.",
    )


@strawberry.input(description="A new course, which is created as a draft.")
class CreateCourseInput(_CourseFields):
    title: str = required(values.line(SHORT), "Title of the course, as plain text; at most 200 characters.")
    slug: str | None = not_null(
        values.slug,
        "Name of the course in URLs, unique among courses: lower-case letters and digits, with single hyphens"
        " between words; at most 80 characters. If it is omitted, it is generated from the title.",
    )


@strawberry.input(
    description="Changes to a course. Omitted fields keep their values; null removes the value of an optional"
    " field."
)
class UpdateCourseInput(_CourseFields):
    course_id: ID = required(values.global_id("Course"), "Global ID of the course.")
    title: str | None = not_null(
        values.line(SHORT), "Title of the course, as plain text; at most 200 characters."
    )
    slug: str | None = not_null(
        values.slug,
        "Name of the course in URLs, unique among courses: lower-case letters and digits, with single hyphens"
        " between words; at most 80 characters.",
    )


@strawberry.input(description="The course to publish in the catalogue.")
class PublishCourseInput(IdempotentInput):
    course_id: ID = required(values.global_id("Course"), "Global ID of the draft or archived course.")


@strawberry.input(description="The course to remove from the catalogue.")
class ArchiveCourseInput(IdempotentInput):
    course_id: ID = required(values.global_id("Course"), "Global ID of the course.")


@strawberry.input(description="The course to delete.")
class DeleteCourseInput(IdempotentInput):
    course_id: ID = required(
        values.global_id("Course"),
        "Global ID of the course: a draft without enrolments and reviews, and with at most 100 runs.",
    )


@strawberry.input
class _RunFields(IdempotentInput):
    ends_at: datetime | None = optional(values.moment, "When the run ends; must be after the start.")
    location: str | None = optional(
        values.or_none(values.line(SHORT)), "Venue of an on-site run, as plain text; at most 200 characters."
    )
    seats: int | None = optional(
        values.whole(1, 100_000), "Number of seats, from 1 to 100,000; null means unlimited."
    )


@strawberry.input(description="A new run of a course.")
class CreateCourseRunInput(_RunFields):
    course_id: ID = required(
        values.global_id("Course"), "Global ID of the course, which must not be archived."
    )
    starts_at: datetime = required(values.moment, "When the run starts.")
    delivery_mode: DeliveryMode = required(values.choice, "How the run is delivered.")


@strawberry.input(
    description="Changes to a run. Omitted fields keep their values; null removes the value of an optional"
    " field."
)
class UpdateCourseRunInput(_RunFields):
    run_id: ID = required(values.global_id("CourseRun"), "Global ID of the run.")
    starts_at: datetime | None = not_null(values.moment, "When the run starts.")
    delivery_mode: DeliveryMode | None = not_null(values.choice, "How the run is delivered.")


@strawberry.input(description="The run to cancel.")
class CancelCourseRunInput(IdempotentInput):
    run_id: ID = required(values.global_id("CourseRun"), "Global ID of the run, which must not have ended.")
