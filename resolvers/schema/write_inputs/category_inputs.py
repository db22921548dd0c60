"""Inputs of the mutations about categories."""

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

_FURTHEST = 1_000_000  # the highest position, and the lowest below 0


@strawberry.input
class _CategoryFields(IdempotentInput):
    slug: str | None = not_null(
        values.slug,
        "Name of the category in URLs, unique among categories: lower-case letters and digits, with single"
        " hyphens between words; at most 80 characters. If it is omitted for a new category, it is generated"
        " from the name. A former slug still leads to the category.",
    )
    description: str | None = optional(
        values.or_none(values.text(LONG)),
        "Description of the category, as plain text; at most 2,000 characters.",
    )
    image_url: str | None = optional(
        values.or_none(values.https_url),
        "URL of a picture, which must start with `https://`; at most 500 characters.",
    )
    position: int | None = not_null(
        values.whole(-_FURTHEST, _FURTHEST),
        "Position of the category in the list of categories, lowest first; from -1,000,000 to 1,000,000. The"
        " default for a new category is 0. Categories with the same position are ordered by name.",
    )


@strawberry.input(description="A new category.")
class CreateCategoryInput(_CategoryFields):
    name: str = required(
        values.line(SHORT), "Display name of the category, as plain text; at most 200 characters."
    )


@strawberry.input(
    description="Changes to a category. Omitted fields keep their values; null removes the value of an"
    " optional field."
)
class UpdateCategoryInput(_CategoryFields):
    category_id: ID = required(values.global_id("Category"), "Global ID of the category.")
    name: str | None = not_null(
        values.line(SHORT), "Display name of the category, as plain text; at most 200 characters."
    )


@strawberry.input(description="The categories to merge.")
class MergeCategoriesInput(IdempotentInput):
    from_category_id: ID = required(
        values.global_id("Category"),
        "Global ID of the category to merge. Its courses are moved, and it is deleted.",
    )
    into_category_id: ID = required(
        values.global_id("Category"), "Global ID of the category to which the courses are moved."
    )


@strawberry.input(description="The category to delete.")
class DeleteCategoryInput(IdempotentInput):
    category_id: ID = required(
        values.global_id("Category"), "Global ID of the category, which must not have any courses."
    )
