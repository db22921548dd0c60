"""Operations that clients sent and that aren't known, to be looked at by an operator."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import pymongo
from pymongo import UpdateOne

from loaders.mongo import (
    Collection,
    Database,
    Document,
    Filter,
    aggregate,
    estimated_count,
    find,
    send,
    utc,
)
from loaders.persisted.eviction import evict

_NAME = "unknownOperations"

#: The fraction of a full list that is evicted, and the fraction that one client and reason may have. If they
#: have more, only their entries are evicted.
EVICTED, SHARE = 0.1, 0.2

_MOST_UNKNOWN = 10_000  # maximum number of listed operations
#: The maximum length of the sample of a text, in characters.
LONGEST_SAMPLE = 2_000


class Sighting(NamedTuple):
    """An unknown operation of a client.

    hash: the SHA-256 of its text in hexadecimal, or the id that was sent without a text. client, version: as
    the client names itself; empty if it doesn't. reason: "text", "hash" or "id", whichever was sent.
    sample: the beginning of the text without its arguments and comments; None if only an id was sent.
    """

    hash: str
    client: str
    version: str
    reason: str
    sample: str | None
    times: int
    last_seen: datetime


async def add_sightings(database: Database, sightings: Iterable[Sighting]) -> None:
    """Adds the counts of operations to those stored. Sends two commands; five if the list is full.

    In a full list, the operations seen least make room, the oldest first.
    """
    listed = database[_NAME]
    updates = [UpdateOne({"_id": _id(one)}, _update(one), upsert=True) for one in sightings]
    await send(listed, "update", lambda target: target.bulk_write(updates, ordered=False))
    if (number := await estimated_count(listed)) > _MOST_UNKNOWN:
        least_seen = [("count", pymongo.ASCENDING), ("lastSeen", pymongo.ASCENDING)]
        excess = number - _MOST_UNKNOWN + int(_MOST_UNKNOWN * EVICTED)
        await evict(listed, await _crowd(listed), least_seen, excess)


async def clear_sightings(database: Database) -> int:
    """Deletes the list. Returns how many operations it had."""
    done = await send(database[_NAME], "delete", lambda target: target.delete_many({}))
    number: int = done.deleted_count
    return number


async def _crowd(listed: Collection) -> Filter:
    """Returns a query for one client and reason if they have more than their share, or else for all."""
    group = {"client": "$_id.client", "reason": "$reason"}
    (most,) = await aggregate(
        listed,
        [
            {"$group": {"_id": group, "number": {"$sum": 1}}},
            {"$sort": {"number": pymongo.DESCENDING}},
            {"$limit": 1},
        ],
        size=1,
    )
    if most["number"] <= _MOST_UNKNOWN * SHARE:
        return {}
    return {"_id.client": most["_id"].get("client"), "reason": most["_id"].get("reason")}


async def recent_sightings(database: Database, most: int) -> Sequence[Sighting]:
    """Returns the stored operations, the most recently seen first."""
    found: list[Document] = await find(
        database[_NAME], {}, size=most, sort=[("lastSeen", pymongo.DESCENDING)], limit=most
    )
    return [sighting for one in found if (sighting := _sighting_in(one)) is not None]


def _id(sighting: Sighting) -> Document:
    return {"hash": sighting.hash, "client": sighting.client, "version": sighting.version}


def _update(sighting: Sighting) -> Document:
    known = {} if sighting.sample is None else {"sample": sighting.sample}
    return {
        "$set": {"reason": sighting.reason, **known},
        "$inc": {"count": sighting.times},
        "$max": {"lastSeen": sighting.last_seen},
    }


def _sighting_in(document: Document) -> Sighting | None:
    """Returns the sighting in a document, or None if it has another shape."""
    match document:
        case {
            "_id": {"hash": str(sent), "client": str(client), "version": str(version)},
            "reason": str(reason),
            "count": int(times),
            "lastSeen": datetime() as seen,
        }:
            sample = document.get("sample", "")
            return Sighting(sent, client, version, reason, str(sample), times, utc(seen))
    return None
