"""Changes the roles of accounts, and creates the students and instructors that the roles require."""

from collections.abc import Collection
from typing import get_args

from bson import ObjectId
from pymongo.collation import Collation

from loaders import instructor, student
from loaders.accounts.account import change, end_sessions
from loaders.accounts.staff import require_other_staff
from loaders.model import ANONYMOUS_STUDENT, AccountDoc, InstructorDoc, Role
from loaders.mongo import Fields, Transaction

_IGNORES_CASE = Collation("en", strength=1)  # ignores accents too
#: The name of an instructor whose account has none. Everyone sees it, so it can't be the address.
ANONYMOUS_INSTRUCTOR = "Instructor"
_MOST_NAMESAKES = 100  # maximum number of instructors of the same name that are looked at


class NamesakeError(Exception):
    """An instructor of the same name has no account, so a second one is probably a mistake."""

    def __init__(self, instructor: InstructorDoc) -> None:
        super().__init__(instructor["name"])
        self.instructor = instructor


async def set_roles(
    tx: Transaction,
    account: AccountDoc,
    roles: Collection[Role],
    *,
    instructor_id: ObjectId | None = None,
    even_last_staff: bool = False,
    even_namesake: bool = False,
) -> AccountDoc:
    """Sets the roles of an account, and returns the changed account.

    instructor_id: the instructor whom the account will belong to; see `people`. The account's sessions end if
    a role is removed, or if the account is reassigned to another instructor, because their access tokens
    contain the old ones.

    Raises LastStaffError or NamesakeError, unless `even_last_staff` or `even_namesake` is set.
    """
    before, after = set(account["roles"]), set(roles)
    if "STAFF" in before - after and not even_last_staff:
        await require_other_staff(tx, account)
    ids = await people(tx, account, after - before, instructor_id, even_namesake=even_namesake)
    changed = await change(tx, account, roles=ordered(after), **ids)
    if before - after or account["instructorId"] not in (None, changed["instructorId"]):
        await end_sessions(tx, account["_id"])
    return changed


async def people(
    tx: Transaction,
    account: Fields,
    roles: Collection[Role],
    instructor_id: ObjectId | None,
    *,
    even_namesake: bool = False,
) -> dict[str, ObjectId]:
    """Creates the student and the instructor that an account needs for its roles, unless they exist already.

    Returns the new ids, keyed `studentId` and `instructorId`. If `instructor_id` is given, no instructor is
    created, and `instructor_id` is returned as `instructorId`.

    Raises NamesakeError, unless `even_namesake` is set, instead of creating an instructor whose name one
    without an account has.
    """
    ids: dict[str, ObjectId] = {}
    if "STUDENT" in roles and not account.get("studentId"):
        fields = {
            "name": await name_of(tx, account) or ANONYMOUS_STUDENT,
            "email": account["email"],
            "joinedAt": tx.now,
        }
        ids["studentId"] = (await student.insert(tx, fields))["_id"]
    if instructor_id:
        ids["instructorId"] = instructor_id
    elif "INSTRUCTOR" in roles and not account.get("instructorId"):
        name = await name_of(tx, account) or ANONYMOUS_INSTRUCTOR
        if not even_namesake:
            await _require_no_namesake(tx, name)
        ids["instructorId"] = (await instructor.insert(tx, {"name": name}))["_id"]
    return ids


async def name_of(tx: Transaction, account: Fields) -> str | None:
    """Returns the account's name or, failing that, that of its student or instructor; None without any."""
    if name := account.get("name"):
        return str(name)
    for collection, field in (("students", "studentId"), ("instructors", "instructorId")):
        if (own := account.get(field)) and (person := await tx.get(collection, own)):
            return str(person["name"])
    return None


def ordered(roles: Collection[Role]) -> list[Role]:
    return [role for role in get_args(Role) if role in roles]


async def _require_no_namesake(tx: Transaction, name: str) -> None:
    """Raises NamesakeError if an instructor of this name has no account. Case and accents are ignored."""
    same: list[InstructorDoc] = await tx.find(
        "instructors", {"name": name}, size=_MOST_NAMESAKES, limit=_MOST_NAMESAKES, collation=_IGNORES_CASE
    )
    if not same:
        return
    ids = [one["_id"] for one in same]
    claimed = await tx.find(
        "accounts", {"instructorId": {"$in": ids}}, size=len(ids), projection={"instructorId": 1}
    )
    taken = {account["instructorId"] for account in claimed}
    if namesake := next((one for one in same if one["_id"] not in taken), None):
        raise NamesakeError(namesake)
