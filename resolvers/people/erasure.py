"""The mutation with which staff erase a student."""

import loaders.accounts
import loaders.people
from loaders.mongo import Transaction
from loaders.people import erasure_step
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.writing import InputValues, Objects, existing_student


async def erase_student(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    student = await existing_student(tx, values["studentId"])
    if student.get("mergedInto"):
        raise refusal("CONFLICT", "This student is being merged into another one.", "studentId")
    try:
        await loaders.people.erase_student(tx, student)
    except loaders.accounts.LastStaffError:
        message = "This is the last active account with the role STAFF: give the role to another one first."
        raise refusal("CONFLICT", message) from None
    return {"student": await existing_student(tx, student["_id"])}


async def finish_erasure(_: Context, tx: Transaction, objects: Objects) -> Objects | None:
    """Does the next part of an erasure. Returns None if nothing is left to do."""
    return {} if await erasure_step(tx, objects["student"]["_id"]) else None
