"""Inputs of the mutations about other people's accounts."""

import strawberry
from strawberry import ID

from loaders.model import MOST_ROLES
from resolvers import values
from resolvers.inputs import AccountStatus, Role
from resolvers.schema.write_inputs.input_fields import (
    IdempotentInput,
    not_null,
    optional,
    required,
)


@strawberry.input(description="Changes to an account. Omitted fields keep their values.")
class UpdateAccountInput(IdempotentInput):
    account_id: ID = required(values.global_id("Account"), "Global ID of the account.")
    roles: list[Role] | None = not_null(
        values.each(values.choice, MOST_ROLES),
        "All roles that the account will have. A student or instructor is created for a role that needs one.",
    )
    status: AccountStatus | None = not_null(values.choice, "Whether the account can be used.")


@strawberry.input(description="A student or an instructor: exactly one of the two.", one_of=True)
class PersonInput:
    student_id: ID | None = optional(values.global_id("Student"), "Global ID of the student.")
    instructor_id: ID | None = optional(values.global_id("Instructor"), "Global ID of the instructor.")


@strawberry.input(description="The account, and the student or instructor to link it to.")
class LinkAccountInput(IdempotentInput):
    account_id: ID = required(values.global_id("Account"), "Global ID of the account.")
    person: PersonInput = required(
        values.unchanged, "The student or instructor, who must not have an account yet."
    )


@strawberry.input(description="The student to erase.")
class EraseStudentInput(IdempotentInput):
    student_id: ID = required(values.global_id("Student"), "Global ID of the student.")


@strawberry.input(description="The viewer's password, which confirms the deletion of their account.")
class DeleteAccountInput(IdempotentInput):
    password: str = required(values.compared(500), "The viewer's current password.")
