"""Threads that run commands through the blocking driver."""

import os
from asyncio import Future, get_running_loop
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any

from pymongo.errors import ConnectionFailure

from loaders.mongo import driver_sessions, interruptions
from loaders.mongo.bson_types import DriverCall, DriverObject, Result, Stored
from loaders.mongo.command_errors import ClientGoneError
from loaders.mongo.finds import Lookup
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope


class Call(Command):
    """A command that is sent by running `call(target)` in a thread.

    `target` is an object of the blocking driver. `call` runs with a copy of the caller's context variables.
    The future gets the result or error. If the future is cancelled, the result is discarded, but the command
    keeps its slot until `call` returns, or until it is abandoned (loaders/mongo/interruptions.py).

    asyncio.to_thread isn't used, because it would add a second future and an executor's locks, a noticeable
    cost for a short call.
    """

    __slots__ = ("call", "context", "loop", "target")

    def __init__(
        self,
        scope: Scope | None,
        client: DriverObject,
        queue: Queue,
        call: DriverCall,
        target: DriverObject,
        lookup: Lookup | None = None,
    ) -> None:
        self.loop = get_running_loop()
        super().__init__(scope, client, self.loop.create_future(), queue, lookup)
        self.call = call
        self.target = target
        self.context: Context = copy_context()

    def outcome(self) -> Future[Result]:
        """Returns the future, which gets the call's result or error."""
        return self.future

    def run(self) -> Result:
        """Makes the call. Runs in a thread."""
        self.sent = perf_counter()  # not earlier, because the command may have waited for a thread
        try:
            if self.scope is None:
                return self.call(self.target)
            if not self.is_write:
                return self._interruptible()
            with self.timeout():
                return self.call(self.target)
        finally:
            self.ended = perf_counter()

    def _interruptible(self) -> Result:
        """Makes the call in a separate driver session, so that the call can be killed by the session's id."""
        client = self.client.delegate
        lent = driver_sessions.lend(client)
        self.session_id = lent.id
        try:
            if self.is_stopped or self.future.done():
                raise ClientGoneError
            with lent.session.bind(end_session=False):
                if (merged := self.merged_lookup()) is not None and (own := self._own(merged)) is not None:
                    return own
                return self.call(self.target)
        finally:
            self.session_id = None
            if not self.is_interrupted:
                driver_sessions.give_back(client, lent)

    def _own(self, merged: Lookup) -> list[Stored] | None:
        """Does a merged look-up. Returns this command's own documents; None if it must be sent by itself."""
        try:
            return self.share(merged.fetch(self.target))
        except Exception as error:
            if isinstance(error, ConnectionFailure) or self.is_interrupted:
                raise
            return None  # the key of a follower may be the reason

    def start(self) -> None:
        """Hands the call to the thread that became idle last, or starts a new one.

        That thread's data is the most likely to be in the processor's caches.
        """
        try:
            calls = _idle.pop()
        except IndexError:
            calls = SimpleQueue()
            try:
                Thread(target=_work, args=(calls,), name="lectern", daemon=True).start()
            except RuntimeError:  # the system allows no more threads
                self.loop.call_later(_NEXT_TRY, self.start)
                return
        calls.put(self)

    def interrupt(self) -> None:
        """Has MongoDB kill the command within a second."""
        self.is_interrupted = True
        interruptions.add(self)

    def settle(self, settle: Callable[[Any], None], outcome: Any) -> None:  # Any: a result or an exception
        """Completes the future with the outcome of the call. Runs in the event loop.

        settle: the future's set_result or set_exception.
        """
        if self.followers:
            self.answer_followers(outcome if isinstance(outcome, BaseException) else None)
        self.queue.fill()
        if not self.future.done():
            settle(outcome)


_NEXT_TRY = 0.05  # seconds until a call that got no thread tries again

_idle: list[SimpleQueue[Call]] = []  # in each of these, an idle thread waits for its next call

# A forked process has none of its parent's threads. A call that was handed to one of them would never run.
os.register_at_fork(after_in_child=_idle.clear)


def _work(calls: SimpleQueue[Call]) -> None:
    while True:
        # In a frame of its own, so that the idle thread keeps no reference to its last call.
        _run(calls.get(), calls)


def _run(call: Any, calls: SimpleQueue[Call]) -> None:  # Any, because queue.finish returns a Command
    """Runs a call, then any queued calls, so that no other thread has to be woken for them."""
    while call:
        settle: Callable[[Any], None] = call.future.set_result  # Any: a result or an exception
        try:
            outcome: Any = call.context.run(call.run)  # Any: a result or an exception
        except BaseException as error:  # every exception, because otherwise the caller would wait forever
            settle, outcome = call.future.set_exception, error
        call.has_ended = True
        following = call.queue.finish(call)
        if following is None:
            # Mark this thread as idle before the event loop continues and submits the next call.
            _idle.append(calls)
        try:  # noqa: SIM105  # suppress is slower, and this runs for every command
            call.loop.call_soon_threadsafe(call.settle, settle, outcome)
        except RuntimeError:  # the event loop was closed in the meantime, so nobody is waiting
            pass
        call = following
