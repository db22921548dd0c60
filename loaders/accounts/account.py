"""Accounts and their sessions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from loaders import student
from loaders.accounts.account_tokens import revoke
from loaders.accounts.refresh_tokens import LASTS, refreshed
from loaders.collections import COLLECTIONS, derived
from loaders.model import AccountDoc, Document, SessionDoc, StudentDoc
from loaders.mongo import Database, Fields, Filter, Pipeline, Transaction, Value, find, find_one, now, utc
from loaders.reading import fit, fit_read

#: The number of sessions that an account's owner sees: those that were used last.
MOST_SESSIONS = 100


class AddressTakenError(Exception):
    """Another account has an address, and can't be read because its `_id` is no ObjectId."""


class Client(NamedTuple):
    """The client that uses a session, as its owner will recognise it.

    address: its network address. agent: the beginning of its `User-Agent` header. Either is empty if unknown.
    """

    address: str = ""
    agent: str = ""

    @property
    def fields(self) -> Fields:
        return {"address": self.address, "client": self.agent}


_SEEN_PRECISION = timedelta(hours=1)


async def by_email(tx: Transaction, email: str) -> AccountDoc | None:
    """Returns the account with the given e-mail address, which must be in lower case."""
    found: AccountDoc | None = await tx.find_one("accounts", {"email": {"$eq": email}})
    return found


async def find_by_email(database: Database, email: str) -> AccountDoc | None:
    """Like `by_email`, but outside a transaction."""
    return _fitted(await find_one(database["accounts"], {"email": {"$eq": email}}))


async def by_id(tx: Transaction, id: ObjectId) -> AccountDoc | None:
    found: AccountDoc | None = await tx.get("accounts", id)
    return found


async def by_reset(tx: Transaction, digest: bytes) -> AccountDoc | None:
    """Returns the account whose password can be reset with the token of 0.2.0 that has this digest."""
    found: AccountDoc | None = await tx.find_one("accounts", _by_reset(digest, tx.now))
    return found


async def find_by_reset(database: Database, digest: bytes) -> AccountDoc | None:
    """Like `by_reset`, but outside a transaction."""
    return _fitted(await find_one(database["accounts"], _by_reset(digest, now())))


async def by_student(tx: Transaction, student_id: ObjectId) -> AccountDoc | None:
    """Returns the account that belongs to a student."""
    found: AccountDoc | None = await tx.find_one("accounts", {"studentId": student_id})
    return found


async def by_instructor(tx: Transaction, instructor_id: ObjectId) -> AccountDoc | None:
    """Returns the account that belongs to an instructor."""
    found: AccountDoc | None = await tx.find_one("accounts", {"instructorId": instructor_id})
    return found


def is_active(account: AccountDoc) -> bool:
    """Returns whether an account's owner may sign in."""
    return account.get("status") in (None, "ACTIVE")


async def insert(tx: Transaction, fields: Fields) -> AccountDoc:
    """Inserts an account, whose address no account may have that can be read; returns the account.

    Raises AddressTakenError, after which the transaction can't continue.
    """
    blank: Fields = {
        "passwordHash": None, "roles": [], "studentId": None, "instructorId": None, "signUpKey": None,
        "reset": None,
    }  # fmt: skip
    document = {**blank, **fields}
    with _unless_taken():
        return cast("AccountDoc", await tx.insert("accounts", document | derived("accounts", document)))


async def change(tx: Transaction, account: AccountDoc, **fields: Value) -> AccountDoc:
    """Sets fields of an account and the fields derived from them. Returns the changed account."""
    if fields.keys() & COLLECTIONS["accounts"].derived_from:
        fields |= derived("accounts", {**account, **fields})
    return cast("AccountDoc", await tx.patch("accounts", dict(account), **fields))


async def verify(tx: Transaction, account: AccountDoc) -> AccountDoc:
    """Notes that an account's address has been shown to be its owner's. Returns the account."""
    if account.get("emailVerifiedAt"):
        return account
    return await change(tx, account, emailVerifiedAt=tx.now)


