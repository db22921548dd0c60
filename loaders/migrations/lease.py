"""A lease stored in MongoDB, which ensures that only one process across all machines runs migrations.

The holder renews the lease every few seconds. If the holder dies, the lease expires soon after, and another
process can acquire it. All times are taken from MongoDB's clock, because the clocks of different machines
differ.
"""

import os
import socket
from asyncio import create_task, sleep
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from secrets import token_hex
from typing import NamedTuple

from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from loaders.mongo import Collection, Database, Document, find_one

_LASTS = 15.0  # seconds from the last renewal until the lease expires
_RENEWED = 4.0  # seconds between renewals of the lease
_LOOKED = 0.5  # seconds between attempts to acquire the lease
_ID = "lease"


class Holder(NamedTuple):
    """The process that holds the lease. name: its machine and process id. since: when it got the lease."""

    name: str
    since: datetime


class LeaseHeldError(Exception):
    """Another process holds the lease, and is still renewing it."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(holder)
        self.holder = holder


class LeaseLostError(Exception):
    """This process couldn't renew the lease in time, and another process has acquired it."""


class Lease:
    """This process's claim to the lease. token: marks the stored lease as held by this process."""

    def __init__(self, database: Database) -> None:
        self.token = token_hex(16)
        self._collection = durable(database["migrations"])
        self._is_lost = False

    def check(self) -> None:
        """Raises LeaseLostError if the lease is known to be lost."""
        if self._is_lost:
            raise LeaseLostError

    async def acquire(self, waiting: Callable[[Holder], None]) -> None:
        """Acquires the lease. If another process holds it, waits until it expires or is released.

        Raises LeaseHeldError if that process renews the lease in the meantime, or if a third process acquires
        the lease. waiting: called once with the process that holds the lease, if there is one.
        """
        first: Document | None = None
        while (found := await self._attempt())["token"] != self.token:
            if first is None:
                first = found
                waiting(_holder(found))
            if found["expiresAt"] != first["expiresAt"]:
                raise LeaseHeldError(_holder(found))
            await sleep(_LOOKED)

    async def _attempt(self) -> Document:
        """Takes the lease if it is free or has expired. Returns the stored lease in either case."""
        is_free = {"$lte": [{"$ifNull": ["$expiresAt", "$$NOW"]}, "$$NOW"]}
        name = f"{socket.gethostname()} (process {os.getpid()})"
        own = {
            "token": self.token, "holder": {"$literal": name}, "since": "$$NOW", "expiresAt": _later(),
        }  # fmt: skip
        taken = {field: {"$cond": [is_free, value, f"${field}"]} for field, value in own.items()}
        while True:
            with suppress(DuplicateKeyError):  # another process has just inserted the lease
                await self._collection.update_one({"_id": _ID}, [{"$set": taken}], upsert=True)
            # If there is no lease, another process has just released it.
            if (found := await self._collection.find_one({"_id": _ID})) is not None:
                return dict(found)

    async def renew_regularly(self) -> None:
        """Renews the lease until cancelled, or until another process has acquired it."""
        while not self._is_lost:
            await sleep(_RENEWED)
            with suppress(PyMongoError):  # if MongoDB can't be reached, the migration fails anyway
                renewed = await self._collection.update_one(
                    {"_id": _ID, "token": self.token}, [{"$set": {"expiresAt": _later()}}]
                )
                self._is_lost = renewed.matched_count == 0

    async def release(self) -> None:
        await self._collection.delete_one({"_id": _ID, "token": self.token})


@asynccontextmanager
async def held_lease(database: Database, waiting: Callable[[Holder], None]) -> AsyncIterator[Lease]:
    """Acquires the lease, and holds it until the context ends. Raises LeaseHeldError (see Lease.acquire)."""
    lease = Lease(database)
    await lease.acquire(waiting)
    renewing = create_task(lease.renew_regularly())
    try:
        yield lease
    finally:
        renewing.cancel()
        with suppress(PyMongoError):  # a lease that can't be released expires by itself
            await lease.release()


async def current_holder(database: Database) -> Holder | None:
    """Returns the process that holds the lease, or None if the lease is free or has expired."""
    valid = {"_id": _ID, "$expr": {"$gt": ["$expiresAt", "$$NOW"]}}
    found = await find_one(database["migrations"], valid)
    return _holder(found) if found else None


def durable(collection: Collection) -> Collection:
    """Returns the collection with majority write concern: acknowledged writes are never rolled back."""
    return collection.with_options(write_concern=WriteConcern("majority"))


def _holder(lease: Document) -> Holder:
    return Holder(lease["holder"], lease["since"])


def _later() -> Document:
    return {"$add": ["$$NOW", round(_LASTS * 1000)]}
