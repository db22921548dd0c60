"""What ends a request before its answer: its client goes away, or its time is up."""

import asyncio
from collections.abc import Awaitable
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from loaders.mongo import Scope

_TICK = 0.05  # seconds between two looks at all
_PATIENCE = 0.05  # seconds that a request takes before its client is watched: most are answered by then
_GRACE = 1.0  # seconds past the deadline in which the fields of a query may fail one by one


class TimeoutRefusal(HTTPException):
    code = "TIMEOUT"


class Watches:
    """The requests that are watched. One timer serves them all: to set and cancel one for each takes a small
    query longer.
    """

    def __init__(self) -> None:
        self._watches: dict[Watch, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # where the timer is set

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
    """Cancels the task that made it when the client goes away or the scope's deadline passes.

    Its owner reads the body through `receive`, then calls `listen`; and `close` before the answer is sent.
    timeout: why it was cancelled; None when the client is gone.
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
        """The next piece of the body."""
        self._reads_body = True
        return self._receive()

    def listen(self) -> None:
        """The body is read: what is received from now on is that the client went away."""
        self._reads_body, self._may_listen = False, True
        if self._is_awake:
            self._listener = asyncio.create_task(self._until_gone())

    def begin(self, *, is_query: bool) -> None:
        """The operation is run. A mutation is from now on: nobody could say how much of it was done."""
        if is_query:
            self._deadline += _GRACE
        else:
            self.close()

    def close(self) -> None:
        """Nothing ends the request any more."""
        self._watches.discard(self)
        self._may_listen = False
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None  # breaks a cycle: the task's frame refers to this watch

    def look(self, now: float) -> None:
        """Whether its time is up, and whether the client has to be listened to by now."""
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
