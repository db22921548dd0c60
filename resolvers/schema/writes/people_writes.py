"""The mutations about other people's accounts, and their payloads."""

import strawberry

import resolvers.people
import resolvers.signing_in
from resolvers import fields
from resolvers.schema import weights, write_inputs
from resolvers.schema.account_types import Account
from resolvers.schema.types import Student
from resolvers.schema.writes.payloads import MESSAGES, Payload
from resolvers.writing import mutation, write


@strawberry.type(description="Result of `updateAccount`.")
class UpdateAccountPayload(Payload):
    account: Account | None = fields.plain("The updated account; null if the mutation was refused.")


@strawberry.type(description="Result of `linkAccount`.")
class LinkAccountPayload(Payload):
    account: Account | None = fields.plain("The linked account; null if the mutation was refused.")


@strawberry.type(description="Result of `eraseStudent`.")
class EraseStudentPayload(Payload):
    student: Student | None = fields.plain(
        "The erased student, with an ID but no profile; null if the mutation was refused."
    )


@strawberry.type(description="Result of `deleteAccount`.")
class DeleteAccountPayload(Payload):
    pass


@strawberry.type
class PeopleWrites:
    update_account: UpdateAccountPayload = write(
        resolvers.people.update_account,
        write_inputs.UpdateAccountInput,
        commands=18,
        rare_commands=MESSAGES,  # the message to the owner of a deactivated account
        description="Changes the roles and the status of an account. If a role is removed or the account is"
        " deactivated, its sessions end. The last active account with the role STAFF can't lose the role and"
        " can't be deactivated.",
    )
    link_account: LinkAccountPayload = write(
        resolvers.people.link_account,
        write_inputs.LinkAccountInput,
        follow_up=resolvers.people.finish_link,
        commands=11,
        description="Links an account to a student or instructor, such as an imported one. The account gets"
        " the role STUDENT or INSTRUCTOR. If the account already has a student, the other student is merged"
        " into that student.",
    )
    erase_student: EraseStudentPayload = write(
        resolvers.people.erase_student,
        write_inputs.EraseStudentInput,
        follow_up=resolvers.people.finish_erasure,
        has_to_finish=True,
        commands=34,
        rare_commands=1,  # the message to the owner of the account
        description="Erases a student and their account: the profile, the texts of reviews, messages, and the"
        " student's values in the audit log. Places in runs that haven't begun are cancelled. Ratings and all"
        " other enrolments stay, without the person's data. This can't be undone.",
    )
    delete_account: DeleteAccountPayload = mutation(
        resolvers.signing_in.delete_account,
        write_inputs.DeleteAccountInput,
        commands=34,
        rare_commands=10,  # while attempts are counted, and the message
        weight=weights.PASSWORD,
        description="Deletes the viewer's account, and erases the person as `eraseStudent` does."
        " But their reviews stay unchanged, without their name."
        " The last active account with the role STAFF can't be deleted.",
    )
