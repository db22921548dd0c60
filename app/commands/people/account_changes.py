"""Changes to accounts by an operator: who has one, with which roles, and whether they may sign in."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from bson import ObjectId

import loaders.audit
from app.invocation import lectern
from loaders import accounts, outbox
from loaders.model import AccountDoc, InstructorDoc, Role, StudentDoc
from loaders.mongo import Database, Transaction
from loaders.people import LinkError, by_address, finish_merges, link_instructor, link_student, why_gone
from loaders.reading import fitted_transaction

RESET_LASTS = timedelta(hours=24)


class AccountError(Exception):
    """An account can't be created or changed as requested; the message says why and what to do about it."""


class Reset(NamedTuple):
    """An account, and a single-use token that sets its password. Only the token's digest is stored.

    same_address: of a new account, the students with its e-mail address that it doesn't belong to.
    """

    account: AccountDoc
    token: str
    expires_at: datetime
    same_address: Sequence[StudentDoc] = ()


async def create(
    database: Database,
    email: str,
    name: str | None,
    roles: Collection[Role],
    instructor_id: ObjectId | None,
    student_id: ObjectId | None = None,
    *,
    even_namesake: bool = False,
) -> Reset:
    """Creates an account. Returns it with a token for setting its password.

    instructor_id, student_id: the instructor and the student to whom the account will belong; if None, new
    ones are created as the roles need. name: the person's name; if None, the name of the student or the
    instructor is used.

    Raises AccountError if the e-mail address already has an account, or if the instructor or the student
    doesn't exist or already has an account; unless `even_namesake` is set, also if a new instructor would
    have the name of one without an account.
    """

    async def work(tx: Transaction) -> Reset:
        if await accounts.by_email(tx, email):
            raise AccountError(
                f"{email} already has an account.\n"
                f"  {lectern()} account reset {email}   resets its password\n"
                f"  {lectern()} account roles {email}   changes its roles"
            )
        student, instructor = await _unclaimed_student(tx, student_id), await _unclaimed(tx, instructor_id)
        person = student or instructor
        fields: dict[str, Any] = {  # some of the fields of an AccountDoc
            "email": email, "name": name or (person and person["name"]), "roles": accounts.ordered(roles),
            "createdAt": tx.now, "studentId": student_id,
        }  # fmt: skip
        with _explained(email):
            people = await accounts.people(tx, fields, roles, instructor_id, even_namesake=even_namesake)
            inserted = await accounts.insert(tx, fields | people)
        made = await _reset(tx, inserted)
        await loaders.audit.record(tx, "account create", loaders.audit.OPERATOR, "")
        return made._replace(same_address=await _others_at(tx, made.account))

    return await fitted_transaction(database, work)


async def reset(database: Database, email: str) -> Reset:
    """Creates a token that resets an account's password. Earlier tokens become invalid.

    Raises AccountError if the e-mail address has no account, or if the account is deactivated.
    """

    async def work(tx: Transaction) -> Reset:
        found = await _active_account(tx, email)
        await accounts.revoke(tx, found["_id"], "RESET")
        made = await _reset(tx, await accounts.change(tx, found, reset=None))
        await loaders.audit.record(tx, "account reset", loaders.audit.OPERATOR, "")
        return made

    return await fitted_transaction(database, work)


async def send_reset(database: Database, email: str) -> datetime:
    """Has a reset link mailed to an account's address by a gateway. Returns until when the link is valid.

    Earlier tokens become invalid. Raises AccountError like `reset`, and if no messages are sent.
    """
    if not database.destinations.has_messages:
        raise AccountError(
            "Nothing is sent, because neither LECTERN_SMTP_URL nor LECTERN_MESSAGES_URL is set.\n"
            "Without --send, the link is printed."
        )

    async def work(tx: Transaction) -> datetime:
        found = await _active_account(tx, email)
        await accounts.revoke(tx, found["_id"], "RESET")
        await accounts.change(tx, found, reset=None)
        until = tx.now + RESET_LASTS
        outbox.send(tx, outbox.Message("reset_password", account_id=found["_id"], expires_on=until))
        await loaders.audit.record(tx, "account reset", loaders.audit.OPERATOR, "")
        return until

    return await fitted_transaction(database, work)


class Changed(NamedTuple):
    """An account after its roles were changed, and the roles that were added and removed.

    same_address: other students who have the account's address, if the account has got a new student.
    """

    account: AccountDoc
    added: Collection[Role]
    removed: Collection[Role]
    same_address: Sequence[StudentDoc] = ()


async def change_roles(
    database: Database,
    email: str,
    add: Collection[Role],
    remove: Collection[Role],
    instructor_id: ObjectId | None,
    *,
    even_last_staff: bool = False,
    even_namesake: bool = False,
) -> Changed:
    """Changes the roles of an account.

    The account's sessions end if a role is removed, or if the account is reassigned to another instructor.

    instructor_id, even_namesake: see `create`. even_last_staff: whether the last active account of staff may
    lose its role.

    Raises AccountError if the change isn't possible.
    """

    async def work(tx: Transaction) -> Changed:
        found = await _account(tx, email)
        if instructor_id != found["instructorId"]:
            await _unclaimed(tx, instructor_id)
        before = set(found["roles"])
        after = (before | set(add)) - set(remove)
        with _explained(email):
            changed = await accounts.set_roles(
                tx,
                found,
                after,
                instructor_id=instructor_id,
                even_last_staff=even_last_staff,
                even_namesake=even_namesake,
            )
        await _record(tx, "account roles")
        made = Changed(changed, accounts.ordered(after - before), accounts.ordered(before - after))
        if changed["studentId"] == found["studentId"]:
            return made
        return made._replace(same_address=await _others_at(tx, changed))

    return await fitted_transaction(database, work)


