"""Work that goes on when nobody waits for its result; a process that stops waits for it."""

from asyncio import CancelledError, Task, create_task, get_running_loop, wait
from collections.abc import Callable, Coroutine
from functools import partial
from time import monotonic
from typing import Any, TypeAlias, TypeVar

from loaders.mongo.command_errors import DeadlineError

T = TypeVar("T")

#: Called with a task's kind and its error (None: success), once it ends after its deadline.
Late: TypeAlias = Callable[[str, BaseException | None], None]

_late: list[Late] = []
_tasks: set[Task[Any]] = set()


def start_detached(work: Coroutine[Any, Any, T]) -> Task[T]:
    """A task that runs to its end, whoever cancels what waits for it."""
    task = create_task(work)
    _tasks.add(task)
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
    """Reports the outcome of a task when there is one: nobody waits for it."""
    task.add_done_callback(partial(_report, kind))


def on_late_outcome(report: Late) -> None:
    """Sets what outcomes are reported to."""
    _late[:] = [report]


async def detached_work_done() -> None:
    """Returns when no task of this event loop is left, those included that were started meanwhile."""
    loop = get_running_loop()
    while tasks := {task for task in _tasks if task.get_loop() is loop}:
        await wait(tasks)


def _report(kind: str, task: Task[Any]) -> None:
    error = CancelledError() if task.cancelled() else task.exception()
    for report_late in _late:
        report_late(kind, error)


def _done(task: Task[Any]) -> None:
    _tasks.discard(task)
    if not task.cancelled():
        task.exception()  # asyncio would log one that nobody asks for
