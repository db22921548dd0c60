"""Accounts and their sessions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bson import ObjectId

from loaders import student
from loaders.accounts import instructor
from loaders.model import AccountDoc, Role, SessionDoc
from loaders.mongo import Transaction, utc

#: How long a session lasts without being refreshed.
LASTS = timedelta(days=30)


async def by_email(tx: Transaction, email: str) -> AccountDoc | None:
    """The account of an address, which is in lower case."""
    found: AccountDoc | None = await tx.find_one("accounts", {"email": {"$eq": email}})
    return found


async def by_id(tx: Transaction, id: ObjectId) -> AccountDoc | None:
    found: AccountDoc | None = await tx.get("accounts", id)
    return found


async def by_reset(tx: Transaction, digest: bytes) -> AccountDoc | None:
    """The account whose password may be set with a secret, by its digest."""
    query = {"reset.digest": digest, "reset.expiresAt": {"$gt": tx.now}}
    found: AccountDoc | None = await tx.find_one("accounts", query)
    return found


async def by_instructor(tx: Transaction, instructor_id: ObjectId) -> AccountDoc | None:
    """The account that teaches as an instructor."""
    found: AccountDoc | None = await tx.find_one("accounts", {"instructorId": instructor_id})
    return found


async def insert(tx: Transaction, fields: Mapping[str, Any]) -> AccountDoc:
    blank: dict[str, Any] = {
        "passwordHash": None, "roles": [], "studentId": None, "instructorId": None, "signUpKey": None,
        "reset": None,
    }  # fmt: skip
    account: Any = await tx.insert("accounts", {**blank, **fields})
    return account  # type: ignore[no-any-return]


async def change(tx: Transaction, account: AccountDoc, **fields: Any) -> AccountDoc:
    changed: Any = await tx.patch("accounts", dict(account), **fields)
    return changed  # type: ignore[no-any-return]


async def people(
    tx: Transaction, account: Mapping[str, Any], roles: Collection[Role], instructor_id: ObjectId | None
) -> dict[str, ObjectId]:
    """The `studentId` and `instructorId` that an account lacks for its roles: of people who are made, or of
    the instructor that is given.
    """
    made: dict[str, ObjectId] = {}
    if "STUDENT" in roles and not account.get("studentId"):
        fields = {"name": await name_of(tx, account), "email": account["email"], "joinedAt": tx.now}
        made["studentId"] = (await student.insert(tx, fields))["_id"]
    if instructor_id:
        made["instructorId"] = instructor_id
    elif "INSTRUCTOR" in roles and not account.get("instructorId"):
        made["instructorId"] = (await instructor.insert(tx, await name_of(tx, account)))["_id"]
    return made


async def name_of(tx: Transaction, account: Mapping[str, Any]) -> str:
    """What the person of an account is called."""
    if name := account.get("name"):
        return str(name)
    student_id = account.get("studentId")
    person = (
        await tx.get("students", student_id)
        if student_id
        else await tx.get("instructors", account["instructorId"])
    )
    return str(person["name"])


async def begin_session(tx: Transaction, account: AccountDoc) -> SessionDoc:
    """A new session. It is written to the account too, so that none begins while its password changes."""
    await tx.set("accounts", {"_id": account["_id"]}, {"signedInAt": tx.now})
    session: Any = await tx.insert(
        "sessions",
        {
            "accountId": account["_id"], "generation": 0, "refreshKey": None, "createdAt": tx.now,
            "expiresAt": tx.now + LASTS, "endedAt": None,
        },
    )  # fmt: skip
    return session  # type: ignore[no-any-return]


async def session(tx: Transaction, id: ObjectId) -> SessionDoc | None:
    """A session that goes on."""
    found: SessionDoc | None = await tx.get("sessions", id)
    return found if found and found["endedAt"] is None and utc(found["expiresAt"]) > tx.now else None


async def refresh_session(tx: Transaction, own: SessionDoc, key: str | None) -> SessionDoc:
    """The session with its next refresh token."""
    refreshed: Any = await tx.patch(
        "sessions", dict(own), generation=own["generation"] + 1, refreshKey=key, expiresAt=tx.now + LASTS
    )
    return refreshed  # type: ignore[no-any-return]


async def end_sessions(tx: Transaction, account_id: ObjectId, *, but: Sequence[ObjectId] = ()) -> None:
    """Ends the sessions of an account."""
    query = {"accountId": account_id, "endedAt": None, "_id": {"$nin": list(but)}}
    await tx.set("sessions", query, {"endedAt": tx.now})


async def end_session(tx: Transaction, own: SessionDoc) -> None:
    await tx.patch("sessions", dict(own), endedAt=tx.now)
