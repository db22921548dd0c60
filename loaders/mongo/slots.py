"""Slots for MongoDB commands, and how many commands may be in flight at the same time."""

from collections.abc import Callable, Sequence
from math import inf
from threading import get_ident
from time import monotonic, process_time, thread_time
from typing import Literal, TypeAlias, TypeVar

#: The maximum number of fast commands in flight. Two more are allowed for cheap requests, and another two for
#: writes.
FAST = 8

Kind: TypeAlias = Literal["read", "cheap", "write"]

# The process is busy if it uses at least _BUSY of a core, and has time left if it uses less than _FREE.
_BUSY, _FREE = 0.98, 0.95

T = TypeVar("T")

_unlocked: dict[int, float] = {}  # processor time of calls made by `without_lock`, keyed by the thread's id


def without_lock(call: Callable[[], T]) -> T:
    """Makes a call that releases the GIL, and leaves its CPU time out of `processor_time`."""
    began, thread = thread_time(), get_ident()
    try:
        return call()
    finally:
        _unlocked[thread] = _unlocked.get(thread, 0.0) + thread_time() - began


def processor_time() -> float:
    """Returns the processor time of this process, in seconds, without that of calls by `without_lock`."""
    return process_time() - sum(list(_unlocked.values()))


class FastLimit:
    """The limit of fast commands in flight: as few as keep the process busy, at most FAST.

    A command in flight needs the processor only to send the command and to decode the reply. So while the
    process waits for MongoDB, more commands in flight get more work done. Once it is busy all the time,
    further commands only interrupt the others, and leave fewer look-ups queued for merging.
    """

    __slots__ = ("_at", "_used", "limit")

    def __init__(self, at: float, used: float) -> None:
        self.limit = FAST
        self._at, self._used = at, used

    def adjust(self, at: float, used: float) -> int:
        """Returns the new limit: one less if the process was busy since the last call; twice as many if it
        had time left.

        at: the time. used: the processor time used until then. Both are in seconds.
        """
        elapsed, busy = at - self._at, used - self._used
        self._at, self._used = at, used
        if busy >= _BUSY * elapsed:
            self.limit = max(self.limit - 1, 1)
        elif busy < _FREE * elapsed:
            self.limit = min(self.limit * 2, FAST)
        return self.limit


class Slots:
    """Slots for commands of certain kinds. Commands are compared by identity.

    fast_limit: the maximum number of fast commands. total: the maximum number of fast and slow commands
    together.

    Several threads use the slots and the queue without a lock, so they never wait for each other. This is
    safe, because Python's global interpreter lock makes each operation on a dictionary or a deque atomic.
    """

    __slots__ = ("_fast", "_first_kind", "_kinds", "_running", "_total_limit", "fast_limit")

    def __init__(self, *kinds: Kind, fast: int, total: int) -> None:
        self._kinds = kinds
        self._first_kind = 0
        self.fast_limit, self._total_limit = fast, total
        self._running: dict[object, None] = {}
        self._fast: dict[object, float] = {}  # when each fast command began

    @property
    def running(self) -> int:
        """The number of commands that have one of these slots."""
        return len(self._running)

    @property
    def has_room(self) -> bool:
        return len(self._fast) < self.fast_limit and len(self._running) < self._total_limit

    def rotated_kinds(self) -> Sequence[Kind]:
        """Returns the kinds of commands that can use these slots.

        Each call starts with a different kind, in rotation.
        """
        if len(self._kinds) == 1:
            return self._kinds
        self._first_kind = first = (self._first_kind + 1) % len(self._kinds)
        return self._kinds[first:] + self._kinds[:first]

    def take(self, command: object) -> None:
        self._running[command] = None
        self._fast[command] = monotonic()

    def give_back(self, command: object) -> bool:
        """Frees a command's slot. Returns whether the command still counted as fast.

        Returns False if the slot was already free, or if the command was marked as slow.
        """
        was_taken = self._running.pop(command, self) is None
        return self._fast.pop(command, None) is not None and was_taken

    def release(self, began: float) -> None:
        """Marks as slow every command that started at or before the time `began`.

        Slow commands don't count towards `fast_limit`.
        """
        for command in self._since(began):
            self._fast.pop(command, None)

    def long_ones(self, began: float) -> int:
        """Returns the number of fast commands that started at or before the time `began`."""
        return len(self._since(began))

    def _since(self, began: float) -> list[object]:
        commands = list(self._fast)  # copied in one call, because other threads change the dictionary
        return [command for command in commands if self._fast.get(command, inf) <= began]
