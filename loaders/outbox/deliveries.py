"""What operators see of the outbox, and do with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from bson import ObjectId
from pymongo import UpdateMany

from loaders.mongo import Database, Filter, aggregate, find, send, utc
from loaders.outbox.entry import MAIL, UNDELIVERED, UNSENT_DAYS, EntryDoc, State
from loaders.outbox.leases import after

#: The maximum number of destinations that are counted: those of the settings, and former ones.
_MOST_DESTINATIONS = 1_000

_UNSENT_SECONDS = 86_400.0 * UNSENT_DAYS
_RENEWED = {
    "state": "PENDING", "dueAt": "$$NOW", "claim": None, "attempts": 0,
    "deleteAt": {"$cond": [{"$eq": ["$destination", MAIL]}, after(_UNSENT_SECONDS), None]},
}  # fmt: skip
#: Only with a condition on its first field can MongoDB use the index of what is undelivered, instead of
#: looking at all that was delivered in the last days.
_OF_ANY = {"destination": {"$gt": ""}}


class Backlog(NamedTuple):
    """The undelivered entries of a destination. oldest: the time of the earliest that is not parked."""

    destination: str
    pending: int
    parked: int
    oldest: datetime | None


async def backlogs(database: Database) -> list[Backlog]:
    """Counts the undelivered entries of each destination that has any. Sends one command."""

    def number_in(state: State) -> Filter:
        return {"$sum": {"$cond": [{"$eq": ["$state", state]}, 1, 0]}}

    oldest = {"$min": {"$cond": [{"$eq": ["$state", "PENDING"]}, "$at", None]}}
    found = await aggregate(
        database["outbox"],
        [
            {"$match": {**_OF_ANY, "state": {"$in": list(UNDELIVERED)}}},
            {
                "$group": {
                    "_id": "$destination",
                    "pending": number_in("PENDING"),
                    "parked": number_in("PARKED"),
                    "oldest": oldest,
                }
            },
            {"$sort": {"_id": 1}},
        ],
        size=_MOST_DESTINATIONS,
    )
    return [
        Backlog(one["_id"], one["pending"], one["parked"], one["oldest"] and utc(one["oldest"]))
        for one in found
    ]


async def destinations(database: Database) -> list[str]:
    """Returns the names of all destinations that have entries, also of those that no gateway knows."""
    names: list[str] = await send(
        database["outbox"], "distinct", lambda target: target.distinct("destination")
    )
    return sorted(names)


async def listing(
    database: Database, names: Sequence[str], states: Sequence[State] | None, most: int
) -> list[EntryDoc]:
    """Returns entries of some destinations, latest first. states: None for all."""
    query = {"destination": {"$in": list(names)}, **({"state": {"$in": list(states)}} if states else {})}
    order = [("at", -1), ("_id", 1)]
    entries: list[EntryDoc] = await find(database["outbox"], query, size=most, limit=most, sort=order)
    return entries


async def by_ids(database: Database, ids: Sequence[ObjectId]) -> list[EntryDoc]:
    """Returns the entries with some ids. Those that don't exist are left out."""
    entries: list[EntryDoc] = await find(database["outbox"], {"_id": {"$in": list(ids)}}, size=len(ids))
    return entries


async def resend(database: Database, entries: Sequence[EntryDoc]) -> int:
    """Has entries delivered again, or at once. Returns their number; those being delivered don't count."""
    ids = {"_id": {"$in": [one["_id"] for one in entries]}}
    is_free = {
        "$or": [{"claim": None}, {"$expr": {"$lte": ["$dueAt", "$$NOW"]}}]
    }  # the claim can have expired
    number = await _renew(database, {**ids, **is_free})
    await _release(database, entries)
    return number


async def resend_parked(database: Database, names: Sequence[str]) -> int:
    """Has the parked entries of some destinations delivered, with what waits for them.

    Returns the number of those that were parked.
    """
    of_names = {"destination": {"$in": list(names)}}
    number = await _renew(database, {**of_names, "state": "PARKED"})
    await _make_due(database, [of_names])
    return number


async def delete(database: Database, entries: Sequence[EntryDoc]) -> int:
    """Deletes entries; what waited for them is delivered. Returns their number."""
    number = await _delete(database, {"_id": {"$in": [one["_id"] for one in entries]}})
    await _release(database, entries)
    return number


async def delete_parked_messages(database: Database) -> int:
    """Deletes all parked messages, for which nothing waits. Returns their number."""
    return await _delete(database, {"destination": MAIL, "state": "PARKED"})


async def delete_undelivered(database: Database, names: Sequence[str]) -> int:
    """Deletes all undelivered entries of some destinations. Returns their number."""
    return await _delete(database, {"destination": {"$in": list(names)}, "state": {"$in": list(UNDELIVERED)}})


async def _renew(database: Database, query: Filter) -> int:
    update = [{"$set": _RENEWED}]
    done = await send(database["outbox"], "update", lambda target: target.update_many(query, update))
    number: int = done.modified_count
    return number


async def _delete(database: Database, query: Filter) -> int:
    done = await send(database["outbox"], "delete", lambda target: target.delete_many(query))
    number: int = done.deleted_count
    return number


async def _release(database: Database, entries: Sequence[EntryDoc]) -> None:
    """Has what waits for some entries looked at at once."""
    subjects = {(one["destination"], one["subject"]) for one in entries}
    await _make_due(database, [{"destination": name, "subject": subject} for name, subject in subjects])


async def _make_due(database: Database, queries: Sequence[Filter]) -> None:
    due = [{"$set": {"dueAt": "$$NOW"}}]
    updates = [UpdateMany({**query, "state": "PENDING", "claim": None}, due) for query in queries]
    await send(database["outbox"], "update", lambda target: target.bulk_write(updates))
