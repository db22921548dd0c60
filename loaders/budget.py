"""Budgets that several processes share: they lease points from a document for each client.

A document is a bucket: `level` points at the time `at`, which is MongoDB's, so that the clocks of the
processes don't matter. It is deleted once the bucket would be full again; a missing document is a full
bucket.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from pymongo import ReturnDocument, UpdateOne

from loaders.mongo import Database, Document, Expression, send

_MS = 1000  # MongoDB subtracts dates to milliseconds


class Terms(NamedTuple):
    """What a process asks for.

    rate, size: of the bucket, in points a second and points. returned: points that it gives back. least: the
    smallest number of points that it takes; none are granted if the bucket has fewer. usual: the number that
    it takes if the bucket has enough. left: if fewer points than this would be left, all are taken.
    """

    rate: int
    size: int
    returned: int
    least: int
    usual: int
    left: int


class Lease(NamedTuple):
    """granted: the points that are now the process's own. level: the points that are left."""

    granted: int
    level: float


class Return(NamedTuple):
    """Points that a process gives back to a client's bucket. rate, size: of the bucket."""

    client: str
    rate: int
    size: int
    points: int


async def lease(database: Database, client: str, terms: Terms) -> Lease:
    """Takes points from a client's bucket, and gives points back before.

    Of the bucket's points, this takes at most half, unless `least` is more.
    """
    update = [
        _restored(terms.rate, terms.size, terms.returned),
        {"$set": {"granted": _granted(terms)}},
        {"$set": {"level": {"$subtract": ["$level", "$granted"]}}},
        _expiring(terms.rate, terms.size),
    ]
    found: Document = await send(
        database["budgets"],
        "findAndModify",
        lambda own: own.find_one_and_update(
            {"_id": _id(client)}, update, upsert=True, return_document=ReturnDocument.AFTER
        ),
    )
    return Lease(int(found["granted"]), float(found["level"]))


async def give_back(database: Database, returns: Sequence[Return]) -> None:
    """Gives points back to the buckets of several clients, in one command."""
    updates = [
        UpdateOne(
            {"_id": _id(given.client)},
            [_restored(given.rate, given.size, given.points), _expiring(given.rate, given.size)],
        )
        for given in returns
    ]
    await send(database["budgets"], "update", lambda own: own.bulk_write(updates, ordered=False))


def _restored(rate: int, size: int, returned: int) -> Expression:
    """The bucket as it is now: with the points that were restored and returned, but never above its size."""
    elapsed = {"$max": [0, {"$subtract": ["$$NOW", {"$ifNull": ["$at", "$$NOW"]}]}]}
    points = [{"$ifNull": ["$level", size]}, {"$multiply": [elapsed, rate / _MS]}, returned]
    return {"$set": {"level": {"$min": [size, {"$add": points}]}, "at": {"$max": ["$at", "$$NOW"]}}}


def _granted(terms: Terms) -> Expression:
    """The points to take: all of them, if fewer than `left` would be left."""
    half = {"$floor": {"$divide": ["$$all", 2]}}
    taken = {"$max": [terms.least, {"$min": [terms.usual, half]}]}
    rest = {"$lt": [{"$subtract": ["$$all", "$$taken"]}, terms.left]}
    enough = {"$let": {"vars": {"taken": taken}, "in": {"$cond": [rest, "$$all", "$$taken"]}}}
    return {
        "$let": {
            "vars": {"all": {"$floor": "$level"}},
            "in": {"$cond": [{"$lt": ["$$all", terms.least]}, 0, enough]},
        }
    }


def _expiring(rate: int, size: int) -> Expression:
    """The time at which the bucket is full again."""
    ms = {"$ceil": {"$multiply": [{"$subtract": [size, "$level"]}, _MS / rate]}}
    return {"$set": {"expiresAt": {"$add": ["$at", ms]}}}


def _id(client: str) -> bytes:
    return sha256(client.encode()).digest()
