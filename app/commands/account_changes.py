"""Accounts as the operator handles them: made with roles, told how to set a password, given other roles."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, get_args

from bson import ObjectId

import loaders.audit
from loaders import accounts
from loaders.model import AccountDoc, ActorDoc, InstructorDoc, ResetDoc, Role
from loaders.mongo import Database, Transaction, transaction

RESET_LASTS = timedelta(hours=24)

_OPERATOR: ActorDoc = {"subject": "command line", "roles": [], "studentId": None, "instructorId": None}


class AccountError(Exception):
    """An account can't be made or changed as it was asked; the message says why and what to do."""


class Reset(NamedTuple):
    """What sets the password of an account, once. Only a digest of it is stored."""

    account: AccountDoc
    token: str
    expires_at: datetime


async def create(
    database: Database, email: str, name: str | None, roles: Collection[Role], instructor_id: ObjectId | None
) -> Reset:
    """A new account, and what sets its password.

    instructor_id: who an INSTRUCTOR is; without it, someone new. name: the person's; without it, the
    instructor's.

    Raises AccountError where the address has an account, or the instructor is not there or has another's.
    """

    async def work(tx: Transaction) -> Reset:
        if await accounts.by_email(tx, email):
            raise AccountError(
                f"{email} has an account.\n"
                f"  lectern account reset {email}   for a new password\n"
                f"  lectern account roles {email}   for its roles"
            )
        instructor = await _unclaimed(tx, instructor_id)
        token, reset = _reset(tx)
        fields: dict[str, Any] = {
            "email": email, "name": name or (instructor and instructor["name"]), "roles": _ordered(roles),
            "createdAt": tx.now, "reset": reset,
        }  # fmt: skip
        own = await accounts.people(tx, fields, roles, instructor_id)
        made = await accounts.insert(tx, fields | own)
        await loaders.audit.record(tx, "account create", _OPERATOR, "")
        return Reset(made, token, reset["expiresAt"])

    return await transaction(database, work)


async def reset(database: Database, email: str) -> Reset:
    """What sets the password of an account anew; what was given out before is no longer good.

    Raises AccountError where the address has no account.
    """

    async def work(tx: Transaction) -> Reset:
        found = await _account(tx, email)
        token, reset = _reset(tx)
        changed = await accounts.change(tx, found, reset=reset)
        await loaders.audit.record(tx, "account reset", _OPERATOR, "")
        return Reset(changed, token, reset["expiresAt"])

    return await transaction(database, work)


class Changed(NamedTuple):
    """An account with the roles that it has now, and what it had and has no longer."""

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
    """An account with other roles. Where one is taken away, or it teaches as another, its sessions end.

    instructor_id: as of `create`.

    Raises AccountError where the address has no account, or as `create` does for the instructor.
    """

    async def work(tx: Transaction) -> Changed:
        found = await _account(tx, email)
        if instructor_id != found["instructorId"]:
            await _unclaimed(tx, instructor_id)
        before = set(found["roles"])
        after = (before | set(add)) - set(remove)
        own = await accounts.people(tx, found, add, instructor_id)
        changed = await accounts.change(tx, found, roles=_ordered(after), **own)
        if before - after or found["instructorId"] not in (None, changed["instructorId"]):
            await accounts.end_sessions(tx, found["_id"])
        if tx.changes:
            await loaders.audit.record(tx, "account roles", _OPERATOR, "")
        return Changed(changed, _ordered(after - before), _ordered(before - after))

    return await transaction(database, work)


async def _account(tx: Transaction, email: str) -> AccountDoc:
    if found := await accounts.by_email(tx, email):
        return found
    raise AccountError(f"{email} has no account.\n  lectern account create {email} --name NAME   makes one")


async def _unclaimed(tx: Transaction, instructor_id: ObjectId | None) -> InstructorDoc | None:
    """An instructor who is nobody's yet; None for no id."""
    if instructor_id is None:
        return None
    instructor: InstructorDoc | None = await tx.get("instructors", instructor_id)
    if instructor is None:
        raise AccountError("There is no instructor with this ID.")
    if other := await accounts.by_instructor(tx, instructor_id):
        raise AccountError(f"{instructor['name']} has an account already: {other['email']}.")
    return instructor


def _reset(tx: Transaction) -> tuple[str, ResetDoc]:
    token = secrets.token_urlsafe(32)
    return token, {"digest": sha256(token.encode()).digest(), "expiresAt": tx.now + RESET_LASTS}


def _ordered(roles: Collection[Role]) -> list[Role]:
    return [role for role in get_args(Role) if role in roles]
