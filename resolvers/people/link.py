"""The mutation that links an account to a student or instructor."""

from loaders.model import InstructorDoc, StudentDoc
from loaders.mongo import Transaction
from loaders.people import LinkError, link_instructor, link_student, merge_step
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.people.account import account_of, without_secrets
from resolvers.writing import InputValues, Objects


async def link_account(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    account = await account_of(tx, values["accountId"])
    ((field, person_id),) = values["person"].items()
    try:
        if field == "studentId":
            student: StudentDoc | None = await tx.get("students", person_id)
            if student is None:
                raise _not_found("student", field)
            account = await link_student(tx, account, student)
        else:
            instructor: InstructorDoc | None = await tx.get("instructors", person_id)
            if instructor is None:
                raise _not_found("instructor", field)
            account = await link_instructor(tx, account, instructor)
    except LinkError as error:
        raise refusal("CONFLICT", str(error), "person", field) from None
    return {"account": without_secrets(account)}


async def finish_link(_: Context, tx: Transaction, objects: Objects) -> Objects | None:
    """Does the next part of moving what belongs to a student who is merged into the account's own."""
    student_id = objects["account"]["studentId"]
    return {} if student_id and await merge_step(tx, student_id) else None


def _not_found(noun: str, field: str) -> RefusedError:
    return refusal("NOT_FOUND", f"There is no {noun} with this ID.", "person", field)
