"""Work that goes on when nobody waits for its result; a process that stops waits for it.

It belongs to one event loop: the one of the process that serves.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_tasks: set[asyncio.Task[Any]] = set()


def start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that runs to its end, whoever cancels what waits for it."""
    task = asyncio.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def finished() -> None:
    """Returns when none is left, those included that were started meanwhile."""
    while _tasks:
        await asyncio.wait(_tasks)
