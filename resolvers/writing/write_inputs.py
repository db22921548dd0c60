"""The inputs of writes: declarations, with what each value must be."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, UNSET

from loaders.model import MOST_CODES, MOST_DELIVERY_MODES, MOST_INSTRUCTORS, MOST_TAGS
from resolvers.inputs import DeliveryMode, Level, ReviewStatus
from resolvers.writing import checks
from resolvers.writing.checks import Check

_SHORT, _LONG, _VERY_LONG = 200, 2_000, 20_000  # characters
_WORD, _TOKEN = 500, 2_000  # characters, more than those of what is compared with them
LONGEST_CLIENT_MUTATION_ID = 200  # characters


def required(check: Check, description: str) -> Any:
    """A value that must be given."""
    return strawberry.field(description=description, metadata={"check": check})


def optional(check: Check, description: str) -> Any:
    """A value that may be left out; null takes away what is there."""
    return strawberry.field(default=UNSET, description=description, metadata={"check": check})


def kept(check: Check, description: str) -> Any:
    """A value that may be left out, but not be taken away."""
    return strawberry.field(default=UNSET, description=description, metadata={"check": check, "kept": True})


@strawberry.input
class Written:
    client_mutation_id: str | None = optional(
        checks.at_most(LONGEST_CLIENT_MUTATION_ID), "Returned as it is."
    )


@strawberry.input
class Retried(Written):
    idempotency_key: str | None = optional(
        checks.key,
        "A UUID, say: sent again with the same key within 24 hours, the write is not done again, and the "
        "first answer is given.",
    )


# -- sessions -------------------------------------------------------------------------------------------


@strawberry.input(description="A new student.")
class SignUpInput(Retried):
    name: str = required(checks.line(_SHORT), "Their name, as others see it.")
    email: str = required(checks.email, "Their e-mail address: what they sign in with.")
    password: str = required(checks.password, "10 to 200 characters.")
    country: str | None = optional(
        checks.or_none(checks.country), "Where they live, as an ISO 3166-1 alpha-2 code."
    )


@strawberry.input(description="Who wants in.")
class SignInInput(Written):
    email: str = required(checks.compared(_WORD), "The e-mail address.")
    password: str = required(checks.compared(_WORD), "The password.")


@strawberry.input(description="A session to go on with.")
class RefreshSessionInput(Retried):
    refresh_token: str = required(checks.compared(_TOKEN), "The latest one. It is good once.")


@strawberry.input(description="A session to end.")
class SignOutInput(Written):
    refresh_token: str | None = optional(
        checks.compared(_TOKEN), "The session's latest one; left out: the session of the access token."
    )


@strawberry.input(description="Another password.")
class ChangePasswordInput(Written):
    current_password: str = required(checks.compared(_WORD), "The one until now.")
    new_password: str = required(checks.password, "10 to 200 characters.")


@strawberry.input(description="A password for who has lost theirs.")
class ResetPasswordInput(Written):
    token: str = required(checks.compared(_TOKEN), "What the reset link has.")
    new_password: str = required(checks.password, "10 to 200 characters.")


@strawberry.input(description="What the viewer says of themselves.")
class UpdateProfileInput(Retried):
    name: str | None = kept(checks.line(_SHORT), "Their name.")
    country: str | None = optional(
        checks.or_none(checks.country), "Where they live, as an ISO 3166-1 alpha-2 code."
    )
    bio: str | None = optional(checks.or_none(checks.text(_LONG)), "A few words of themselves.")
    avatar_url: str | None = optional(checks.or_none(checks.url), "Their picture.")


# -- courses --------------------------------------------------------------------------------------------


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount_minor: int = required(
        checks.whole(0, 2_000_000_000), "The amount in the currency's minor unit: 129900 is 1,299.00."
    )
    currency: str = required(checks.currency, "The currency, as an ISO 4217 code.")


@strawberry.input
class _CourseFields(Retried):
    summary: str | None = optional(
        checks.or_none(checks.text(500)), "What it is about, in a sentence or two."
    )
    description: str | None = optional(
        checks.or_none(checks.text(_VERY_LONG)), "What it is about at length, in Markdown."
    )
    category_id: ID | None = optional(checks.global_id("Category"), "The category it is in.")
    level: Level | None = optional(checks.choice, "How much it asks for beforehand.")
    delivery_modes: list[DeliveryMode] | None = kept(
        checks.each(checks.choice, MOST_DELIVERY_MODES), "Where it takes place."
    )
    duration_days: int | None = optional(checks.whole(1, 3_650), "Its length in days.")
    language: str | None = optional(
        checks.or_none(checks.language), "The language it is taught in, as a BCP 47 tag."
    )
    codes: list[str] | None = kept(checks.each(checks.line(40), MOST_CODES), "Its catalogue codes.")
    tags: list[str] | None = kept(checks.each(checks.line(40), MOST_TAGS), "Keywords.")
    price: MoneyInput | None = optional(checks.as_it_is, "What it costs.")
    instructor_ids: list[ID] | None = kept(
        checks.each(checks.global_id("Instructor"), MOST_INSTRUCTORS),
        "Who teaches it. An instructor stays among them.",
    )


@strawberry.input(description="A new course, as a draft.")
class CreateCourseInput(_CourseFields):
    title: str = required(checks.line(_SHORT), "Its title.")
    slug: str | None = kept(checks.slug, "Its name in URLs, unique; left out: made from the title.")


@strawberry.input(description="What changes about a course; what is left out stays.")
class UpdateCourseInput(_CourseFields):
    course_id: ID = required(checks.global_id("Course"), "The course.")
    title: str | None = kept(checks.line(_SHORT), "Its title.")
    slug: str | None = kept(checks.slug, "Its name in URLs, unique.")


@strawberry.input(description="A course for the catalogue.")
class PublishCourseInput(Retried):
    course_id: ID = required(checks.global_id("Course"), "The course: a draft, or an archived one.")


@strawberry.input(description="A course that is no longer offered.")
class ArchiveCourseInput(Retried):
    course_id: ID = required(checks.global_id("Course"), "The course.")


@strawberry.input
class _RunFields(Retried):
    ends_at: datetime | None = optional(checks.moment, "When it ends.")
    location: str | None = optional(checks.or_none(checks.line(_SHORT)), "The place, when it is on site.")
    seats: int | None = optional(checks.whole(1, 100_000), "How many can take part; null: no limit.")


@strawberry.input(description="A new run of a course.")
class CreateCourseRunInput(_RunFields):
    course_id: ID = required(checks.global_id("Course"), "What is held.")
    starts_at: datetime = required(checks.moment, "When it starts.")
    delivery_mode: DeliveryMode = required(checks.choice, "Where it takes place.")


@strawberry.input(description="What changes about a run; what is left out stays.")
class UpdateCourseRunInput(_RunFields):
    run_id: ID = required(checks.global_id("CourseRun"), "The run.")
    starts_at: datetime | None = kept(checks.moment, "When it starts.")
    delivery_mode: DeliveryMode | None = kept(checks.choice, "Where it takes place.")


# -- taking part ----------------------------------------------------------------------------------------


@strawberry.input(description="A place in a course.")
class EnrollInput(Retried):
    course_id: ID = required(checks.global_id("Course"), "The course.")
    run_id: ID | None = optional(checks.global_id("CourseRun"), "The run; left out: at one's own pace.")
    join_waitlist: bool | None = strawberry.field(
        default=False,
        description="Whether to wait for a seat where there is none.",
        metadata={"check": checks.as_it_is},
    )


@strawberry.input(description="A place to give up.")
class CancelEnrollmentInput(Retried):
    enrollment_id: ID = required(checks.global_id("Enrollment"), "The enrolment.")


@strawberry.input(description="How far a student has come.")
class UpdateProgressInput(Retried):
    enrollment_id: ID = required(checks.global_id("Enrollment"), "The enrolment.")
    progress: float = required(checks.number(0, 1), "How much is done, from 0 to 1; 1 completes the course.")


@strawberry.input(description="A course to remember, or no longer.")
class WishlistInput(Retried):
    course_id: ID = required(checks.global_id("Course"), "The course.")


# -- reviews --------------------------------------------------------------------------------------------


@strawberry.input
class _ReviewFields(Retried):
    title: str | None = optional(checks.or_none(checks.line(_SHORT)), "Its title.")
    difficulty: int | None = optional(checks.whole(1, 5), "How hard the course is, from 1 to 5.")
    workload_hours: float | None = optional(
        checks.number(0, 168), "How much work the course is, in hours a week."
    )
    term: str | None = optional(checks.or_none(checks.term), 'When the course was taken: "2014-3".')


@strawberry.input(description="What a student says of a course.")
class CreateReviewInput(_ReviewFields):
    course_id: ID = required(checks.global_id("Course"), "The course.")
    rating: int = required(checks.whole(1, 5), "Stars, from 1 to 5.")
    body: str = required(checks.text(_VERY_LONG), "Its text.")


@strawberry.input(description="What changes about a review; what is left out stays.")
class UpdateReviewInput(_ReviewFields):
    review_id: ID = required(checks.global_id("Review"), "The review.")
    rating: int | None = kept(checks.whole(1, 5), "Stars, from 1 to 5.")
    body: str | None = kept(checks.text(_VERY_LONG), "Its text.")


@strawberry.input(description="A review to take back.")
class DeleteReviewInput(Retried):
    review_id: ID = required(checks.global_id("Review"), "The review.")


@strawberry.input(description="Whether a review helped.")
class MarkReviewHelpfulInput(Retried):
    review_id: ID = required(checks.global_id("Review"), "The review.")
    helpful: bool = strawberry.field(
        default=True,
        description="False takes it back.",
        metadata={"check": checks.as_it_is},
    )


@strawberry.input(description="An instructor's answer to a review.")
class ReplyToReviewInput(Retried):
    review_id: ID = required(checks.global_id("Review"), "The review.")
    body: str = required(checks.text(_LONG), "The text; it takes the place of an earlier one.")


@strawberry.input(description="What becomes of a review.")
class ModerateReviewInput(Retried):
    review_id: ID = required(checks.global_id("Review"), "The review.")
    status: ReviewStatus = required(checks.choice, "What becomes of it.")
