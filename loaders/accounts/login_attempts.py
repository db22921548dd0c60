"""How often something was tried, by key, within a time: guesses of passwords are counted.

A key may be any text, of any length: a digest of it is stored.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from pymongo import ReturnDocument

from loaders.mongo import Database, now, send, utc


async def spend_attempt(database: Database, key: str, *, most: int, within: timedelta) -> datetime | None:
    """Counts an attempt; None while there are no more than `most`, else the time when there may be more.

    It is counted before it is made, so that many at once are no way around.
    """
    moment = now()
    goes_on = {"$gt": ["$expiresAt", moment]}
    update = {
        "count": {"$cond": [goes_on, {"$add": ["$count", 1]}, 1]},
        "expiresAt": {"$cond": [goes_on, "$expiresAt", moment + within]},
    }
    counted: dict[str, Any] = await send(
        database["attempts"],
        "findAndModify",
        lambda own: own.find_one_and_update(
            {"_id": _id(key)}, [{"$set": update}], upsert=True, return_document=ReturnDocument.AFTER
        ),
    )
    return utc(counted["expiresAt"]) if counted["count"] > most else None


async def give_back_attempt(database: Database, key: str) -> None:
    """Takes an attempt back that was none."""
    await send(
        database["attempts"],
        "update",
        lambda own: own.update_one({"_id": _id(key), "count": {"$gt": 0}}, {"$inc": {"count": -1}}),
    )


async def forget_attempts(database: Database, key: str) -> None:
    """As if nothing had been tried."""
    await send(database["attempts"], "delete", lambda own: own.delete_one({"_id": _id(key)}))


def _id(key: str) -> bytes:
    return sha256(key.encode()).digest()
