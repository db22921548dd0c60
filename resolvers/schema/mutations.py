"""Declarations of the schema's mutations and their payloads, without logic."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import enum_value

import resolvers.course
import resolvers.course_run
import resolvers.enrollment
import resolvers.review
import resolvers.signing_in
import resolvers.student
from resolvers import fields
from resolvers.schema import write_inputs
from resolvers.schema.types import Course, CourseRun, Enrollment, Review, Student, Viewer
from resolvers.writing import mutation, write

#: The weight of a password hash in the price of an operation (see resolvers.fields). It is high because
#: argon2id is slow by design.
_PASSWORD = 20_000

#: Additional commands of a sign-in, sign-up or reset while attempts are counted, or that ends other sessions.
_THROTTLED = 6

_MAX_ERRORS = 50  # more than the number of fields in any input, so that no error is left out of a payload


@strawberry.enum(description="Machine-readable reason why a mutation was refused.")
class ErrorCode(Enum):
    INVALID = enum_value("INVALID", description="A value is not valid.")
    NOT_FOUND = enum_value(
        "NOT_FOUND", description="No object has the given ID, or the viewer is not allowed to see it."
    )
    FORBIDDEN = enum_value("FORBIDDEN", description="The viewer is not allowed to do this.")
    UNAUTHENTICATED = enum_value("UNAUTHENTICATED", description="The viewer must sign in, or sign in again.")
    CONFLICT = enum_value("CONFLICT", description="The request conflicts with the current state of the data.")
    DUPLICATE = enum_value(
        "DUPLICATE",
        description="The object already exists, or a value that must be unique, such as a slug, is taken.",
    )
    SEATS_TAKEN = enum_value("SEATS_TAKEN", description="The run has no seats left.")
    NOT_ENROLLED = enum_value("NOT_ENROLLED", description="The mutation requires an enrolment in the course.")
    RATE_LIMITED = enum_value("RATE_LIMITED", description="There were too many attempts. Try again later.")
    EXPIRED = enum_value(
        "EXPIRED",
        description="It is too late: the run has already started, or the enrolment or reset link has"
        " expired.",
    )


@strawberry.type(description="A reason why a mutation was refused, in a form that can be shown to the user.")
class UserError:
    code: ErrorCode = fields.plain("Machine-readable reason for the error.")
    message: str = fields.plain("Explanation of the error for the user, in English.")
    path: list[str] = fields.listed(
        "path", 5, 'Path to the input field that caused the error, such as ["input", "rating"].'
    )
    retry_after: int | None = fields.plain(
        "Number of seconds to wait before trying again, if the code is `RATE_LIMITED`; otherwise null."
    )


@strawberry.type
class Payload:
    errors: list[UserError] = fields.listed(
        "errors",
        _MAX_ERRORS,
        "Reasons why the mutation was refused; empty if it succeeded.",
    )
    client_mutation_id: str | None = fields.plain("The `clientMutationId` from the input, unchanged.")


@strawberry.type(description="A session's tokens and the person who signed in.")
class SessionPayload(Payload):
    access_token: str | None = fields.plain(
        "Access token for the header `Authorization: Bearer …`; null if the mutation was refused."
    )
    refresh_token: str | None = fields.plain(
        "Single-use refresh token for `refreshSession`; null if the mutation was refused."
    )
    device_token: str | None = fields.plain(
        "Proof that this device has signed in to the account. Keep it after signing out, and send it with the"
        " next `signIn`, so that failed attempts of others can't keep this device from signing in; null if"
        " the mutation was refused."
    )
    expires_at: datetime | None = fields.plain(
        "When the access token expires; null if the mutation was refused."
    )
    viewer: Viewer | None = fields.plain("The person who signed in; null if the mutation was refused.")


@strawberry.type(description="Result of `signOut`.")
class SignOutPayload(Payload):
    pass


@strawberry.type(description="Result of `changePassword`.")
class ChangePasswordPayload(Payload):
    viewer: Viewer | None = fields.plain(
        "The person whose password was changed; null if the mutation was refused."
    )


@strawberry.type(description="Result of `updateProfile`.")
class UpdateProfilePayload(Payload):
    student: Student | None = fields.plain("The updated student; null if the mutation was refused.")


@strawberry.type
class CoursePayload(Payload):
    course: Course | None = fields.plain("The updated course; null if the mutation was refused.")


@strawberry.type(description="Result of `createCourse`.")
class CreateCoursePayload(CoursePayload):
    course: Course | None = fields.plain("The new course; null if the mutation was refused.")


@strawberry.type(description="Result of `updateCourse`.")
class UpdateCoursePayload(CoursePayload):
    pass


@strawberry.type(description="Result of `publishCourse`.")
class PublishCoursePayload(CoursePayload):
    pass


@strawberry.type(description="Result of `archiveCourse`.")
class ArchiveCoursePayload(CoursePayload):
    pass


@strawberry.type
class CourseRunPayload(Payload):
    course_run: CourseRun | None = fields.plain("The updated run; null if the mutation was refused.")


@strawberry.type(description="Result of `createCourseRun`.")
class CreateCourseRunPayload(CourseRunPayload):
    course_run: CourseRun | None = fields.plain("The new run; null if the mutation was refused.")


@strawberry.type(description="Result of `updateCourseRun`.")
class UpdateCourseRunPayload(CourseRunPayload):
    pass


@strawberry.type
class EnrollmentPayload(Payload):
    enrollment: Enrollment | None = fields.plain("The updated enrolment; null if the mutation was refused.")


@strawberry.type(description="Result of `enroll`.")
class EnrollPayload(EnrollmentPayload):
    enrollment: Enrollment | None = fields.plain("The new enrolment; null if the mutation was refused.")


@strawberry.type(description="Result of `cancelEnrollment`.")
class CancelEnrollmentPayload(EnrollmentPayload):
    pass


@strawberry.type(description="Result of `updateProgress`.")
class UpdateProgressPayload(EnrollmentPayload):
    pass


@strawberry.type(description="Result of `addToWishlist` and `removeFromWishlist`.")
class WishlistPayload(Payload):
    course: Course | None = fields.plain(
        "The course that was added or removed; null if the mutation was refused, or if the viewer can no"
        " longer see the course."
    )
    viewer: Viewer | None = fields.plain("The owner of the wishlist; null if the mutation was refused.")


@strawberry.type
class ReviewPayload(Payload):
    review: Review | None = fields.plain("The updated review; null if the mutation was refused.")
    course: Course | None = fields.plain(
        "The reviewed course, with its updated rating; null if the mutation was refused."
    )


@strawberry.type(description="Result of `createReview`.")
class CreateReviewPayload(ReviewPayload):
    review: Review | None = fields.plain("The new review; null if the mutation was refused.")


@strawberry.type(description="Result of `updateReview`.")
class UpdateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="Result of `deleteReview`.")
class DeleteReviewPayload(Payload):
    review: Review | None = fields.plain(
        "The review, as it was before it was deleted; null if the mutation was refused."
    )
    course: Course | None = fields.plain(
        "The reviewed course, with its updated rating; null if the mutation was refused."
    )


@strawberry.type(description="Result of `markReviewHelpful`.")
class MarkReviewHelpfulPayload(Payload):
    review: Review | None = fields.plain(
        "The review, with its updated `helpfulCount`; null if the mutation was refused."
    )


@strawberry.type(description="Result of `replyToReview`.")
class ReplyToReviewPayload(Payload):
    review: Review | None = fields.plain("The review, with the new reply; null if the mutation was refused.")


@strawberry.type(description="Result of `moderateReview`.")
class ModerateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="The root type for all mutations.")
class Mutation:
    sign_up: SessionPayload = mutation(
        resolvers.signing_in.sign_up,
        write_inputs.SignUpInput,
        commands=16,
        rare_commands=_THROTTLED,
        weight=_PASSWORD,
        description="Creates an account for a new student, and signs the student in.",
    )
    sign_in: SessionPayload = mutation(
        resolvers.signing_in.sign_in,
        write_inputs.SignInInput,
        commands=15,
        rare_commands=_THROTTLED,
        weight=_PASSWORD,
        description="Signs in with an e-mail address and a password, and starts a session.",
    )
    refresh_session: SessionPayload = mutation(
        resolvers.signing_in.refresh_session,
        write_inputs.RefreshSessionInput,
        commands=5,
        description="Exchanges a refresh token for new tokens of the same session. If a refresh token is"
        " used a second time, the session ends, unless the second use is a retry with the same idempotency"
        " key, or follows within 10 seconds, because several tabs of a browser may refresh at the same time.",
    )
    sign_out: SignOutPayload = mutation(
        resolvers.signing_in.sign_out,
        write_inputs.SignOutInput,
        commands=5,
        description="Ends a session. Ending a session that has already ended is not an error.",
    )
    change_password: ChangePasswordPayload = mutation(
        resolvers.signing_in.change_password,
        write_inputs.ChangePasswordInput,
        commands=11,
        rare_commands=_THROTTLED,
        weight=2 * _PASSWORD,
        description="Changes the viewer's password and ends their other sessions.",
    )
    reset_password: SessionPayload = mutation(
        resolvers.signing_in.reset_password,
        write_inputs.ResetPasswordInput,
        commands=13,
        rare_commands=_THROTTLED,
        weight=_PASSWORD,
        description="Sets a new password, using the token from a reset link. Ends all sessions of the"
        " account, and signs its owner in.",
    )
    update_profile: UpdateProfilePayload = write(
        resolvers.student.update_profile,
        write_inputs.UpdateProfileInput,
        commands=7,
        description="Changes the viewer's student profile.",
    )
    create_course: CreateCoursePayload = write(
        resolvers.course.create_course,
        write_inputs.CreateCourseInput,
        commands=9,
        description="Creates a course as a draft.",
    )
    update_course: UpdateCoursePayload = write(
        resolvers.course.update_course,
        write_inputs.UpdateCourseInput,
        commands=10,
        description="Changes a course. Omitted fields keep their values.",
    )
    publish_course: PublishCoursePayload = write(
        resolvers.course.publish_course,
        write_inputs.PublishCourseInput,
        follow_up=resolvers.course.fill_runs,
        commands=9,
        description="Publishes a course in the catalogue. The course must have a summary and a delivery"
        " mode.",
    )
    archive_course: ArchiveCoursePayload = write(
        resolvers.course.archive_course,
        write_inputs.ArchiveCourseInput,
        commands=7,
        description="Removes a course from the catalogue. Its runs, reviews and enrolments are kept.",
    )
    create_course_run: CreateCourseRunPayload = write(
        resolvers.course_run.create_course_run,
        write_inputs.CreateCourseRunInput,
        commands=9,
        description="Creates a run of a course.",
    )
    update_course_run: UpdateCourseRunPayload = write(
        resolvers.course_run.update_course_run,
        write_inputs.UpdateCourseRunInput,
        follow_up=resolvers.course_run.fill_run,
        commands=14,
        description="Changes a run. If seats are added, they go to the students on the waitlist.",
    )
    enroll: EnrollPayload = write(
        resolvers.enrollment.enroll,
        write_inputs.EnrollInput,
        commands=13,
        description="Enrols the viewer in a course, or adds them to the waitlist for a run.",
    )
    cancel_enrollment: CancelEnrollmentPayload = write(
        resolvers.enrollment.cancel_enrollment,
        write_inputs.CancelEnrollmentInput,
        commands=14,
        description="Cancels an enrolment. The freed seat goes to the student who has been on the waitlist"
        " longest.",
    )
    update_progress: UpdateProgressPayload = write(
        resolvers.enrollment.update_progress,
        write_inputs.UpdateProgressInput,
        commands=9,
        description="Sets a student's progress in a course. A progress of 1 completes the course.",
    )
    add_to_wishlist: WishlistPayload = write(
        resolvers.student.add_to_wishlist,
        write_inputs.WishlistInput,
        commands=8,
        description="Adds a course to the viewer's wishlist, which holds at most 200 courses.",
    )
    remove_from_wishlist: WishlistPayload = write(
        resolvers.student.remove_from_wishlist,
        write_inputs.WishlistInput,
        commands=8,
        description="Removes a course from the viewer's wishlist.",
    )
    create_review: CreateReviewPayload = write(
        resolvers.review.create_review,
        write_inputs.CreateReviewInput,
        commands=12,
        description="Creates the viewer's review of a course. A student can have only one review per course.",
    )
    update_review: UpdateReviewPayload = write(
        resolvers.review.update_review,
        write_inputs.UpdateReviewInput,
        commands=11,
        description="Changes one of the viewer's own reviews.",
    )
    delete_review: DeleteReviewPayload = write(
        resolvers.review.delete_review,
        write_inputs.DeleteReviewInput,
        follow_up=resolvers.review.delete_votes,
        commands=11,
        description="Deletes a review together with its rating and its votes.",
    )
    mark_review_helpful: MarkReviewHelpfulPayload = write(
        resolvers.review.mark_review_helpful,
        write_inputs.MarkReviewHelpfulInput,
        commands=10,
        description="Marks a review as helpful, or withdraws the mark. Authors can't mark their own reviews.",
    )
    reply_to_review: ReplyToReviewPayload = write(
        resolvers.review.reply_to_review,
        write_inputs.ReplyToReviewInput,
        commands=8,
        description="Replies to a review. A new reply replaces an earlier one.",
    )
    moderate_review: ModerateReviewPayload = write(
        resolvers.review.moderate_review,
        write_inputs.ModerateReviewInput,
        commands=11,
        description="Sets the moderation status of a review.",
    )
