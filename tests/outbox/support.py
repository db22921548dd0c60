"""What the tests of the outbox share: events, and waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from bson import ObjectId

from loaders import outbox
from loaders.mongo import Database, Transaction, transaction
from loaders.outbox import EntryDoc, Event


def published(course: ObjectId) -> Event:
    return Event("course.published", "Course", course, {"courseId": course})


async def noted(database: Database, *events: Event) -> None:
    """Writes events in a transaction of their own."""

    async def work(tx: Transaction) -> None:
        outbox.note(tx, *events)

    await transaction(database, work)


async def entries(database: Database, **query: Any) -> list[EntryDoc]:
    """The entries of the outbox by destination, subject and number."""
    order = [("destination", 1), ("subject", 1), ("sequence", 1)]
    found: Any = await database["outbox"].find(query).sort(order).to_list(None)
    return list(found)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    """Waits for a condition, which can be asynchronous. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (await met if isawaitable(met := condition()) else met):  # noqa: ASYNC110 # sets no event
            await asyncio.sleep(0.02)
