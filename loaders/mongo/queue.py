"""MongoDB commands: those in flight, and the queue.

A few at once are right while commands are fast; with more, they slow each other down. A slow command stops
counting, so that another may start, up to the size of the driver's pool. Queued commands are taken in
rotation: a request with 200 of them delays another by one. Reads and writes queue apart, and so do the
commands of cheap requests: these and writes have slots that others can't take.
"""

from asyncio import AbstractEventLoop, Future, TimerHandle, get_running_loop
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

import pymongo

from loaders.mongo import circuit
from loaders.mongo.command_errors import ClientGoneError, DeadlineError
from loaders.mongo.scope import Scope

#: Connections to a MongoDB server. The slots below take 92; the driver's own commands need a few.
POOL = 100

#: Fast commands in flight, of any kind; two more of cheap requests, and two of writes.
FAST = 8

Kind: TypeAlias = Literal["read", "cheap", "write"]

#: Seconds until a command is slow: while the queue moves, and while no command ends. When MongoDB or the
#: processor is the bottleneck every command takes long, and with more of them in flight each takes longer.
_SLOW, _STALLED = 0.25, 0.05

_TICK = 0.05  # seconds between two looks at deadlines and slow commands


class Slots:
    """Room for commands of some kinds. fast: how many run at once. total: with those that are slow.

    Threads take and give back slots, and what is queued, without a lock: they would wait for it while they
    wait for the interpreter's own, which makes each operation of a dictionary or a deque atomic.
    """

    __slots__ = ("_fast", "_fast_limit", "_kinds", "_running", "_total_limit", "_turn")

    def __init__(self, *kinds: Kind, fast: int, total: int) -> None:
        self._kinds = kinds
        self._turn = 0
        self._fast_limit, self._total_limit = fast, total
        self._running: dict[Command, None] = {}
        self._fast: dict[Command, None] = {}

    @property
    def has_room(self) -> bool:
        return len(self._fast) < self._fast_limit and len(self._running) < self._total_limit

    def in_turn(self) -> Sequence[Kind]:
        """The kinds, each the first in its turn."""
        if len(self._kinds) == 1:
            return self._kinds
        self._turn = turn = (self._turn + 1) % len(self._kinds)
        return self._kinds[turn:] + self._kinds[:turn]

    def take(self, command: "Command") -> None:
        command.slots = self
        command.began = monotonic()
        self._running[command] = self._fast[command] = None

    def give_back(self, command: "Command") -> bool:
        """Whether another may have it: it was taken, and its command was not slow."""
        was_taken = self._running.pop(command, self) is None
        return self._fast.pop(command, self) is None and was_taken

    def release(self, began: float) -> None:
        """What began by then stops counting as fast."""
        for command in list(self._fast):
            if command.began <= began:
                self._fast.pop(command, None)


class Line:
    """The queued commands of one kind of one request."""

    __slots__ = ("commands",)

    def __init__(self) -> None:
        self.commands: deque[Command] = deque()

    def next(self) -> "Command | None":
        try:
            return self.commands.popleft()
        except IndexError:
            return None


