"""Changes to accounts by an operator: creating them, resetting their passwords, changing their roles."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, get_args

from bson import ObjectId

import loaders.audit
from app.invocation import lectern
from loaders import accounts
from loaders.model import AccountDoc, InstructorDoc, ResetDoc, Role
from loaders.mongo import Database, Transaction, transaction

RESET_LASTS = timedelta(hours=24)


class AccountError(Exception):
    """An account can't be created or changed as requested; the message says why and what to do about it."""


class Reset(NamedTuple):
    """An account, and a single-use token that sets its password. Only the token's digest is stored."""

    account: AccountDoc
    token: str
    expires_at: datetime


async def create(
    database: Database, email: str, name: str | None, roles: Collection[Role], instructor_id: ObjectId | None
) -> Reset:
    """Creates an account. Returns it with a token for setting its password.

    instructor_id: the instructor to whom the account will belong; if None, a new instructor is created for an
    account with the role INSTRUCTOR. name: the person's name; if None, the instructor's name is used.

    Raises AccountError if the e-mail address already has an account, or if the instructor doesn't exist or
    already has an account.
    """

    async def work(tx: Transaction) -> Reset:
        if await accounts.by_email(tx, email):
            raise AccountError(
                f"{email} already has an account.\n"
                f"  {lectern()} account reset {email}   resets its password\n"
                f"  {lectern()} account roles {email}   changes its roles"
            )
        instructor = await _unclaimed(tx, instructor_id)
        token, reset = _reset(tx)
        fields: dict[str, Any] = {  # some of the fields of an AccountDoc
            "email": email, "name": name or (instructor and instructor["name"]), "roles": _ordered(roles),
            "createdAt": tx.now, "reset": reset,
        }  # fmt: skip
        people = await accounts.people(tx, fields, roles, instructor_id)
        created = await accounts.insert(tx, fields | people)
        await loaders.audit.record(tx, "account create", loaders.audit.OPERATOR, "")
        return Reset(created, token, reset["expiresAt"])

    return await transaction(database, work)


async def reset(database: Database, email: str) -> Reset:
    """Creates a token that resets an account's password. Earlier tokens become invalid.

    Raises AccountError if the e-mail address has no account.
    """

    async def work(tx: Transaction) -> Reset:
        found = await _account(tx, email)
        token, reset = _reset(tx)
        changed = await accounts.change(tx, found, reset=reset)
        await loaders.audit.record(tx, "account reset", loaders.audit.OPERATOR, "")
        return Reset(changed, token, reset["expiresAt"])

    return await transaction(database, work)


class Changed(NamedTuple):
    """An account after its roles were changed, and the roles that were added and removed."""

    account: AccountDoc
    added: Collection[Role]
    removed: Collection[Role]


async def change_roles(
    database: Database,
    email: str,
    add: Collection[Role],
    remove: Collection[Role],
    instructor_id: ObjectId | None,
) -> Changed:
    """Changes the roles of an account.

    The account's sessions end if a role is removed, or if the account is reassigned to another instructor.

    instructor_id: see `create`.

    Raises AccountError if the e-mail address has no account, or if the instructor doesn't exist or already
    has another account.
    """

    async def work(tx: Transaction) -> Changed:
        found = await _account(tx, email)
        if instructor_id != found["instructorId"]:
            await _unclaimed(tx, instructor_id)
        before = set(found["roles"])
        after = (before | set(add)) - set(remove)
        people = await accounts.people(tx, found, add, instructor_id)
        changed = await accounts.change(tx, found, roles=_ordered(after), **people)
        if before - after or found["instructorId"] not in (None, changed["instructorId"]):
            await accounts.end_sessions(tx, found["_id"])
        if tx.changes:
            await loaders.audit.record(tx, "account roles", loaders.audit.OPERATOR, "")
        return Changed(changed, _ordered(after - before), _ordered(before - after))

    return await transaction(database, work)


async def _account(tx: Transaction, email: str) -> AccountDoc:
    if found := await accounts.by_email(tx, email):
        return found
    raise AccountError(
        f"{email} has no account. To create one:\n  {lectern()} account create {email} --name NAME"
    )


async def _unclaimed(tx: Transaction, instructor_id: ObjectId | None) -> InstructorDoc | None:
    """Returns the instructor with the given id; None if the id is None.

    Raises AccountError if the instructor doesn't exist or already has an account.
    """
    if instructor_id is None:
        return None
    instructor: InstructorDoc | None = await tx.get("instructors", instructor_id)
    if instructor is None:
        raise AccountError("There is no instructor with this ID.")
    if other := await accounts.by_instructor(tx, instructor_id):
        raise AccountError(f"{instructor['name']} already has an account: {other['email']}.")
    return instructor


def _reset(tx: Transaction) -> tuple[str, ResetDoc]:
    token = secrets.token_urlsafe(32)
    return token, {"digest": sha256(token.encode()).digest(), "expiresAt": tx.now + RESET_LASTS}


def _ordered(roles: Collection[Role]) -> list[Role]:
    return [role for role in get_args(Role) if role in roles]
