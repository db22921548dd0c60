"""Inputs of the mutations about enrolments and the wishlist."""

import strawberry
from strawberry import ID

from resolvers import values
from resolvers.fields import Declaration
from resolvers.schema.write_inputs.input_fields import IdempotentInput, optional, required


def _join_waitlist() -> Declaration:
    return strawberry.field(
        default=False,
        description="Whether to join the waitlist if the run has no free seats.",
        metadata={"check": values.unchanged},
    )


@strawberry.input(description="The course, and optionally the run, to enrol in.")
class EnrollInput(IdempotentInput):
    course_id: ID = required(values.global_id("Course"), "Global ID of the course.")
    run_id: ID | None = optional(
        values.global_id("CourseRun"),
        "Global ID of an upcoming run of the course. If it is omitted or null, the student takes the course"
        " at their own pace.",
    )
    join_waitlist: bool | None = _join_waitlist()


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


@strawberry.input(description="The student to enrol, the course, and optionally the run.")
class EnrollStudentInput(EnrollInput):
    student_id: ID = required(values.global_id("Student"), "Global ID of the student.")


@strawberry.input(description="The enrolment to move, and the run to move it to.")
class MoveEnrollmentInput(IdempotentInput):
    enrollment_id: ID = required(
        values.global_id("Enrollment"), "Global ID of an active or waitlisted enrolment."
    )
    run_id: ID = required(values.global_id("CourseRun"), "Global ID of an upcoming run of the same course.")
    join_waitlist: bool | None = _join_waitlist()
