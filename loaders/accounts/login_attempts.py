"""Counts attempts per key within a time window, to limit password guessing and the creation of accounts.

Also remembers keys for a while: the networks from which an account was signed in to. A key can be a string of
any length, because only its digest is stored.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from pymongo import DeleteOne, ReturnDocument, UpdateOne

from loaders.model import Document
from loaders.mongo import Database, find_one, now, send, utc


class Attempt(NamedTuple):
    """The outcome of `spend_attempt`.

    refused_until: when the window ends, if the attempt was refused; None if it was allowed. number: the
    number of attempts that were allowed within the window, including this one.
    """

    refused_until: datetime | None
    number: int


async def spend_attempt(database: Database, key: str, *, most: int, within: timedelta) -> Attempt:
    """Counts an attempt, unless the window already has `most` attempts.

    A window begins with the first attempt, and lasts for `within`. Call this before the attempt is made, so
    that concurrent attempts can't bypass the limit. A refused attempt is not counted, not even for a moment;
    so a flood of refused attempts uses up nothing.
    """
    moment = now()
    is_open = {"$gt": ["$expiresAt", moment]}
    counted = {"$cond": [{"$lt": ["$count", most]}, {"$add": ["$count", 1]}, "$count"]}
    update = {
        "count": {"$cond": [is_open, counted, 1]},
        "expiresAt": {"$cond": [is_open, "$expiresAt", moment + within]},
    }
    before: Document | None = await send(
        database["attempts"],
        "findAndModify",
        lambda own: own.find_one_and_update(
            {"_id": _id(key)}, [{"$set": update}], upsert=True, return_document=ReturnDocument.BEFORE
        ),
    )
    if before is None or utc(before["expiresAt"]) <= moment:
        return Attempt(None, 1)
    if before["count"] < most:
        return Attempt(None, before["count"] + 1)
    return Attempt(utc(before["expiresAt"]), before["count"])


async def give_back_attempts(database: Database, keys: Sequence[str]) -> None:
    """Decrements the counts of some keys, for an attempt that should not have been counted."""
    if keys:
        updates = [UpdateOne({"_id": _id(key), "count": {"$gt": 0}}, {"$inc": {"count": -1}}) for key in keys]
        await send(database["attempts"], "update", lambda own: own.bulk_write(updates, ordered=False))


async def forget_attempts(database: Database, keys: Sequence[str]) -> None:
    """Deletes the counts of the attempts of some keys."""
    deletions = [DeleteOne({"_id": _id(key)}) for key in keys]
    await send(database["attempts"], "delete", lambda own: own.bulk_write(deletions, ordered=False))


async def remember(database: Database, key: str, lasts: timedelta) -> None:
    """Remembers a key for a while, from now on."""
    update = {"$set": {"expiresAt": now() + lasts}}
    await send(
        database["attempts"], "update", lambda own: own.update_one({"_id": _id(key)}, update, upsert=True)
    )


async def is_remembered(database: Database, key: str) -> bool:
    """Returns whether a key is still remembered."""
    found = await find_one(database["attempts"], {"_id": _id(key)}, projection={"expiresAt": 1})
    return found is not None and utc(found["expiresAt"]) > now()


def _id(key: str) -> bytes:
    return sha256(key.encode()).digest()
