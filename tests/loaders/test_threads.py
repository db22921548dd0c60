"""Blocking calls in threads."""

import asyncio
import subprocess
import sys
from asyncio import Future
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from threading import Barrier, Event, Thread, get_ident
from time import monotonic, thread_time

import pytest

from app.database import connect
from app.settings import Settings
from loaders.mongo import DriverObject, Value, commands, queue, threads
from loaders.mongo.database import Database
from loaders.mongo.scope import Scope, current_scope
from loaders.mongo.slots import processor_time, without_lock
from loaders.mongo.threads import Call

who: ContextVar[str] = ContextVar("who")


def run(function: Callable[[Value], Value], argument: Value) -> Future[Value]:
    """Submits a call of a function to the queue, as if `argument` were the driver's object."""
    own = queue.Queue()
    call = Call(None, None, own, function, argument)
    own.submit(call)
    return call.future


async def test_a_call_runs_in_another_thread_in_the_caller_s_context() -> None:
    who.set("the caller")
    assert await run(lambda argument: (argument, who.get()), 7) == (7, "the caller")
    assert await run(lambda _: get_ident(), None) != get_ident()


async def test_an_error_of_the_call_is_raised_in_the_caller() -> None:
    with pytest.raises(KeyError, match="gone"):
        await run({"there": 1}.__getitem__, "gone")


def test_threads_survive_an_event_loop_that_is_closed_meanwhile() -> None:
    go_on = Event()

    async def leave() -> None:
        for _ in range(20):
            run(lambda _: go_on.wait(5), None)

    asyncio.run(leave())
    go_on.set()

    async def count() -> set[int]:
        here = Barrier(10)
        return set(await asyncio.gather(*(run(lambda _: here.wait(5), None) for _ in range(10))))

    assert asyncio.run(count()) == set(range(10))


IN_A_FORK = """
import asyncio, os, sys
from threading import Barrier
from tests.loaders.test_threads import run

async def count():
    here = Barrier(3)
    calls = (run(lambda _: here.wait(5), None) for _ in range(3))
    return set(await asyncio.wait_for(asyncio.gather(*calls), 5))

found = asyncio.run(count())  # leaves three idle threads
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(asyncio.run(count()) != found)
"""


def test_a_forked_process_starts_threads_of_its_own() -> None:
    """`lectern serve` sends commands before it forks its workers."""
    subprocess.run([sys.executable, "-c", IN_A_FORK], check=True, timeout=30)


async def test_the_thread_that_became_idle_last_gets_the_next_call() -> None:
    here = Barrier(4)
    await asyncio.gather(*(run(lambda _: here.wait(5), None) for _ in range(4)))
    assert len({await run(lambda _: get_ident(), None) for _ in range(20)}) == 1


@pytest.mark.alone
async def test_work_without_the_interpreter_lock_does_not_keep_the_process_busy() -> None:
    def spend() -> None:
        until = thread_time() + 0.2
        while thread_time() < until:
            pass

    before = processor_time()
    await asyncio.to_thread(without_lock, spend)
    assert processor_time() - before < 0.15
    await asyncio.to_thread(spend)
    assert processor_time() - before >= 0.2


async def test_a_call_waits_for_a_thread_if_the_system_allows_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused: list[Thread] = []
    start = Thread.start

    def refuse(thread: Thread) -> None:
        if thread.name != "lectern" or len(refused) == 2:
            return start(thread)
        refused.append(thread)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "_idle", [])
    monkeypatch.setattr(Thread, "start", refuse)
    assert await asyncio.wait_for(run(lambda argument: argument, "answered"), 5) == "answered"
    assert len(refused) == 2


async def test_the_result_of_a_cancelled_call_is_discarded() -> None:
    begun, go_on = Event(), Event()

    def block(_: None) -> str:
        begun.set()
        go_on.wait(5)
        return "heard"

    waiting = asyncio.ensure_future(run(block, None))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    assert await run(lambda argument: argument, "the next") == "the next"
    assert waiting.cancelled()


async def test_threads_lose_no_command_and_run_none_twice(settings: Settings) -> None:
    """Threads take and give back slots and queued commands without a lock."""
    ran: list[int] = []

    async def request(number: int, database: Database) -> None:
        current_scope.set(Scope(monotonic() + 60, cheap=bool(number % 2)))
        calls = [partial(_note, ran, number * 100 + n) for n in range(100)]
        await asyncio.gather(*(commands.send(database["courses"], "ping", call) for call in calls))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        async with connect(settings.model_copy(update={"mongodb_driver": "motor"})) as database:
            await asyncio.gather(*(request(number, database) for number in range(40)))
            running = queue.queue_of(database.client)
    finally:
        sys.setswitchinterval(before)
    assert sorted(ran) == list(range(4_000))
    assert [slots._running for slots in running._slots] == [{}] * 3
    assert not any(running._rings.values())


def _note(ran: list[int], number: int, _: DriverObject) -> None:
    ran.append(number)