async def change_email(tx: Transaction, account: AccountDoc, email: str) -> AccountDoc:
    """Sets the verified address of an account and of its student. Returns the account.

    All links that were sent to the former address become invalid. The new one must not be that of another
    account that can be read.

    Raises AddressTakenError, after which the transaction can't continue.
    """
    student_id = account["studentId"]
    with _unless_taken():
        changed = await change(tx, account, email=email, emailVerifiedAt=tx.now, reset=None)
    profile: StudentDoc | None = await tx.get("students", student_id) if student_id else None
    if profile:
        await student.change(tx, profile, email=email)
    await revoke(tx, account["_id"], "VERIFY", "RESET", "CHANGE_EMAIL")
    return changed


async def rename(tx: Transaction, student_id: ObjectId, name: str) -> None:
    """Gives the account that belongs to a student the student's new name, if there is such an account."""
    if account := await by_student(tx, student_id):
        await change(tx, account, name=name)


def display_name(account: AccountDoc) -> str:
    """Returns the name of an account's owner; the e-mail address if it is unknown."""
    return account.get("name") or account["email"]


def last_seen_at(account: AccountDoc) -> datetime | None:
    """Returns when an account's owner last signed in or, to within an hour, refreshed a session."""
    times = [utc(at) for at in (account.get("signedInAt"), account.get("seenAt")) if at is not None]
    return max(times, default=None)


async def note_seen(tx: Transaction, account: AccountDoc, at: datetime) -> None:
    """Records that one of an account's sessions is in use. Writes at most once an hour."""
    seen = last_seen_at(account)
    if seen is None or at - seen > _SEEN_PRECISION:
        await tx.set("accounts", {"_id": account["_id"]}, {"seenAt": at})


async def profile_name(
    database: Database, student_id: ObjectId | None, instructor_id: ObjectId | None
) -> str | None:
    """Returns the name of a person's student, or else of their instructor; None if neither exists."""
    for collection, key in (("students", student_id), ("instructors", instructor_id)):
        query = {"_id": {"$eq": key}}
        if key and (found := await find_one(database[collection], query, projection={"name": 1})):
            return str(fit(collection, [found], ["name"])[0]["name"])
    return None


async def begin_session(
    tx: Transaction, account: AccountDoc, device_id: ObjectId | None, client: Client
) -> SessionDoc:
    """Starts a session. device_id: the id of a device that has signed in before.

    Also writes to the account, so that a concurrent change of the password causes a write conflict.
    """
    await tx.set("accounts", {"_id": account["_id"]}, {"signedInAt": tx.now})
    fields: Fields = {
        "accountId": account["_id"], "generation": 0, "refreshKey": None, "createdAt": tx.now,
        "expiresAt": tx.now + LASTS, "endedAt": None, "deviceId": device_id, "lastSeenAt": tx.now,
        **client.fields,
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
    for row in await tx.aggregate("sessions", pipeline, size=1):
        at = utc(row.pop("now"))
        found = next(iter(fit_read("sessions", [row], None)), None)
        if found and found["endedAt"] is None and utc(found["expiresAt"]) > tx.now:
            return cast("SessionDoc", found), at
    return None


async def refresh_session(
    tx: Transaction, own: SessionDoc, generation: int, key: str | None, at: datetime, client: Client
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
            lastSeenAt=at,
            **client.fields,
        )
    return outcome.generation


async def live_sessions(database: Database, account_id: ObjectId) -> list[SessionDoc]:
    """Returns an account's sessions that have neither ended nor expired, the one that was used last first.

    Returns at most MOST_SESSIONS.
    """
    query = {"accountId": {"$eq": account_id}, "endedAt": None, "expiresAt": {"$gt": now()}}
    found = await find(
        database["sessions"], query, size=MOST_SESSIONS, limit=MOST_SESSIONS, sort=[("lastSeenAt", -1)]
    )
    return fit("sessions", found)


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


@contextmanager
def _unless_taken() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        raise AddressTakenError from error


def _fitted(account: Document | None) -> AccountDoc | None:
    """Returns an account in its declared shape."""
    found = fit_read("accounts", [account], None) if account else []
    return cast("AccountDoc", found[0]) if found else None


def _by_reset(digest: bytes, at: datetime) -> Filter:
    return {"reset.digest": digest, "reset.expiresAt": {"$gt": at}}
