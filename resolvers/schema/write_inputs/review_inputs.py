"""Inputs of the mutations about reviews."""

import strawberry
from strawberry import ID

from resolvers import values
from resolvers.inputs import ReviewStatus
from resolvers.schema.write_inputs.input_fields import (
    LONG,
    SHORT,
    VERY_LONG,
    IdempotentInput,
    not_null,
    optional,
    required,
)


@strawberry.input
class _ReviewFields(IdempotentInput):
    title: str | None = optional(
        values.or_none(values.line(SHORT)), "Title of the review, as plain text; at most 200 characters."
    )
    difficulty: int | None = optional(values.whole(1, 5), "How hard the course is, from 1 to 5.")
    workload_hours: float | None = optional(
        values.number(0, 168), "Workload of the course in hours per week, from 0 to 168."
    )
    term: str | None = optional(
        values.or_none(values.term),
        'Term in which the author took the course. For example, "2014-3" is the third term of 2014.',
    )


@strawberry.input(description="The viewer's new review of a course.")
class CreateReviewInput(_ReviewFields):
    course_id: ID = required(values.global_id("Course"), "Global ID of the course.")
    rating: int = required(values.whole(1, 5), "Number of stars, from 1 to 5.")
    body: str = required(
        values.text(VERY_LONG), "Text of the review, as plain text; at most 20,000 characters."
    )


@strawberry.input(
    description="Changes to a review. Omitted fields keep their values; null removes the value of an optional"
    " field."
)
class UpdateReviewInput(_ReviewFields):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
    rating: int | None = not_null(values.whole(1, 5), "Number of stars, from 1 to 5.")
    body: str | None = not_null(
        values.text(VERY_LONG), "Text of the review, as plain text; at most 20,000 characters."
    )


@strawberry.input(description="The review to delete.")
class DeleteReviewInput(IdempotentInput):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")


@strawberry.input(description="The review, and whether to mark it as helpful or to withdraw the mark.")
class MarkReviewHelpfulInput(IdempotentInput):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
    helpful: bool = strawberry.field(
        default=True,
        description="True to mark the review as helpful; false to withdraw the viewer's mark.",
        metadata={"check": values.unchanged},
    )


@strawberry.input(description="A reply to a review.")
class ReplyToReviewInput(IdempotentInput):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
    body: str = required(
        values.text(LONG),
        "Text of the reply, as plain text; at most 2,000 characters. It replaces any earlier reply.",
    )


@strawberry.input(description="The review to moderate and its new status.")
class ModerateReviewInput(IdempotentInput):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
    status: ReviewStatus = required(values.choice, "New moderation status of the review.")
    reason: str | None = optional(
        values.or_none(values.text(LONG)),
        "Reason for the status, as plain text; at most 2,000 characters. The author can read it. It replaces"
        " the reason of an earlier moderation. If it is omitted, the earlier reason is removed.",
    )


@strawberry.input(description="The review to flag.")
class FlagReviewInput(IdempotentInput):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
