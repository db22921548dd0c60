"""The schema's mutations and their payloads: declarations, no logic."""

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
from resolvers import fields, writing
from resolvers.types import Course, CourseRun, Enrollment, Review, Student, Viewer
from resolvers.writing import mutation, write

#: What a password takes in values (resolvers.fields): argon2id is slow on purpose.
_PASSWORD = 20_000


_ERRORS = 50  # more than any input has fields


@strawberry.enum(description="What kind of reason a write was refused for.")
class ErrorCode(Enum):
    INVALID = enum_value("INVALID", description="A value can't be used.")
    NOT_FOUND = enum_value("NOT_FOUND", description="An ID is of nothing that the viewer sees.")
    FORBIDDEN = enum_value("FORBIDDEN", description="The viewer may not do this.")
    UNAUTHENTICATED = enum_value("UNAUTHENTICATED", description="It takes a viewer who is signed in.")
    CONFLICT = enum_value("CONFLICT", description="It doesn't go together with what is there.")
    DUPLICATE = enum_value("DUPLICATE", description="It is there already.")
    SEATS_TAKEN = enum_value("SEATS_TAKEN", description="No seat is left.")
    NOT_ENROLLED = enum_value("NOT_ENROLLED", description="It takes a place in the course.")
    RATE_LIMITED = enum_value("RATE_LIMITED", description="It was tried too often.")
    EXPIRED = enum_value("EXPIRED", description="The time for it is over.")


@strawberry.type(description="Why a write was not done, for a form to show.")
class UserError:
    code: ErrorCode = fields.plain("What kind of reason it is.")
    message: str = fields.plain("The reason, for people.")
    path: list[str] = fields.listed("path", 5, 'The field that it is about: ["input", "rating"].')


@strawberry.type
class Payload:
    errors: list[UserError] = fields.listed("errors", _ERRORS, "Why it was not done; empty when it was.")
    client_mutation_id: str | None = fields.plain("What the input has, as it is.")


@strawberry.type(description="A session: its tokens, and who it is.")
class SessionPayload(Payload):
    access_token: str | None = fields.plain("For requests: `Authorization: Bearer …`.")
    refresh_token: str | None = fields.plain("For `refreshSession`, once.")
    expires_at: datetime | None = fields.plain("Until when the access token is good.")
    viewer: Viewer | None = fields.plain("Who signed in.")


@strawberry.type(description="A session has ended.")
class SignOutPayload(Payload):
    pass


@strawberry.type(description="A password was changed.")
class ChangePasswordPayload(Payload):
    viewer: Viewer | None = fields.plain("Whose it is.")


@strawberry.type(description="A profile was changed.")
class UpdateProfilePayload(Payload):
    student: Student | None = fields.plain("The student, as they are now.")


@strawberry.type
class CoursePayload(Payload):
    course: Course | None = fields.plain("The course, as it is now.")


@strawberry.type(description="A course was made.")
class CreateCoursePayload(CoursePayload):
    pass


@strawberry.type(description="A course was changed.")
class UpdateCoursePayload(CoursePayload):
    pass


@strawberry.type(description="A course was published.")
class PublishCoursePayload(CoursePayload):
    pass


@strawberry.type(description="A course was archived.")
class ArchiveCoursePayload(CoursePayload):
    pass


@strawberry.type
class CourseRunPayload(Payload):
    course_run: CourseRun | None = fields.plain("The run, as it is now.")


@strawberry.type(description="A run was made.")
class CreateCourseRunPayload(CourseRunPayload):
    pass


@strawberry.type(description="A run was changed.")
class UpdateCourseRunPayload(CourseRunPayload):
    pass


@strawberry.type
class EnrollmentPayload(Payload):
    enrollment: Enrollment | None = fields.plain("The enrolment, as it is now.")


@strawberry.type(description="A place was taken, in the course or on a waitlist.")
class EnrollPayload(EnrollmentPayload):
    pass


@strawberry.type(description="A place was given up.")
class CancelEnrollmentPayload(EnrollmentPayload):
    pass


@strawberry.type(description="Progress was made.")
class UpdateProgressPayload(EnrollmentPayload):
    pass


@strawberry.type(description="A wishlist was changed.")
class WishlistPayload(Payload):
    course: Course | None = fields.plain("The course.")
    viewer: Viewer | None = fields.plain("Whose wishlist it is.")


@strawberry.type
class ReviewPayload(Payload):
    review: Review | None = fields.plain("The review, as it is now.")
    course: Course | None = fields.plain("Its course, with the rating as it is now.")


@strawberry.type(description="A review was written.")
class CreateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="A review was changed.")
class UpdateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="A review is gone.")
class DeleteReviewPayload(Payload):
    review: Review | None = fields.plain("The review, as it was.")
    course: Course | None = fields.plain("Its course, with the rating as it is now.")


@strawberry.type(description="A vote was given or taken back.")
class MarkReviewHelpfulPayload(Payload):
    review: Review | None = fields.plain("The review, as it is now.")


@strawberry.type(description="A review was answered.")
class ReplyToReviewPayload(Payload):
    review: Review | None = fields.plain("The review, as it is now.")


