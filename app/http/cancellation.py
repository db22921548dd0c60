"""Ends a request early if its client disconnects or its deadline passes."""

import asyncio
from collections.abc import Awaitable
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.error_codes import TIMEOUT
from loaders.mongo import Scope

_TICK = 0.05  # seconds between checks of the watched requests

# Seconds after which a request starts to listen for its client to disconnect. Most requests are answered
# sooner, so they never listen.
_PATIENCE = 0.05
_GRACE = 1.0  # seconds that a query has after its deadline to return a partial response, with errors


class TimeoutRefusal(HTTPException):
    """Raised when a request has taken too long."""

    code, limit = TIMEOUT, "LECTERN_REQUEST_TIMEOUT"


class Watches:
    """All watched requests. They share a timer, because a timer per request would slow down small queries."""

    def __init__(self) -> None:
        self._watches: dict[Watch, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # the event loop on which the timer runs

    def add(self, watch: "Watch", loop: asyncio.AbstractEventLoop) -> None:
        self._watches[watch] = None
        if loop is not self._loop:
            self._loop = loop
            loop.call_later(_TICK, self._look)

    def discard(self, watch: "Watch") -> None:
        self._watches.pop(watch, None)

    def _look(self) -> None:
        now = monotonic()
        try:
            for watch in list(self._watches):
                watch.look(now)
        finally:
            if self._watches and self._loop:
                self._loop.call_later(_TICK, self._look)
            else:
                self._loop = None


class Watch:
    """Watches a request: cancels its task if the client disconnects or the scope's deadline passes.

    The task reads the body through `receive`, and calls `close` before it sends the response.
    has_ended: whether this watch has cancelled the task. timeout: the error if the deadline has passed.
    """

    __slots__ = (
        "_began", "_deadline", "_is_awake", "_listener", "_may_listen", "_reads_body", "_receive", "_task",
        "_watches", "has_ended", "scope", "timeout",
    )  # fmt: skip

    def __init__(self, receive: Receive, scope: Scope, watches: Watches) -> None:
        self.scope, self._receive = scope, receive
        self.has_ended = False
        self.timeout: TimeoutRefusal | None = None
        self._began, self._deadline = monotonic(), scope.deadline
        self._is_awake = self._reads_body = self._may_listen = False
        self._listener: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._watches = watches
        watches.add(self, loop)

    def receive(self) -> Awaitable[Message]:
        """Receives the next piece of the body."""
        self._reads_body = True
        return self._receive()

    def listen(self) -> None:
        """Listens for a disconnect, the only message that can follow the body.

        Call this once the body has been read.
        """
        self._reads_body, self._may_listen = False, True
        if self._is_awake:
            self._listener = asyncio.create_task(self._until_gone())

    def begin(self, *, is_query: bool) -> None:
        """Adjusts the watch to the type of the operation, which is about to start.

        A query gets a grace period after its deadline. A mutation is no longer watched, because nobody
        would know how much of an interrupted mutation had been done.
        """
        if is_query:
            self._deadline += _GRACE
        else:
            self.close()

    def close(self) -> None:
        """Stops watching. A disconnect or a missed deadline no longer cancels the task."""
        self._watches.discard(self)
        self._may_listen = False
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None  # breaks a reference cycle: the task's frame refers to this watch

    def look(self, now: float) -> None:
        """Checks the deadline, and starts to listen for a disconnect once the request has taken a while."""
        if not self._is_awake and now - self._began >= _PATIENCE:
            self._is_awake = True
            if self._may_listen:
                self.listen()
        if now >= self._deadline:
            self._expire()

    def _expire(self) -> None:
        if self._reads_body:
            self._end(TimeoutRefusal(408, "The body took too long to arrive.", {"connection": "close"}))
        else:
            self._end(TimeoutRefusal(503, "The request took too long.", {"retry-after": "10"}))

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.scope.leave()
        self._end(None)

    def _end(self, timeout: TimeoutRefusal | None) -> None:
        if not self.has_ended and self._task is not None:
            self.has_ended, self.timeout = True, timeout
            self._task.cancel()
