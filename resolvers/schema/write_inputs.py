"""Declarations of the input types of mutations, with a check for each input value."""

from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from loaders.model import MOST_CODES, MOST_DELIVERY_MODES, MOST_INSTRUCTORS, MOST_TAGS
from resolvers import values
from resolvers.fields import Declaration
from resolvers.inputs import DeliveryMode, Level, ReviewStatus
from resolvers.values import Check
from resolvers.writing import LONGEST_CLIENT_MUTATION_ID

#: Maximum lengths of strings, in characters.
_SHORT, _LONG, _VERY_LONG = 200, 2_000, 20_000
#: Credentials and tokens are truncated to these lengths, in characters. Every valid credential or token is
#: shorter, so a truncated one is never valid.
_WORD, _TOKEN = 500, 2_000


def required(check: Check, description: str) -> Declaration:
    """Declares a required input field. check: checks the value and converts it to the value to store."""
    return strawberry.field(description=description, metadata={"check": check})


def optional(check: Check, description: str) -> Declaration:
    """Declares an input field that can be omitted. If it is null, the stored value is removed."""
    return strawberry.field(default=UNSET, description=description, metadata={"check": check})


def not_null(check: Check, description: str) -> Declaration:
    """Declares an input field that can be omitted but can't be null, because it always has a stored value."""
    metadata = {"check": check, "not_null": True}
    return strawberry.field(default=UNSET, description=description, metadata=metadata)


@strawberry.input
class MutationInput:
    client_mutation_id: str | None = optional(
        values.at_most(LONGEST_CLIENT_MUTATION_ID),
        "Any string of at most 200 characters. The payload returns it unchanged.",
    )


@strawberry.input
class IdempotentInput(MutationInput):
    idempotency_key: str | None = optional(
        values.key,
        "Key that makes retries safe: any string of 1 to 200 characters, such as a UUID. If a mutation that"
        " succeeded is sent again with the same key and input within 24 hours, it isn't executed again, and"
        " the original response is returned.",
    )


# -- sessions -------------------------------------------------------------------------------------------


@strawberry.input(description="Account and profile of a new student.")
class SignUpInput(IdempotentInput):
    name: str = required(
        values.line(_SHORT), "Name of the student, as shown to others, in plain text; at most 200 characters."
    )
    email: str = required(values.email, "E-mail address with which the student signs in.")
    password: str = required(values.password, "Password, 10 to 200 characters.")
    country: str | None = optional(
        values.or_none(values.country),
        "Country in which the student lives, as an ISO 3166-1 alpha-2 code.",
    )


@strawberry.input(description="Credentials for signing in.")
class SignInInput(MutationInput):
    email: str = required(values.compared(_WORD), "E-mail address of the account; case-insensitive.")
    password: str = required(values.compared(_WORD), "Password of the account.")
    device_token: str | None = optional(
        values.compared(_TOKEN),
        "The `deviceToken` that this device got when it last signed in to the account.",
    )


@strawberry.input(description="Refresh token of the session to continue.")
class RefreshSessionInput(IdempotentInput):
    refresh_token: str = required(
        values.compared(_TOKEN), "The latest refresh token of the session. It can be used only once."
    )


@strawberry.input(description="The session to end.")
class SignOutInput(MutationInput):
    refresh_token: str | None = optional(
        values.compared(_TOKEN),
        "A refresh token of the session to end. If it is omitted, the session that the access token"
        " belongs to is ended.",
    )


@strawberry.input(description="The viewer's current password and the new one.")
class ChangePasswordInput(MutationInput):
    current_password: str = required(values.compared(_WORD), "The viewer's current password.")
    new_password: str = required(values.password, "New password, 10 to 200 characters.")


@strawberry.input(description="Token from a password reset link, and the new password.")
class ResetPasswordInput(MutationInput):
    token: str = required(values.compared(_TOKEN), "Token from the reset link. It can be used only once.")
    new_password: str = required(values.password, "New password, 10 to 200 characters.")


