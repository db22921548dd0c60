"""Detached tasks: work that continues even if nobody waits for it.

A process waits for its detached tasks before it stops.
"""

from asyncio import AbstractEventLoop, CancelledError, Task, create_task, get_running_loop, wait
from collections.abc import Coroutine
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from loaders.mongo.command_errors import DeadlineError
from loaders.mongo.scope import OnLate, current_scope

T = TypeVar("T")

# Maps each event loop to its detached tasks that haven't ended yet.
_tasks: WeakKeyDictionary[AbstractEventLoop, set[Task[object]]] = WeakKeyDictionary()


def start_detached(work: Coroutine[Any, Any, T]) -> Task[T]:  # Any: only asyncio handles these values
    """Starts a task that runs to its end, even if its waiters are cancelled."""
    task = create_task(work)
    _tasks.setdefault(task.get_loop(), set()).add(task)
    task.add_done_callback(_done)
    return task


async def outcome(task: Task[T], deadline: float, kind: str | None = None) -> T:
    """Returns a task's result or raises its error.

    At the deadline, raises DeadlineError, but the task continues. deadline: a time on the time.monotonic()
    clock, in seconds. kind: the name under which a late outcome is reported; None if late outcomes aren't
    reported.
    """
    try:
        await wait({task}, timeout=max(deadline - monotonic(), 0))
    finally:
        if kind and not task.done():
            report_late(task, kind)
    if not task.done():
        raise DeadlineError
    return task.result()


def report_late(task: Task[object], kind: str) -> None:
    """Reports the outcome of a task to the current request's listener, once the task ends.

    Call it for a task that the request no longer waits for.
    """
    scope = current_scope.get()
    if scope and scope.on_late:
        task.add_done_callback(partial(_report, scope.on_late, kind))


async def detached_work_done() -> None:
    """Waits for all detached tasks of this event loop, including any that start during the wait."""
    tasks = _tasks.get(get_running_loop())
    while tasks:
        await wait(set(tasks))


def _report(on_late: OnLate, kind: str, task: Task[object]) -> None:
    on_late(kind, CancelledError() if task.cancelled() else task.exception())


def _done(task: Task[object]) -> None:
    _tasks[task.get_loop()].discard(task)
    if not task.cancelled():
        task.exception()  # retrieves the exception, because asyncio would log it otherwise
