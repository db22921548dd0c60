"""The mutations about instructors, and their payloads."""

import strawberry

import resolvers.instructor
from resolvers import fields
from resolvers.schema import write_inputs
from resolvers.schema.types import Instructor
from resolvers.schema.writes.payloads import Payload
from resolvers.writing import write


@strawberry.type(description="Result of `createInstructor`.")
class CreateInstructorPayload(Payload):
    instructor: Instructor | None = fields.plain("The new instructor; null if the mutation was refused.")


@strawberry.type(description="Result of `updateInstructor`.")
class UpdateInstructorPayload(Payload):
    instructor: Instructor | None = fields.plain("The updated instructor; null if the mutation was refused.")


@strawberry.type
class InstructorWrites:
    create_instructor: CreateInstructorPayload = write(
        resolvers.instructor.create_instructor,
        write_inputs.CreateInstructorInput,
        commands=7,
        description="Creates an instructor.",
    )
    update_instructor: UpdateInstructorPayload = write(
        resolvers.instructor.update_instructor,
        write_inputs.UpdateInstructorInput,
        commands=8,
        description="Changes the profile of an instructor. Instructors can change their own.",
    )
