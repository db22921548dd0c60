"""The queue of MongoDB commands: which of them are in flight, and which one is next.

Ten at once are right while commands are fast: more wait for each other more than for MongoDB. One that is
slow stops counting, so that another may start, up to the size of the driver's pool. Queued commands are taken
in rotation: a request with 200 of them delays another by one. Reads and writes queue apart, and so do the
commands of cheap requests: these and writes have slots that others can't take.
"""

from asyncio import AbstractEventLoop, Future, TimerHandle, get_running_loop
from collections import deque
from time import monotonic
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

from loaders import interruptions
from loaders.errors import ClientGoneError, DeadlineError
from loaders.scope import Scope

#: Connections to a MongoDB server. The slots below take 92; the driver's own commands need a few.
POOL = 100

Kind: TypeAlias = Literal["read", "cheap", "write"]

#: Seconds until a command is slow: four times the average, within bounds. When MongoDB is the bottleneck
#: every command takes long, and more of them would take longer.
_LEAST_SLOW, _MOST_SLOW, _TIMES = 0.015, 0.25, 4
_WEIGHT = 0.05  # of the latest command in the average


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
    """A command of a scope (None: of no request). future: raises when the command is not to be started.

    client: the one that sends it; session_id: that of its session while it can be interrupted.
    """

    __slots__ = ("began", "client", "future", "is_ended", "scope", "session_id", "slots", "timer")

    def __init__(self, scope: Scope | None, client: Any, future: Future[Any]) -> None:
        self.scope = scope
        self.client = client
        self.future = future
        self.slots: Slots | None = None
        self.timer: TimerHandle | None = None
        self.began = 0.0
        self.session_id: Any = None
        self.is_ended = False

    @property
    def kind(self) -> Kind:
        scope = self.scope
        if scope is None:
            return "read"
        return "write" if scope.is_writing else "cheap" if scope.cheap else "read"

    def start(self) -> None:
        """Called once, when its turn comes."""
        if not self.future.done():
            self.future.set_result(None)

    def end(self) -> None:
        """Drops it while it is queued, and interrupts it in flight."""
        if self.slots is None:
            self.drop(ClientGoneError())
        else:
            self.is_ended = True
            interruptions.add(self)

    def drop(self, error: Exception) -> None:
        """Takes it out of the queue."""
        if not self.future.done():
            self.future.set_exception(error)


class Queue:
    """The queue of one event loop. Every command that is started is finished once."""

    def __init__(self) -> None:
        self._shared = Slots("read", "cheap", "write", fast=10, total=64)
        self._cheap = Slots("cheap", fast=2, total=12)
        self._write = Slots("write", fast=4, total=16)
        self._kept: dict[Kind, Slots] = {"cheap": self._cheap, "write": self._write}
        self._queued: dict[Kind, dict[Scope | None, deque[Command]]] = {"read": {}, "cheap": {}, "write": {}}
        self._average = 0.0
        self._timer: TimerHandle | None = None

    def submit(self, command: Command) -> None:
        """Starts a command, now or when its turn comes. Past its deadline it is dropped."""
        shared, kind = self._shared, command.kind
        if shared.has_room:
            self._start(command, shared)
        elif (kept := self._kept.get(kind)) and kept.has_room:
            self._start(command, kept)
        else:
            self._wait(command, kind)

    def finish(self, command: Command) -> None:
        """Gives back its slot, if it has one, and starts the next one."""
        took = monotonic() - command.began
        if (slots := command.slots) is None:
            return
        slots.running -= 1
        slots.fast.pop(command, None)
        self._average += (min(took, _MOST_SLOW) - self._average) * _WEIGHT
        if self._timer is not None:
            self._fill()

    def _start(self, command: Command, slots: Slots) -> None:
        command.slots = slots
        command.began = monotonic()
        slots.running += 1
        slots.fast[command] = None
        command.start()

    def _wait(self, command: Command, kind: Kind) -> None:
        scope = command.scope
        if scope is not None:
            command.timer = get_running_loop().call_later(scope.remaining, command.drop, DeadlineError())
        self._queued[kind].setdefault(scope, deque()).append(command)
        if self._timer is None:
            self._arm()

    def _fill(self) -> None:
        """Starts what is queued, as far as there is room. The timer is set while anything is queued."""
        for slots in (self._write, self._cheap, self._shared):
            while slots.has_room and (command := self._next(slots)):
                if command.timer:
                    command.timer.cancel()
                self._start(command, slots)
        if self._timer and not any(self._queued.values()):
            self._timer.cancel()
            self._timer = None

    def _next(self, slots: Slots) -> Command | None:
        """Of the kinds in rotation, and within a kind of the scopes in rotation."""
        for kind in tuple(slots.kinds):
            queued = self._queued[kind]
            while queued:
                scope = next(iter(queued))
                commands = queued.pop(scope)
                command = commands.popleft()
                if commands:
                    queued[scope] = commands
                if not command.future.done():
                    slots.kinds.remove(kind)
                    slots.kinds.append(kind)
                    return command
        return None

    def _arm(self) -> None:
        """Looks again when the oldest command that counts becomes slow."""
        oldest = [next(iter(s.fast)).began for s in (self._shared, self._cheap, self._write) if s.fast]
        soonest = min(oldest, default=monotonic()) + self._slow
        self._timer = get_running_loop().call_later(max(soonest - monotonic(), 0.001), self._let_slow_ones_be)

    def _let_slow_ones_be(self) -> None:
        slow = monotonic() - self._slow
        for slots in (self._shared, self._cheap, self._write):
            while slots.fast and (oldest := next(iter(slots.fast))).began <= slow:
                del slots.fast[oldest]
        self._fill()
        if self._timer:
            self._arm()

    @property
    def _slow(self) -> float:
        return min(max(self._average * _TIMES, _LEAST_SLOW), _MOST_SLOW)


_queues: WeakKeyDictionary[AbstractEventLoop, Queue] = WeakKeyDictionary()


def running() -> Queue:
    """The queue of the running event loop."""
    loop = get_running_loop()
    if (queue := _queues.get(loop)) is None:
        queue = _queues[loop] = Queue()
    return queue
