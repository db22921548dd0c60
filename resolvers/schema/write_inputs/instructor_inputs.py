"""Inputs of the mutations about instructors."""

import strawberry
from strawberry import ID

from resolvers import values
from resolvers.schema.write_inputs.input_fields import (
    LONG,
    SHORT,
    IdempotentInput,
    not_null,
    optional,
    required,
)


@strawberry.input
class _InstructorFields(IdempotentInput):
    slug: str | None = not_null(
        values.slug,
        "Name of the instructor in URLs, unique among instructors: lower-case letters and digits, with single"
        " hyphens between words; at most 80 characters. If it is omitted for a new instructor, it is"
        " generated from the name. A former slug still leads to the instructor.",
    )
    headline: str | None = optional(
        values.or_none(values.line(SHORT)),
        "One-line description of the instructor, as plain text; at most 200 characters.",
    )
    bio: str | None = optional(
        values.or_none(values.text(LONG)),
        "Description of the instructor, as plain text; at most 2,000 characters.",
    )
    avatar_url: str | None = optional(
        values.or_none(values.https_url),
        "URL of a picture, which must start with `https://`; at most 500 characters.",
    )


@strawberry.input(description="A new instructor.")
class CreateInstructorInput(_InstructorFields):
    name: str = required(values.line(SHORT), "Name of the instructor, as plain text; at most 200 characters.")


@strawberry.input(
    description="Changes to an instructor. Omitted fields keep their values; null removes the value of an"
    " optional field."
)
class UpdateInstructorInput(_InstructorFields):
    instructor_id: ID = required(values.global_id("Instructor"), "Global ID of the instructor.")
    name: str | None = not_null(
        values.line(SHORT), "Name of the instructor, as plain text; at most 200 characters."
    )
