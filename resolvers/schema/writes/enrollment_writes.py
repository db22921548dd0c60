"""The mutations about enrolments and the wishlist, and their payloads."""

import strawberry

import resolvers.enrollment
import resolvers.student
from resolvers import fields
from resolvers.schema import write_inputs
from resolvers.schema.people_types import Viewer
from resolvers.schema.types import Course, Enrollment
from resolvers.schema.writes.payloads import EVENTS, MESSAGES, Payload
from resolvers.writing import write


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


@strawberry.type(description="Result of `enrollStudent`.")
class EnrollStudentPayload(EnrollmentPayload):
    enrollment: Enrollment | None = fields.plain("The new enrolment; null if the mutation was refused.")


@strawberry.type(description="Result of `moveEnrollment`.")
class MoveEnrollmentPayload(EnrollmentPayload):
    pass


@strawberry.type(description="Result of `addToWishlist` and `removeFromWishlist`.")
class WishlistPayload(Payload):
    course: Course | None = fields.plain(
        "The course that was added or removed; null if the mutation was refused, or if the viewer can no"
        " longer see the course."
    )
    viewer: Viewer | None = fields.plain("The owner of the wishlist; null if the mutation was refused.")


@strawberry.type
class EnrollmentWrites:
    enroll: EnrollPayload = write(
        resolvers.enrollment.enroll,
        write_inputs.EnrollInput,
        commands=14,
        rare_commands=EVENTS + MESSAGES,
        description="Enrols the viewer in a course, or adds them to the waitlist for a run.",
    )
    cancel_enrollment: CancelEnrollmentPayload = write(
        resolvers.enrollment.cancel_enrollment,
        write_inputs.CancelEnrollmentInput,
        commands=14,
        rare_commands=EVENTS + MESSAGES,
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
    enroll_student: EnrollStudentPayload = write(
        resolvers.enrollment.enroll_student,
        write_inputs.EnrollStudentInput,
        commands=15,
        rare_commands=EVENTS + MESSAGES,
        description="Enrols a student in a course, or adds them to the waitlist for a run, by the same rules"
        " as `enroll`.",
    )
    move_enrollment: MoveEnrollmentPayload = write(
        resolvers.enrollment.move_enrollment,
        write_inputs.MoveEnrollmentInput,
        commands=17,
        rare_commands=EVENTS + MESSAGES,
        description="Moves an enrolment to another run of the same course, and keeps its progress. The freed"
        " seat goes to the student who has been on the waitlist longest.",
    )
