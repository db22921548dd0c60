"""The queue of MongoDB commands: which of them are in flight, and which one is next.

Ten at once are right while commands are fast: with more, they wait for each other rather than for MongoDB. A
slow one stops counting, so that another may start, up to the size of the driver's pool. Queued commands are
taken in rotation: a request with 200 of them delays another by one. Reads and writes queue apart, and so do
the commands of cheap requests: these and writes have slots that others can't take.
"""

from asyncio import AbstractEventLoop, Future, TimerHandle, get_running_loop
from collections import deque
from contextlib import AbstractContextManager
from threading import Lock
from time import monotonic
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

import pymongo

from loaders import circuit
from loaders.errors import DeadlineError
from loaders.scope import Scope

#: Connections to a MongoDB server. The slots below take 92; the driver's own commands need a few.
POOL = 100

Kind: TypeAlias = Literal["read", "cheap", "write"]

#: Seconds until a command is slow: while the queue moves, and while no command ends. When MongoDB or the
#: processor is the bottleneck every command takes long, and with more of them in flight each takes longer.
_SLOW, _STALLED = 0.25, 0.05


class Slots:
    """Room for commands of some kinds. fast: how many run at once. total: with those that are slow."""

    __slots__ = ("_fast", "_total", "fast", "kinds", "running")

    def __init__(self, *kinds: Kind, fast: int, total: int) -> None:
        self.kinds = list(kinds)  # in the order of their turns
        self._fast, self._total = fast, total
        self.fast: dict[Command, None] = {}  # in the order in which they began
        self.running = 0

    @property
    def has_room(self) -> bool:
        return len(self.fast) < self._fast and self.running < self._total


class Command:
    """A command of a scope (None: of no request). future: raises when nobody waits for the command any more.

    client: Motor's or PyMongo's async one that sends it. session_id: that of its session while it is in
    flight and can be interrupted. is_write: it is never interrupted.
    """

    __slots__ = (
        "began", "client", "future", "is_stopped", "is_write", "kind", "queue", "scope", "session_id",
        "slots",
    )  # fmt: skip

    def __init__(self, scope: Scope | None, client: Any, future: Future[Any], queue: "Queue") -> None:
        self.scope = scope
        self.client = client
        self.future = future
        self.queue = queue
        self.slots: Slots | None = None
        self.began = 0.0
        self.session_id: Any = None
        self.is_stopped = False
        self.is_write = scope is not None and scope.has_begun
        self.kind: Kind = "read"
        if scope is not None:
            self.kind = "write" if scope.is_writing else "cheap" if scope.cheap else "read"

    def start(self) -> None:
        """Called once, when its turn comes."""
        raise NotImplementedError

    def interrupt(self, error: Exception) -> None:
        """Ends it in flight."""
        raise NotImplementedError

    def timeout(self) -> AbstractContextManager[None]:
        """The driver's own timeouts, from the deadline: for a write."""
        if self.scope is None or (remaining := self.scope.remaining) <= 0:
            raise DeadlineError
        return pymongo.timeout(remaining)

    def expire(self) -> None:
        """The deadline has passed."""
        if self.slots is not None:
            circuit.suspect(self.client)
        self.stop(DeadlineError())

    def stop(self, error: Exception) -> None:
        """Nobody waits for it any more: drops it while it is queued; interrupts a read in flight."""
        if self.slots is None:
            if not self.future.done():
                self.future.set_exception(error)
        elif not self.is_write:
            self.is_stopped = True
            self.interrupt(error)


class Queue:
    """The queue of one event loop. Every command that is started is finished once; a thread may do that, and
    go on with the next one.
    """

    def __init__(self) -> None:
        self._shared = Slots("read", "cheap", "write", fast=10, total=64)
        self._cheap = Slots("cheap", fast=2, total=12)
        self._write = Slots("write", fast=4, total=16)
        self._all = (self._write, self._cheap, self._shared)
        self._kept: dict[Kind, Slots] = {"cheap": self._cheap, "write": self._write}
        self._queued: dict[Kind, dict[Scope | None, deque[Command]]] = {"read": {}, "cheap": {}, "write": {}}
        self._length = 0
        self._moved = 0.0
        self._timer: TimerHandle | None = None
        self._lock = Lock()

    def submit(self, command: Command) -> None:
        """Starts a command, now or when its turn comes."""
        with self._lock:
            if slots := self._room(command.kind):
                self._take(command, slots)
            else:
                self._queued[command.kind].setdefault(command.scope, deque()).append(command)
                self._length += 1
        if slots:
            command.start()
        elif self._timer is None:
            self._timer = get_running_loop().call_later(_STALLED, self._discount_slow)

    def finish(self, command: Command) -> list[Command]:
        """Gives back its slot, if it has one; the commands to start now."""
        with self._lock:
            if (slots := command.slots) is None:
                return []
            command.slots = None
            slots.running -= 1
            slots.fast.pop(command, None)
            self._moved = monotonic()
            return self._startable() if self._length else []

    def _room(self, kind: Kind) -> Slots | None:
        if self._shared.has_room:
            return self._shared
        kept = self._kept.get(kind)
        return kept if kept and kept.has_room else None

    def _take(self, command: Command, slots: Slots) -> None:
        command.slots = slots
        command.began = monotonic()
        slots.running += 1
        slots.fast[command] = None

    def _startable(self) -> list[Command]:
        """What is queued, as far as there is room."""
        found = []
        for slots in self._all:
            while slots.has_room and (command := self._next(slots)):
                self._take(command, slots)
                found.append(command)
        return found

    def _next(self, slots: Slots) -> Command | None:
        """Of the kinds in rotation, and within a kind of the scopes in rotation."""
        for kind in tuple(slots.kinds):
            queued = self._queued[kind]
            while queued:
                scope = next(iter(queued))
                commands = queued.pop(scope)
                command = commands.popleft()
                self._length -= 1
                if commands:
                    queued[scope] = commands
                if not command.future.done():
                    slots.kinds.remove(kind)
                    slots.kinds.append(kind)
                    return command
        return None

    def _discount_slow(self) -> None:
        """Slow commands stop counting, and queued ones take their places."""
        with self._lock:
            now = monotonic()
            slow = now - (_STALLED if now - self._moved >= _STALLED else _SLOW)
            for slots in self._all:
                while slots.fast and (oldest := next(iter(slots.fast))).began <= slow:
                    del slots.fast[oldest]
            found = self._startable()
            again = get_running_loop().call_later(_STALLED, self._discount_slow) if self._length else None
            self._timer = again
        for command in found:
            command.start()


_queues: WeakKeyDictionary[AbstractEventLoop, Queue] = WeakKeyDictionary()


def running() -> Queue:
    """The queue of the running event loop."""
    loop = get_running_loop()
    if (queue := _queues.get(loop)) is None:
        queue = _queues[loop] = Queue()
    return queue
