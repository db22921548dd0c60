"""Counts sign-in attempts per key within a time window, to limit password guessing.

A key can be a string of any length, because only its digest is stored.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from pymongo import ReturnDocument

from loaders.model import Document
from loaders.mongo import Database, now, send, utc


async def spend_attempt(database: Database, key: str, *, most: int, within: timedelta) -> datetime | None:
    """Counts an attempt. Returns None if it is allowed; otherwise, the time when the window ends.

    A window allows `most` attempts. It begins with the first attempt, and lasts for `within`. Call this
    before the attempt is made, so that concurrent attempts can't bypass the limit.
    """
    moment = now()
    is_open = {"$gt": ["$expiresAt", moment]}
    update = {
        "count": {"$cond": [is_open, {"$add": ["$count", 1]}, 1]},
        "expiresAt": {"$cond": [is_open, "$expiresAt", moment + within]},
    }
    counted: Document = await send(
        database["attempts"],
        "findAndModify",
        lambda own: own.find_one_and_update(
            {"_id": _id(key)}, [{"$set": update}], upsert=True, return_document=ReturnDocument.AFTER
        ),
    )
    return utc(counted["expiresAt"]) if counted["count"] > most else None


async def give_back_attempt(database: Database, key: str) -> None:
    """Decrements a key's count, for an attempt that should not have been counted."""
    await send(
        database["attempts"],
        "update",
        lambda own: own.update_one({"_id": _id(key), "count": {"$gt": 0}}, {"$inc": {"count": -1}}),
    )


async def forget_attempts(database: Database, key: str) -> None:
    """Deletes the count of a key's attempts."""
    await send(database["attempts"], "delete", lambda own: own.delete_one({"_id": _id(key)}))


def _id(key: str) -> bytes:
    return sha256(key.encode()).digest()
