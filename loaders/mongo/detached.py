"""Work that goes on when nobody waits for its result; a process that stops waits for it."""

from asyncio import AbstractEventLoop, CancelledError, Task, create_task, get_running_loop, wait
from collections.abc import Coroutine
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from loaders.mongo.command_errors import DeadlineError
from loaders.mongo.scope import OnLate, current_scope

T = TypeVar("T")

_tasks: WeakKeyDictionary[AbstractEventLoop, set[Task[Any]]] = WeakKeyDictionary()


def start_detached(work: Coroutine[Any, Any, T]) -> Task[T]:
    """A task that runs to its end, whoever cancels what waits for it."""
    task = create_task(work)
    _tasks.setdefault(task.get_loop(), set()).add(task)
    task.add_done_callback(_done)
    return task


async def outcome(task: Task[T], deadline: float, kind: str | None = None) -> T:
    """What a task returns or raises. Raises DeadlineError at the deadline, and the task goes on.

    deadline: in seconds of time.monotonic(). kind: the name under which a late outcome
    is reported; None: none is.
    """
    try:
        await wait({task}, timeout=max(deadline - monotonic(), 0))
    finally:
        if kind and not task.done():
            report_late(task, kind)
    if not task.done():
        raise DeadlineError
    return task.result()


def report_late(task: Task[Any], kind: str) -> None:
    """Reports how a task ends to the listener of the current request: nobody waits for the task."""
    scope = current_scope.get()
    if scope and scope.on_late:
        task.add_done_callback(partial(_report, scope.on_late, kind))


async def detached_work_done() -> None:
    """Returns when no task of this event loop is left, those included that were started meanwhile."""
    tasks = _tasks.get(get_running_loop())
    while tasks:
        await wait(set(tasks))


def _report(on_late: OnLate, kind: str, task: Task[Any]) -> None:
    on_late(kind, CancelledError() if task.cancelled() else task.exception())


def _done(task: Task[Any]) -> None:
    _tasks[task.get_loop()].discard(task)
    if not task.cancelled():
        task.exception()  # asyncio would log one that nobody asks for