class Command:
    """A command of a scope (None: of no request). future: raises when nobody waits for the command any more.

    client: Motor's or PyMongo's async one that sends it. session_id: that of its session while it is in
    flight and can be interrupted. is_write: it is never interrupted.
    """

    __slots__ = (
        "began", "client", "future", "has_ended", "is_stopped", "is_write", "kind", "queue", "scope",
        "session_id", "slots",
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
        self.has_ended = False
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
        """The driver's own timeouts, from the deadline."""
        if self.scope is None or (remaining := self.scope.remaining) <= 0:
            raise DeadlineError
        return pymongo.timeout(remaining)

    def give_up(self) -> None:
        """Gives back its slot, if it has one still, whatever becomes of it."""
        if following := self.queue.finish(self):
            following.start()
        self.queue.fill()

    def is_late(self, now: float) -> bool:
        """Whether its deadline has passed, and it was not stopped."""
        return self.scope is not None and now >= self.scope.deadline and not self.is_stopped

    def expire(self) -> None:
        """The deadline has passed."""
        self.queue.leave(self)  # it is told once
        if self.slots is not None:
            circuit.suspect(self.client)
        self.stop(DeadlineError())

    def stop(self, error: Exception) -> None:
        """Nobody waits for it any more: drops it while it is queued; interrupts a read in flight."""
        if not self.is_write:
            self.is_stopped = True  # before the slot is looked at: a thread takes it, and then looks at this
        if self.slots is None:
            if not self.future.done():
                self.future.set_exception(error)
        elif not self.is_write:
            self.interrupt(error)


class Queue:
    """The queue of one event loop. Every command that is started is finished once; a thread may do that, and
    go on with the next one.
    """

    def __init__(self) -> None:
        self._shared = Slots("read", "cheap", "write", fast=FAST, total=64)
        self._kept: dict[Kind, Slots] = {
            "write": Slots("write", fast=2, total=16),
            "cheap": Slots("cheap", fast=2, total=12),
        }
        self._slots = (*self._kept.values(), self._shared)
        self._rings: dict[Kind, dict[Line, None]] = {"read": {}, "cheap": {}, "write": {}}
        self._lines: dict[Kind, Line] = {}  # of commands of no request
        self._requests: set[Command] = set()  # those of requests
        self._moved = 0.0
        self._timer: TimerHandle | None = None

    def enter(self, command: Command, scope: Scope) -> None:
        """As `submit`, of a request: it ends at the deadline, and when the client leaves."""
        scope.queue = self
        self._requests.add(command)
        self._wake()
        self.submit(command)

    def leave(self, command: Command) -> None:
        """Nobody waits for it any more, or it has ended."""
        self._requests.discard(command)

    def stop(self, scope: Scope) -> None:
        """Ends the commands of a client that has left."""
        for command in [command for command in self._requests if command.scope is scope]:
            command.stop(ClientGoneError())

    def submit(self, command: Command) -> None:
        """Starts a command, now or when its turn comes."""
        kind = command.kind
        kept = self._kept.get(kind)
        if self._shared.has_room:
            self._start(command, self._shared)
        elif kept and kept.has_room:
            self._start(command, kept)
        else:
            lines = self._lines if command.scope is None else command.scope.lines
            line = lines.setdefault(kind, Line())
            line.commands.append(command)
            self._rings[kind][line] = None
            self._wake()

    def finish(self, command: Command) -> Command | None:
        """Gives back its slot. A thread goes on with what is returned; `fill` is called in the loop."""
        self._moved = monotonic()
        if (slots := command.slots) is None or not slots.give_back(command):
            return None
        following = self._dequeued(slots) if self._is_waited_for and slots.has_room else None
        if following:
            slots.take(following)
        return following

    def fill(self) -> None:
        """Starts what is queued, as far as there is room."""
        if not self._is_waited_for:
            return
        for slots in self._slots:
            while slots.has_room and (command := self._dequeued(slots)):
                self._start(command, slots)

    @property
    def _is_waited_for(self) -> bool:
        rings = self._rings
        return bool(rings["read"] or rings["cheap"] or rings["write"])

    def _start(self, command: Command, slots: Slots) -> None:
        slots.take(command)
        command.start()

    def _dequeued(self, slots: Slots) -> Command | None:
        """Of the kinds in rotation, and within a kind of the requests in rotation."""
        for kind in slots.in_turn():
            ring = self._rings[kind]
            while line := _first(ring):
                command = line.next()
                if line.commands:  # what is added from now on puts the line into the ring itself
                    ring[line] = None
                if command and not command.future.done():
                    return command
        return None

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = get_running_loop().call_later(_TICK, self._tick)

    def _tick(self) -> None:
        """One timer for all commands: one for each would take longer than what else is done for it here."""
        now = monotonic()
        try:
            for command in [command for command in self._requests if command.is_late(now)]:
                command.expire()
            if self._is_waited_for:
                self._release_slow(now)
        finally:
            self._timer = None
            if self._requests or self._is_waited_for:
                self._wake()

    def _release_slow(self, now: float) -> None:
        """Slow commands stop counting, and what is queued gets their places."""
        slow = now - (_STALLED if now - self._moved >= _STALLED else _SLOW)
        for slots in self._slots:
            slots.release(slow)
        self.fill()


def _first(ring: "dict[Line, None]") -> "Line | None":
    """Takes the first line out of a ring."""
    while ring:
        try:
            line = next(iter(ring))
            del ring[line]
        except (KeyError, RuntimeError, StopIteration):  # another thread has taken it
            continue
        return line
    return None


_queues: WeakKeyDictionary[AbstractEventLoop, Queue] = WeakKeyDictionary()


def running() -> Queue:
    """The queue of the running event loop."""
    loop = get_running_loop()
    if (queue := _queues.get(loop)) is None:
        queue = _queues[loop] = Queue()
    return queue
