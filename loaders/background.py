"""Work that goes on when nobody waits for its result; a process that stops waits for it."""

from asyncio import Task, create_task, get_running_loop, wait
from collections.abc import Coroutine
from time import monotonic
from typing import Any, TypeVar

from loaders.errors import DeadlineError

T = TypeVar("T")

_tasks: set[Task[Any]] = set()


def start(work: Coroutine[Any, Any, T]) -> Task[T]:
    """A task that runs to its end, whoever cancels what waits for it."""
    task = create_task(work)
    _tasks.add(task)
    task.add_done_callback(_done)
    return task


async def outcome(task: Task[T], deadline: float) -> T:
    """What a task returns or raises. Raises DeadlineError at the deadline, and the task goes on.

    deadline: in seconds of time.monotonic().
    """
    await wait({task}, timeout=max(deadline - monotonic(), 0))
    if not task.done():
        raise DeadlineError
    return task.result()


async def finished() -> None:
    """Returns when no task of this event loop is left, those included that were started meanwhile."""
    loop = get_running_loop()
    while tasks := {task for task in _tasks if task.get_loop() is loop}:
        await wait(tasks)


def _done(task: Task[Any]) -> None:
    _tasks.discard(task)
    if not task.cancelled():
        task.exception()  # asyncio would log one that nobody asks for
