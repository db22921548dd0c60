"""Links an account to the student or instructor whom an import has brought."""

from loaders.accounts import by_instructor, by_student, change, end_sessions, ordered
from loaders.model import AccountDoc, InstructorDoc, StudentDoc
from loaders.mongo import Transaction
from loaders.people.merging import begin_merge


class LinkError(Exception):
    """The account can't be linked to the person; the message says why."""


def why_gone(student: StudentDoc) -> str | None:
    """Returns why a student can get neither an account nor an enrolment, as a predicate; None if they can."""
    if student.get("mergedInto"):
        return "is being merged into another student"
    return "has been erased" if student.get("erasedAt") else None


async def link_student(tx: Transaction, account: AccountDoc, student: StudentDoc) -> AccountDoc:
    """Makes a student the account's own. The account gets the role STUDENT.

    If the account has a student already, the other one is merged into that one; the merge is only begun (see
    merging).

    Raises LinkError if the student has another account, is being merged or was erased, or if both students
    were imported: the next import would need both.
    """
    if account["studentId"] == student["_id"]:
        return account
    if other := await by_student(tx, student["_id"]):
        raise LinkError(f"{student['name']} already has an account: {other['email']}.")
    if why := why_gone(student):
        raise LinkError(f"{student['name']} {why}.")
    own: StudentDoc | None = await tx.get("students", account["studentId"]) if account["studentId"] else None
    if own and own.get("externalId") and student.get("externalId"):
        raise LinkError(
            "The account already has a student who was imported or signed in through an external issuer, and"
            " two such students can't be merged."
        )
    if own:
        await begin_merge(tx, own, student)
    else:  # so that nobody merges the student into another one at the same time
        await tx.hold("students", student["_id"])
    stays = own or student
    return await change(tx, account, studentId=stays["_id"], roles=ordered([*account["roles"], "STUDENT"]))


async def link_instructor(tx: Transaction, account: AccountDoc, instructor: InstructorDoc) -> AccountDoc:
    """Makes an instructor the account's own. The account gets the role INSTRUCTOR.

    If it had another instructor, its sessions end, because their access tokens contain that one.

    Raises LinkError if the instructor has another account, or if the account's present instructor teaches a
    course.
    """
    former = account["instructorId"]
    if former == instructor["_id"]:
        return account
    if other := await by_instructor(tx, instructor["_id"]):
        raise LinkError(f"{instructor['name']} already has an account: {other['email']}.")
    if former and await tx.find_one("courses", {"instructorIds": former}, projection={"_id": 1}):
        raise LinkError(
            "The account already has an instructor of its own, who teaches courses: make those courses"
            f" {instructor['name']}'s first."
        )
    roles = ordered([*account["roles"], "INSTRUCTOR"])
    changed = await change(tx, account, instructorId=instructor["_id"], roles=roles)
    if former:
        await end_sessions(tx, account["_id"])
    return changed