async def _others_at(tx: Transaction, account: AccountDoc) -> Sequence[StudentDoc]:
    """Returns the students who have an account's address, but don't belong to it."""
    found = await by_address(tx, account["email"])
    return [one for one in found if one["_id"] != account["studentId"]]


async def deactivate(database: Database, email: str, *, even_last_staff: bool = False) -> bool:
    """Deactivates an account and ends its sessions. Returns False if it was deactivated already.

    Raises AccountError if the e-mail address has no account, or if it is the last active account of staff.
    """
    return await _changed(
        database,
        email,
        "account deactivate",
        lambda tx, found: accounts.deactivate(tx, found, even_last_staff=even_last_staff),
    )


async def activate(database: Database, email: str) -> bool:
    """Activates an account. Returns False if it was active already.

    Raises AccountError if the e-mail address has no account.
    """
    return await _changed(database, email, "account activate", accounts.activate)


async def link(
    database: Database, email: str, type_name: Literal["Student", "Instructor"], person_id: ObjectId
) -> bool:
    """Links an account to a student or instructor. Returns False if they were linked already.

    If the account has a student of its own, the other one is merged into that one.

    Raises AccountError if one of them doesn't exist, or if they can't be linked.
    """

    async def linked(tx: Transaction, found: AccountDoc) -> AccountDoc:
        if type_name == "Student":
            student: StudentDoc | None = await tx.get("students", person_id)
            return await link_student(tx, found, _existing(student, "student"))
        instructor: InstructorDoc | None = await tx.get("instructors", person_id)
        return await link_instructor(tx, found, _existing(instructor, "instructor"))

    is_changed = await _changed(database, email, "account link", linked)
    await finish_merges(database, "account link")
    return is_changed


async def _changed(
    database: Database,
    email: str,
    action: str,
    change: Callable[[Transaction, AccountDoc], Awaitable[AccountDoc]],
) -> bool:
    """Changes an account in a transaction of its own. Returns whether it changed anything."""

    async def work(tx: Transaction) -> bool:
        found = await _account(tx, email)
        with _explained(email):
            await change(tx, found)
        await _record(tx, action)
        return bool(tx.changes)

    return await fitted_transaction(database, work)


async def _record(tx: Transaction, action: str) -> None:
    """Adds an entry to the audit log if the transaction has changed anything."""
    if tx.changes:
        await loaders.audit.record(tx, action, loaders.audit.OPERATOR, "")


@contextmanager
def _explained(email: str) -> Iterator[None]:
    """Converts the errors of a change to an AccountError, which says what to do."""
    from resolvers.relay import encode_id

    try:
        yield
    except accounts.LastStaffError:
        raise AccountError(
            f"{email} is the last active account with the role STAFF. Give another account the role first:\n"
            f"  {lectern()} account roles EMAIL --add STAFF\n"
            "or add --yes-even-last to this command."
        ) from None
    except accounts.NamesakeError as error:
        person = error.instructor
        raise AccountError(
            f"The instructor {person['name']} has no account yet: {encode_id('Instructor', person)}.\n"
            "If the account is for this person, add --instructor with this ID. If it is for another person"
            " with the same name, add --new-instructor."
        ) from None
    except accounts.AddressTakenError:
        raise AccountError(
            f"{email} already has an account, which can't be read: {lectern()} check lists it."
        ) from None
    except LinkError as error:
        raise AccountError(str(error)) from None


async def _account(tx: Transaction, email: str) -> AccountDoc:
    if found := await accounts.by_email(tx, email):
        return found
    raise no_account(email)


async def _active_account(tx: Transaction, email: str) -> AccountDoc:
    found = await _account(tx, email)
    if not accounts.is_active(found):
        raise AccountError(
            f"{email} is deactivated, so its owner can't sign in. To activate it first:\n"
            f"  {lectern()} account activate {email}"
        )
    return found


def no_account(email: str) -> AccountError:
    return AccountError(
        f"{email} has no account. To create one:\n"
        f"  {lectern()} account create {email} --name NAME --role ROLE"
    )


async def _unclaimed(tx: Transaction, instructor_id: ObjectId | None) -> InstructorDoc | None:
    """Returns the instructor with the given id; None if the id is None.

    Raises AccountError if the instructor doesn't exist or already has an account.
    """
    if instructor_id is None:
        return None
    found: InstructorDoc | None = await tx.get("instructors", instructor_id)
    instructor: InstructorDoc = _existing(found, "instructor")
    if other := await accounts.by_instructor(tx, instructor_id):
        raise AccountError(f"{instructor['name']} already has an account: {other['email']}.")
    return instructor


def _existing(person: Any, noun: str) -> Any:  # Any: a student or an instructor
    if person is None:
        raise AccountError(f"There is no {noun} with this ID.")
    return person


async def _unclaimed_student(tx: Transaction, student_id: ObjectId | None) -> StudentDoc | None:
    """Like `_unclaimed`, but for a student, who is held: nobody merges them into another one meanwhile."""
    if student_id is None:
        return None
    found: StudentDoc | None = await tx.get("students", student_id)
    student: StudentDoc = _existing(found, "student")
    if other := await accounts.by_student(tx, student_id):
        raise AccountError(f"{student['name']} already has an account: {other['email']}.")
    if why := why_gone(student):
        raise AccountError(f"{student['name']} {why}.")
    await tx.hold("students", student_id)
    return student


async def _reset(tx: Transaction, account: AccountDoc) -> Reset:
    token, expires_at = secrets.token_urlsafe(32), tx.now + RESET_LASTS
    await accounts.issue(
        tx,
        account,
        "RESET",
        accounts.digest_of(token),
        account["email"],
        expires_at=expires_at,
        is_mailed=False,
    )
    return Reset(account, token, expires_at)