@strawberry.type(description="A review was moderated.")
class ModerateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="Where every write starts.")
class Mutation:
    sign_up: SessionPayload = mutation(
        resolvers.signing_in.sign_up,
        writing.SignUpInput,
        commands=13,
        weight=_PASSWORD,
        description="Makes an account and its student, and signs in.",
    )
    sign_in: SessionPayload = mutation(
        resolvers.signing_in.sign_in,
        writing.SignInInput,
        commands=11,
        weight=_PASSWORD,
        description="Begins a session.",
    )
    refresh_session: SessionPayload = mutation(
        resolvers.signing_in.refresh_session,
        writing.RefreshSessionInput,
        commands=5,
        description="Goes on with a session: new tokens for a refresh token. One that is used twice ends it.",
    )
    sign_out: SignOutPayload = mutation(
        resolvers.signing_in.sign_out,
        writing.SignOutInput,
        commands=5,
        description="Ends a session.",
    )
    change_password: ChangePasswordPayload = mutation(
        resolvers.signing_in.change_password,
        writing.ChangePasswordInput,
        commands=15,
        weight=2 * _PASSWORD,
        description="Sets another password, and ends the other sessions.",
    )
    reset_password: SessionPayload = mutation(
        resolvers.signing_in.reset_password,
        writing.ResetPasswordInput,
        commands=6,
        weight=_PASSWORD,
        description="Sets a password with a reset link, ends all sessions and signs in.",
    )
    update_profile: UpdateProfilePayload = write(
        resolvers.student.update_profile,
        writing.UpdateProfileInput,
        commands=7,
        description="Changes what the viewer says of themselves.",
    )
    create_course: CreateCoursePayload = write(
        resolvers.course.create_course,
        writing.CreateCourseInput,
        commands=9,
        description="Makes a course, as a draft.",
    )
    update_course: UpdateCoursePayload = write(
        resolvers.course.update_course,
        writing.UpdateCourseInput,
        commands=10,
        description="Changes a course.",
    )
    publish_course: PublishCoursePayload = write(
        resolvers.course.publish_course,
        writing.PublishCourseInput,
        rest=resolvers.course.fill_runs,
        commands=9,
        description="Puts a course into the catalogue.",
    )
    archive_course: ArchiveCoursePayload = write(
        resolvers.course.archive_course,
        writing.ArchiveCourseInput,
        commands=7,
        description="Takes a course out of the catalogue; what happened there is kept.",
    )
    create_course_run: CreateCourseRunPayload = write(
        resolvers.course_run.create_course_run,
        writing.CreateCourseRunInput,
        commands=9,
        description="Makes a run of a course.",
    )
    update_course_run: UpdateCourseRunPayload = write(
        resolvers.course_run.update_course_run,
        writing.UpdateCourseRunInput,
        rest=resolvers.course_run.fill_run,
        commands=14,
        description="Changes a run; new seats go to those who wait.",
    )
    enroll: EnrollPayload = write(
        resolvers.enrollment.enroll,
        writing.EnrollInput,
        commands=13,
        description="Takes a place in a course, or on the waitlist of a run.",
    )
    cancel_enrollment: CancelEnrollmentPayload = write(
        resolvers.enrollment.cancel_enrollment,
        writing.CancelEnrollmentInput,
        commands=14,
        description="Gives a place up. The seat goes to who has waited longest.",
    )
    update_progress: UpdateProgressPayload = write(
        resolvers.enrollment.update_progress,
        writing.UpdateProgressInput,
        commands=9,
        description="Says how far a student has come.",
    )
    add_to_wishlist: WishlistPayload = write(
        resolvers.student.add_to_wishlist,
        writing.WishlistInput,
        commands=8,
        description="Remembers a course.",
    )
    remove_from_wishlist: WishlistPayload = write(
        resolvers.student.remove_from_wishlist,
        writing.WishlistInput,
        commands=8,
        description="No longer remembers a course.",
    )
    create_review: CreateReviewPayload = write(
        resolvers.review.create_review,
        writing.CreateReviewInput,
        commands=12,
        description="Writes a review: one for each student and course.",
    )
    update_review: UpdateReviewPayload = write(
        resolvers.review.update_review,
        writing.UpdateReviewInput,
        commands=11,
        description="Changes a review.",
    )
    delete_review: DeleteReviewPayload = write(
        resolvers.review.delete_review,
        writing.DeleteReviewInput,
        rest=resolvers.review.delete_votes,
        commands=11,
        description="Takes a review back, its rating and its votes with it.",
    )
    mark_review_helpful: MarkReviewHelpfulPayload = write(
        resolvers.review.mark_review_helpful,
        writing.MarkReviewHelpfulInput,
        commands=10,
        description="Says that a review helped, or takes that back.",
    )
    reply_to_review: ReplyToReviewPayload = write(
        resolvers.review.reply_to_review,
        writing.ReplyToReviewInput,
        commands=8,
        description="Answers a review.",
    )
    moderate_review: ModerateReviewPayload = write(
        resolvers.review.moderate_review,
        writing.ModerateReviewInput,
        commands=11,
        description="Decides what becomes of a review.",
    )
