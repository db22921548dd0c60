"""The texts that clients have registered under their SHA-256 (automatic persisted queries)."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import pymongo
from pymongo import UpdateOne
from pymongo.errors import OperationFailure

from loaders.mongo import Database, Document, Expression, aggregate, find_one, now, send
from loaders.persisted.eviction import evict

_NAME = "persistedOperations"
_NO_COLLECTION = 26  # MongoDB's error code for statistics of a collection that doesn't exist


class AutomaticText(NamedTuple):
    """A text with its SHA-256 in hexadecimal, and the time when it is deleted."""

    hash: str
    text: str
    expires_at: datetime


async def find_text(database: Database, hash: str) -> str | None:
    """Returns the text that was registered under a hash, unless it has expired. Sends one command."""
    found: Document | None = await find_one(database[_NAME], {"_id": hash, "expiresAt": {"$gt": now()}})
    text = found.get("text") if found is not None else None
    return text if isinstance(text, str) else None


async def store_texts(database: Database, texts: Iterable[AutomaticText]) -> None:
    """Stores texts, and extends the time of those that are already stored. Sends one command."""
    updates = [
        UpdateOne({"_id": one.hash}, {"$set": {"text": one.text, "expiresAt": one.expires_at}}, upsert=True)
        for one in texts
    ]
    await send(database[_NAME], "update", lambda target: target.bulk_write(updates, ordered=False))


async def evict_texts(database: Database, number: int) -> int:
    """Deletes the texts whose time ends first: those that weren't registered for longest.

    Returns how many were deleted. Sends two commands.
    """
    return await evict(database[_NAME], {}, [("expiresAt", pymongo.ASCENDING)], number)


async def size_of_texts(database: Database) -> tuple[int, int]:
    """Returns the number of stored texts and their size in bytes. Sends one command."""
    statistics: Expression = {"$collStats": {"storageStats": {}}}
    try:
        (found,) = await aggregate(database[_NAME], [statistics], size=1)
    except OperationFailure as error:
        if error.code != _NO_COLLECTION:
            raise
        return 0, 0
    return found["storageStats"]["count"], found["storageStats"]["size"]
