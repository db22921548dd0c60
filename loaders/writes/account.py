"""Accounts and their sessions."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bson import ObjectId

from loaders.creation import utc
from loaders.documents import AccountDoc, SessionDoc
from loaders.transactions import Transaction

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


async def begin_session(tx: Transaction, account: AccountDoc) -> SessionDoc:
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