@strawberry.input(
    description="Changes to the viewer's profile. Omitted fields keep their values; null removes the value of"
    " an optional field."
)
class UpdateProfileInput(IdempotentInput):
    name: str | None = not_null(
        values.line(_SHORT), "Name of the student, as plain text; at most 200 characters."
    )
    country: str | None = optional(
        values.or_none(values.country),
        "Country in which the student lives, as an ISO 3166-1 alpha-2 code.",
    )
    bio: str | None = optional(
        values.or_none(values.text(_LONG)),
        "The student's description of themselves, as plain text; at most 2,000 characters.",
    )
    avatar_url: str | None = optional(
        values.or_none(values.url),
        "URL of the student's picture, starting with https:// or http://; at most 500 characters.",
    )


# -- courses --------------------------------------------------------------------------------------------


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
        values.or_none(values.text(_VERY_LONG)),
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
    title: str = required(values.line(_SHORT), "Title of the course, as plain text; at most 200 characters.")
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
        values.line(_SHORT), "Title of the course, as plain text; at most 200 characters."
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


@strawberry.input
class _RunFields(IdempotentInput):
    ends_at: datetime | None = optional(values.moment, "When the run ends; must be after the start.")
    location: str | None = optional(
        values.or_none(values.line(_SHORT)), "Venue of an on-site run, as plain text; at most 200 characters."
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


# -- enrolments and the wishlist ------------------------------------------------------------------------


@strawberry.input(description="The course, and optionally the run, to enrol in.")
class EnrollInput(IdempotentInput):
    course_id: ID = required(values.global_id("Course"), "Global ID of the course.")
    run_id: ID | None = optional(
        values.global_id("CourseRun"),
        "Global ID of an upcoming run of the course. If it is omitted or null, the student takes the course"
        " at their own pace.",
    )
    join_waitlist: bool | None = strawberry.field(
        default=False,
        description="Whether to join the waitlist if the run has no free seats.",
        metadata={"check": values.unchanged},
    )


@strawberry.input(description="The enrolment to cancel.")
class CancelEnrollmentInput(IdempotentInput):
    enrollment_id: ID = required(values.global_id("Enrollment"), "Global ID of the enrolment.")


@strawberry.input(description="A student's new progress in a course.")
class UpdateProgressInput(IdempotentInput):
    enrollment_id: ID = required(values.global_id("Enrollment"), "Global ID of the enrolment.")
    progress: float = required(
        values.number(0, 1),
        "Fraction of the course that the student has completed, from 0 to 1. A value of 1 completes the"
        " course.",
    )


@strawberry.input(description="The course to add to the wishlist or remove from it.")
class WishlistInput(IdempotentInput):
    course_id: ID = required(values.global_id("Course"), "Global ID of the course.")


# -- reviews --------------------------------------------------------------------------------------------


@strawberry.input
class _ReviewFields(IdempotentInput):
    title: str | None = optional(
        values.or_none(values.line(_SHORT)), "Title of the review, as plain text; at most 200 characters."
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
        values.text(_VERY_LONG), "Text of the review, as plain text; at most 20,000 characters."
    )


@strawberry.input(
    description="Changes to a review. Omitted fields keep their values; null removes the value of an optional"
    " field."
)
class UpdateReviewInput(_ReviewFields):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
    rating: int | None = not_null(values.whole(1, 5), "Number of stars, from 1 to 5.")
    body: str | None = not_null(
        values.text(_VERY_LONG), "Text of the review, as plain text; at most 20,000 characters."
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
        values.text(_LONG),
        "Text of the reply, as plain text; at most 2,000 characters. It replaces any earlier reply.",
    )


@strawberry.input(description="The review to moderate and its new status.")
class ModerateReviewInput(IdempotentInput):
    review_id: ID = required(values.global_id("Review"), "Global ID of the review.")
    status: ReviewStatus = required(values.choice, "New moderation status of the review.")
