"""Accounts and their sessions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

from bson import ObjectId

from loaders import student
from loaders.accounts import instructor
from loaders.accounts.refresh_tokens import LASTS, refreshed
from loaders.model import AccountDoc, Role, SessionDoc
from loaders.mongo import Database, Fields, Pipeline, Transaction, Value, find_one, utc


async def by_email(tx: Transaction, email: str) -> AccountDoc | None:
    """Returns the account with the given e-mail address, which must be in lower case."""
    found: AccountDoc | None = await tx.find_one("accounts", {"email": {"$eq": email}})
    return found


async def find_by_email(database: Database, email: str) -> AccountDoc | None:
    """Like `by_email`, but outside a transaction."""
    return cast("AccountDoc | None", await find_one(database["accounts"], {"email": {"$eq": email}}))


async def by_id(tx: Transaction, id: ObjectId) -> AccountDoc | None:
    found: AccountDoc | None = await tx.get("accounts", id)
    return found


async def by_reset(tx: Transaction, digest: bytes) -> AccountDoc | None:
    """Returns the account whose password can be reset with the token that has this digest."""
    query = {"reset.digest": digest, "reset.expiresAt": {"$gt": tx.now}}
    found: AccountDoc | None = await tx.find_one("accounts", query)
    return found


async def by_instructor(tx: Transaction, instructor_id: ObjectId) -> AccountDoc | None:
    """Returns the account that belongs to an instructor."""
    found: AccountDoc | None = await tx.find_one("accounts", {"instructorId": instructor_id})
    return found


async def insert(tx: Transaction, fields: Fields) -> AccountDoc:
    blank: Fields = {
        "passwordHash": None, "roles": [], "studentId": None, "instructorId": None, "signUpKey": None,
        "reset": None,
    }  # fmt: skip
    return cast("AccountDoc", await tx.insert("accounts", {**blank, **fields}))


async def change(tx: Transaction, account: AccountDoc, **fields: Value) -> AccountDoc:
    return cast("AccountDoc", await tx.patch("accounts", dict(account), **fields))


async def people(
    tx: Transaction, account: Fields, roles: Collection[Role], instructor_id: ObjectId | None
) -> dict[str, ObjectId]:
    """Creates the student and the instructor that an account needs for its roles, unless they exist already.

    Returns the new ids, keyed `studentId` and `instructorId`. If `instructor_id` is given, no instructor is
    created, and `instructor_id` is returned as `instructorId`.
    """
    ids: dict[str, ObjectId] = {}
    if "STUDENT" in roles and not account.get("studentId"):
        fields = {"name": await name_of(tx, account), "email": account["email"], "joinedAt": tx.now}
        ids["studentId"] = (await student.insert(tx, fields))["_id"]
    if instructor_id:
        ids["instructorId"] = instructor_id
    elif "INSTRUCTOR" in roles and not account.get("instructorId"):
        ids["instructorId"] = (await instructor.insert(tx, await name_of(tx, account)))["_id"]
    return ids


async def name_of(tx: Transaction, account: Fields) -> str:
    """Returns the account's name or, failing that, the name of its student or instructor."""
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
    """Starts a session.

    Also writes to the account, so that a concurrent change of the password causes a write conflict.
    """
    await tx.set("accounts", {"_id": account["_id"]}, {"signedInAt": tx.now})
    fields: Fields = {
        "accountId": account["_id"], "generation": 0, "refreshKey": None, "createdAt": tx.now,
        "expiresAt": tx.now + LASTS, "endedAt": None,
    }  # fmt: skip
    return cast("SessionDoc", await tx.insert("sessions", fields))


async def session(tx: Transaction, id: ObjectId) -> SessionDoc | None:
    """Returns the session with the given id, or None if it has ended or expired or doesn't exist."""
    found: SessionDoc | None = await tx.get("sessions", id)
    return found if found and found["endedAt"] is None and utc(found["expiresAt"]) > tx.now else None


async def session_and_time(tx: Transaction, id: ObjectId) -> tuple[SessionDoc, datetime] | None:
    """Returns a session, and the time of MongoDB's clock. Returns None as `session` does.

    Two gateways might refresh the same session, and their clocks might differ by more than a race lasts.
    """
    pipeline: Pipeline = [{"$match": {"_id": id}}, {"$set": {"now": "$$NOW"}}]
    for found in await tx.aggregate("sessions", pipeline, size=1):
        at = utc(found.pop("now"))
        if found["endedAt"] is None and utc(found["expiresAt"]) > tx.now:
            return cast("SessionDoc", found), at
    return None


async def refresh_session(
    tx: Transaction, own: SessionDoc, generation: int, key: str | None, at: datetime
) -> int | None:
    """Uses the refresh token with a generation number, and extends the session.

    Returns the generation number of the next token, or None if the token was used before, so that the session
    must end. key, at: see refresh_tokens.refreshed.
    """
    outcome = refreshed(own, generation, key, at)
    if outcome is None:
        return None
    if outcome.branches is not None:
        await tx.patch(
            "sessions",
            dict(own),
            generation=outcome.generation,
            refreshKey=key,
            expiresAt=at + LASTS,
            branches=outcome.branches,
            used=outcome.used,
        )
    return outcome.generation


async def sign_up_session(tx: Transaction, account: AccountDoc) -> SessionDoc | None:
    """Returns the session that an account's sign-up has started, if it has neither ended nor been refreshed.

    The sign-up created both in one transaction, so they have the same time.
    """
    query = {"accountId": account["_id"], "createdAt": account["createdAt"], "generation": 0}
    found: SessionDoc | None = await tx.find_one("sessions", query)
    return found if found and found["endedAt"] is None and utc(found["expiresAt"]) > tx.now else None


async def end_sessions(tx: Transaction, account_id: ObjectId, *, but: Sequence[ObjectId] = ()) -> None:
    """Ends an account's sessions, except those in `but`."""
    query = {"accountId": account_id, "endedAt": None, "_id": {"$nin": list(but)}}
    await tx.set("sessions", query, {"endedAt": tx.now})


async def end_session(tx: Transaction, own: SessionDoc) -> None:
    await tx.patch("sessions", dict(own), endedAt=tx.now)
