"""Operations that clients sent and that aren't known, to be looked at by an operator."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import pymongo
from pymongo import UpdateOne

from loaders.mongo import Database, Document, estimated_count, find, send, utc

_NAME = "unknownOperations"

#: The maximum number of listed operations. No others are added until MongoDB has deleted some.
MOST_UNKNOWN = 10_000
#: The maximum length of the sample of a text, in characters.
LONGEST_SAMPLE = 2_000


class Sighting(NamedTuple):
    """An unknown operation of a client.

    hash: the SHA-256 of its text in hexadecimal, or the id that was sent without a text. client, version: as
    the client names itself; empty if it doesn't. reason: "text", "hash" or "id", whichever was sent.
    sample: the beginning of the text without its literals; empty if only an id was sent.
    """

    hash: str
    client: str
    version: str
    reason: str
    sample: str
    times: int
    last_seen: datetime


async def add_sightings(database: Database, sightings: Iterable[Sighting]) -> None:
    """Adds the counts of operations to those stored. Sends two commands.

    If MOST_UNKNOWN operations are stored, only those that are already there are counted.
    """
    has_room = await estimated_count(database[_NAME]) < MOST_UNKNOWN
    updates = [UpdateOne({"_id": _id(one)}, _update(one), upsert=has_room) for one in sightings]
    await send(database[_NAME], "update", lambda target: target.bulk_write(updates, ordered=False))


async def recent_sightings(database: Database, most: int) -> Sequence[Sighting]:
    """Returns the stored operations, the most recently seen first."""
    found: list[Document] = await find(
        database[_NAME], {}, size=most, sort=[("lastSeen", pymongo.DESCENDING)], limit=most
    )
    return [_sighting(one) for one in found]


def _id(sighting: Sighting) -> Document:
    return {"hash": sighting.hash, "client": sighting.client, "version": sighting.version}


def _update(sighting: Sighting) -> Document:
    known = {"sample": sighting.sample} if sighting.sample else {}
    return {
        "$set": {"reason": sighting.reason, **known},
        "$inc": {"count": sighting.times},
        "$max": {"lastSeen": sighting.last_seen},
    }


def _sighting(document: Document) -> Sighting:
    key = document["_id"]
    return Sighting(
        key["hash"],
        key["client"],
        key["version"],
        document["reason"],
        document.get("sample", ""),
        document["count"],
        utc(document["lastSeen"]),
    )
