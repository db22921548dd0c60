"""What became of claimed entries. Nothing is written for an entry whose claim has been lost."""

from collections.abc import Sequence
from datetime import timedelta

from pymongo import UpdateMany, UpdateOne

from loaders.mongo import Database, Expression, Fields, Filter, Value, now, send
from loaders.outbox.entry import MAIL, MESSAGE, EntryDoc
from loaders.outbox.leases import after


async def sent(database: Database, entry: EntryDoc, *, days: int) -> bool:
    """Marks an entry as delivered. Its address and language are deleted at once, the entry after `days`.

    Returns False if the claim has been lost: another process may be delivering the entry, and what follows.
    """
    fields = {
        "state": "SENT", "claim": None, "lastError": None, "to": entry["to"] and "", "language": None,
        "sentAt": now(), "deleteAt": now() + timedelta(days=days),
    }  # fmt: skip
    update = {"$set": fields}
    done = await send(database["outbox"], "update", lambda target: target.update_one(_own(entry), update))
    return bool(done.matched_count)


async def retry(database: Database, entry: EntryDoc, error: str, *, pause: float) -> None:
    """Counts a failed attempt. The entry, and what was claimed behind it, is due again after a pause."""
    await _failed(database, entry, error, after(pause))


async def park(database: Database, entry: EntryDoc, error: str, *, days: int) -> None:
    """Parks an entry: it isn't tried again, and what comes later for its subject waits.

    Nothing waits for a message, which is deleted after `days`, as its address may be a stranger's.
    """
    delete_at = now() + timedelta(days=days) if entry["destination"] == MAIL else None
    await _failed(database, entry, error, after(0), state="PARKED", deleteAt=delete_at)


def is_last(entry: EntryDoc) -> bool:
    """Returns whether an entry is the last message to somebody who is gone.

    Such an entry isn't parked, because it has their address.
    """
    return entry["kind"] == f"{MESSAGE}account_deleted"


async def drop(database: Database, entry: EntryDoc) -> None:
    """Deletes an entry that there is no reason to send."""
    await send(database["outbox"], "delete", lambda target: target.delete_one(_own(entry)))


async def give_back(database: Database, entries: Sequence[EntryDoc]) -> None:
    """Ends the claims of entries that were not tried."""
    query = {"_id": {"$in": [entry["_id"] for entry in entries]}, "claim": entries[0]["claim"]}
    update: list[Fields] = [{"$set": {"claim": None, "dueAt": "$$NOW"}}]
    await send(database["outbox"], "update", lambda target: target.update_many(query, update))


async def _failed(
    database: Database, entry: EntryDoc, error: str, due_at: Expression, **fields: Value
) -> None:
    """Counts a failed attempt, and ends the claim of the entry and of those behind it, with one command."""
    released = {"claim": None, "dueAt": due_at}
    failed = {**fields, "lastError": {"$literal": error}, "attempts": {"$add": ["$attempts", 1]}}
    behind = {
        "destination": entry["destination"], "subject": entry["subject"], "state": "PENDING",
        "claim": entry["claim"],
    }  # fmt: skip
    updates = [
        UpdateOne(_own(entry), [{"$set": {**released, **failed}}]),
        UpdateMany(behind, [{"$set": released}]),
    ]
    await send(database["outbox"], "update", lambda target: target.bulk_write(updates))


def _own(entry: EntryDoc) -> Filter:
    return {"_id": entry["_id"], "claim": entry["claim"]}
