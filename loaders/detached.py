"""Tasks that go on to their end when nobody waits for them any more."""

from asyncio import Task, create_task, get_running_loop, wait
from collections.abc import Coroutine
from time import monotonic
from typing import Any, TypeVar

from loaders.errors import DeadlineError

T = TypeVar("T")

_tasks: set[Task[Any]] = set()


def start(coroutine: Coroutine[Any, Any, T]) -> Task[T]:
    """The task, which is kept until it is done; what it raises may go unheard."""
    task = create_task(coroutine)
    _tasks.add(task)
    task.add_done_callback(_done)
    return task


async def outcome(task: Task[T], deadline: float) -> T:
    """What a task gives or raises. Raises DeadlineError at the deadline; the task goes on."""
    await wait({task}, timeout=max(deadline - monotonic(), 0))
    if not task.done():
        raise DeadlineError
    return task.result()


async def settled(seconds: float) -> int:
    """Waits for all of them; how many are left after that time."""
    deadline, loop = monotonic() + seconds, get_running_loop()
    while tasks := {task for task in _tasks if task.get_loop() is loop}:
        if (left := deadline - monotonic()) <= 0:
            break
        await wait(tasks, timeout=left)
    return len(tasks)


def _done(task: Task[Any]) -> None:
    _tasks.discard(task)
    if not task.cancelled():
        task.exception()  # asyncio would log it, if nobody asked for it
