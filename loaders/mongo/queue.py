"""Admission control for MongoDB commands: some are in flight, the others wait in a fair queue.

As long as commands are fast, it is best to run only a few concurrently, because each further command would
slow down the others; how few depends on how busy the process is (loaders/mongo/slots.py). A slow command
stops counting towards that limit, so that another can start, up to the size of the driver's connection pool.
The queue serves requests in rotation: a request with 200 commands delays another request by only one command.
Reads, writes and the commands of cheap requests have separate queues; writes and cheap requests have reserved
slots.

Queued look-ups that differ only in their keys are sent as one command, when the first of them gets a slot.
"""

from asyncio import Future, TimerHandle, get_running_loop
from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from time import monotonic
from weakref import finalize

import pymongo
from pymongo.errors import ConnectionFailure

from loaders.mongo import circuit
from loaders.mongo.bson_types import DriverObject, Result, Stored, Value
from loaders.mongo.command_errors import ClientGoneError, DeadlineError
from loaders.mongo.finds import Lookup, shares
from loaders.mongo.scope import Scope
from loaders.mongo.slots import FAST, FastLimit, Kind, Slots, processor_time

#: The maximum number of connections to a MongoDB server. The slots below take up to 92; the driver's own
#: commands need a few.
POOL = 100

#: Seconds after which a command counts as slow: _STALLED if no command has ended for _STALLED seconds,
#: otherwise _SLOW. _SLOW is longer, because while commands still end, MongoDB or the processor might just be
#: busy. More commands in flight would then make each command even slower.
_SLOW, _STALLED = 0.25, 0.05

#: The maximum number of keys of a merged command.
MOST_KEYS = 100

# How many requests, and how many commands of each, are scanned for mergeable look-ups.
_SCANNED_LINES, _SCANNED_COMMANDS = 64, 8

_TICK = 0.05  # seconds between checks for missed deadlines and slow commands

# Seconds in flight after which a command waits for MongoDB rather than for this process's processor.
_LONG = 0.02


class Line:
    """The queued commands of one kind that belong to one request."""

    __slots__ = ("commands",)

    def __init__(self) -> None:
        self.commands: deque[Command] = deque()

    def first(self, number: int) -> "list[Command]":
        """Returns the next commands, at most `number`, without taking them."""
        found = []
        with suppress(IndexError):  # there are fewer, or another thread has taken some
            for position in range(number):
                found.append(self.commands[position])
        return found

    def next(self) -> "Command | None":
        try:
            return self.commands.popleft()
        except IndexError:
            return None


class Command:
    """A command to MongoDB. If `scope` is None, the command belongs to no request.

    future: what the caller awaits; it fails if the command is stopped while queued. session_id: the id of
    the driver session through which the command can be killed; None if it can't be killed. is_write: whether
    the command belongs to a mutation. If so, it is never interrupted.
    sent, ended: when the driver was called and when it returned, on the time.perf_counter() clock.

    lookup: what the command looks up; None if it can't be merged with other commands. merge_key: that of the
    look-up, known once the command is queued. followers: the commands whose look-ups this one does too.
    shares: the followers' documents. carrier: the command that does this one's look-up, until it has ended.
    is_merged: whether another command does this one's look-up, or has done it. is_interrupted: whether
    MongoDB has been asked to kill the command, or will be.
    """

    __slots__ = (
        "carrier", "client", "ended", "followers", "future", "has_ended", "is_interrupted",
        "is_merged", "is_stopped", "is_write", "kind", "lookup", "merge_key", "queue", "scope", "sent",
        "session_id", "shares", "slots",
    )  # fmt: skip

    def __init__(
        self,
        scope: Scope | None,
        client: DriverObject,
        future: Future[Result],
        queue: "Queue",
        lookup: Lookup | None = None,
    ) -> None:
        self.scope = scope
        self.client = client
        self.future = future
        self.queue = queue
        self.slots: Slots | None = None
        self.session_id: Value = None
        self.is_stopped = False
        self.has_ended = False
        self.is_write = scope is not None and scope.has_begun
        self.kind: Kind = "read"
        if scope is not None:
            self.kind = "write" if scope.is_writing else "cheap" if scope.cheap else "read"
        self.lookup = None if scope is None or self.is_write else lookup
        self.merge_key: Hashable = None
        self.followers: Mapping[Command, Lookup] = {}
        self.shares: Sequence[list[Stored]] = ()
        self.carrier: Command | None = None
        self.is_merged = self.is_interrupted = False
        self.sent = self.ended = 0.0

    def start(self) -> None:
        """Sends the command. Called when the command gets a slot."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Kills the command, which must be in flight."""
        raise NotImplementedError

    def timeout(self) -> AbstractContextManager[None]:
        """Makes the driver time out at the request's deadline, or at the last of those of the followers.

        Raises DeadlineError if that has already passed.
        """
        scopes = [command.scope for command in (self, *self.followers)]
        if (remaining := max(scope.remaining if scope else 0.0 for scope in scopes)) <= 0:
            raise DeadlineError
        return pymongo.timeout(remaining)

    def give_up(self) -> None:
        """Gives back the command's slot, if it has one, before the command has ended."""
        if following := self.queue.finish(self):
            following.start()
        self.queue.fill()

    def is_late(self, now: float) -> bool:
        """Returns whether the deadline has passed and the command hasn't been stopped yet."""
        return self.scope is not None and now >= self.scope.deadline and not self.is_stopped

    def expire(self) -> None:
        """Stops the command because its deadline has passed."""
        self.queue.leave(self)  # so that the next check doesn't stop the command again
        if (self.carrier or self).slots is not None:
            circuit.suspect(self.client)
        self.stop(DeadlineError())

    def stop(self, error: Exception) -> None:
        """Drops the command if it is queued, and interrupts it if it is a read in flight.

        Called when nobody waits for the command any more. A command with followers is interrupted once nobody
        waits for those either.
        """
        if not self.is_write:
            # This thread sets `is_stopped`, then reads `slots`. The thread that runs the command sets
            # `slots`, then reads `is_stopped`. So at least one of the two sees the other's change.
            self.is_stopped = True
        if self.slots is None or not self.is_write:
            self.fail(error)
        carrier = self.carrier or self
        if carrier.slots is not None and all(c.is_stopped for c in (carrier, *carrier.followers)):
            carrier.interrupt()

    def fail(self, error: Exception) -> None:
        """Makes the caller's wait end with an error."""
        if not self.future.done():
            self.future.set_exception(error)

    def merged_lookup(self) -> Lookup | None:
        """Returns the look-up that this command does for itself and its followers; None without followers."""
        return self.lookup.union(self.followers.values()) if self.lookup and self.followers else None

    def share(self, documents: Sequence[Stored]) -> list[Stored] | None:
        """Splits the documents of the merged look-up. Returns those of this command; None if it can't."""
        asked = [self.lookup] if self.lookup else []
        found = shares([*asked, *self.followers.values()], documents)
        if found is None:
            return None
        self.shares = found[1:]
        return found[0]

    def answer_followers(self, error: BaseException | None) -> None:
        """Gives each follower its documents. If there are none, the followers are sent by themselves.

        Called in the event loop, once the call has ended. error: why it failed, if it did. If MongoDB can't
        be reached, the followers fail too, so that no command is sent for each of them.
        """
        followers, self.followers = self.followers, {}
        found, self.shares = self.shares, ()
        for number, command in enumerate(followers):
            command.carrier = None
            if command.future.done():
                continue
            if found or isinstance(error, ConnectionFailure):
                command.sent, command.ended = self.sent, self.ended
            if found:
                command.future.set_result(found[number])
            elif isinstance(error, ConnectionFailure):
                command.fail(error)
            else:
                command.is_merged = False
                if not isinstance(error, ClientGoneError):  # which means that nothing was sent
                    command.lookup = command.merge_key = None
                self.queue.submit(command)


class Queue:
    """The command queue of one client. Call `finish` for each started command that ends or is abandoned."""

    def __init__(self) -> None:
        self._shared = Slots("read", "cheap", "write", fast=FAST, total=64)
        self._reserved: dict[Kind, Slots] = {
            "write": Slots("write", fast=2, total=16),
            "cheap": Slots("cheap", fast=2, total=12),
        }
        self._slots = (*self._reserved.values(), self._shared)
        self._rings: dict[Kind, dict[Line, None]] = {"read": {}, "cheap": {}, "write": {}}
        self._unscoped_lines: dict[Kind, Line] = {}  # for commands that don't belong to a request
        self._queued: dict[Command, None] = {}  # whichever thread removes a command must send it
        self._watched: set[Command] = set()  # the unfinished commands that belong to requests
        self._fast_limit = FastLimit(monotonic(), processor_time())
        self._last_finish = 0.0
        self._timer: TimerHandle | None = None

    def enter(self, command: Command, scope: Scope) -> None:
        """Submits a request's command, and stops it at the deadline or when the client disconnects."""
        scope.queue = self
        self._watched.add(command)
        self._wake()
        self.submit(command)

    def leave(self, command: Command) -> None:
        """Stops watching a command that was submitted with `enter`."""
        self._watched.discard(command)

    def stop(self, scope: Scope) -> None:
        """Stops a request's commands, because the client has disconnected."""
        for command in [command for command in self._watched if command.scope is scope]:
            command.stop(ClientGoneError())

    def submit(self, command: Command) -> None:
        """Starts a command if a slot is free; otherwise queues the command."""
        kind = command.kind
        reserved = self._reserved.get(kind)
        if self._shared.has_room:
            self._start(command, self._shared)
        elif reserved and reserved.has_room:
            self._start(command, reserved)
        else:
            lines = self._unscoped_lines if command.scope is None else command.scope.lines
            line = lines.setdefault(kind, Line())
            if command.lookup is not None:
                command.merge_key = command.lookup.merge_key()
            self._queued[command] = None
            line.commands.append(command)
            self._rings[kind][line] = None
            self._wake()

    def finish(self, command: Command) -> Command | None:
        """Frees a command's slot. Returns the next command, if any; the caller must start it.

        It can be called in any thread. Afterwards, `fill` must be called in the event loop.
        """
        self._last_finish = monotonic()
        if (slots := command.slots) is None or not slots.give_back(command):
            return None
        following = self._dequeue(slots) if self._has_queued and slots.has_room else None
        if following:
            _take(following, slots)
        return following

    def fill(self) -> None:
        """Starts queued commands while slots are free."""
        if not self._has_queued:
            return
        for slots in self._slots:
            while slots.has_room and (command := self._dequeue(slots)):
                self._start(command, slots)

    @property
    def _has_queued(self) -> bool:
        rings = self._rings
        return bool(rings["read"] or rings["cheap"] or rings["write"])

    @property
    def in_flight(self) -> int:
        """The number of commands that have a slot."""
        return sum(slots.running for slots in self._slots)

    @property
    def waiting(self) -> int:
        """The number of queued commands."""
        return len(self._queued)

    def _start(self, command: Command, slots: Slots) -> None:
        _take(command, slots)
        command.start()

    def _dequeue(self, slots: Slots) -> Command | None:
        """Takes the next command from the queue, or returns None if there is none.

        The kinds take turns; within a kind, the requests take turns.
        """
        for kind in slots.rotated_kinds():
            ring = self._rings[kind]
            while line := _take_first(ring):
                command = line.next()
                if line.commands:  # this request has more commands of this kind, and gets another turn
                    ring[line] = None
                if command and self._claim(command):
                    if command.merge_key is not None and command.lookup is not None:
                        command.followers = self._followers(command, command.lookup, ring)
                    return command
        return None

    def _claim(self, command: Command) -> bool:
        """Removes a command from the queue. Returns whether the caller must send it."""
        return self._queued.pop(command, self) is None and not command.future.done()

    def _followers(
        self, carrier: Command, lookup: Lookup, ring: dict[Line, None]
    ) -> Mapping[Command, Lookup]:
        """Claims queued look-ups that differ from the carrier's only in their keys.

        They stay in their lines, where they are skipped later, even if they have been queued again.
        """
        followers: dict[Command, Lookup] = {}
        left = MOST_KEYS - len(lookup.keys)
        for line in list(ring)[:_SCANNED_LINES]:  # copied in one call, because other threads change the ring
            for other in line.first(_SCANNED_COMMANDS):
                if other.merge_key != carrier.merge_key or (own := other.lookup) is None:
                    continue
                if len(own.keys) <= left and self._claim(other):
                    left -= len(own.keys)
                    other.carrier, other.is_merged = carrier, True
                    followers[other] = own
        return followers

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = get_running_loop().call_later(_TICK, self._tick)

    def _tick(self) -> None:
        """Expires late commands, reclassifies those that turned out to be slow, and adjusts the fast limit.

        One timer serves all commands, because a timer for each command would cost more than all other work
        that this module does for the command.
        """
        now = monotonic()
        try:
            self._adjust(now)
            for command in [command for command in self._watched if command.is_late(now)]:
                command.expire()
            if self._has_queued:
                self._release_slow(now)
        finally:
            self._timer = None
            if self._watched or self._has_queued:
                self._wake()

    def _adjust(self, now: float) -> None:
        """Adjusts the fast limit to how busy the process is.

        Long commands don't count towards a lowered limit, because they need no processor. Otherwise they
        would keep all others waiting for as long as other work keeps the process busy.
        """
        limit = self._fast_limit.adjust(now, processor_time())
        self._shared.fast_limit = min(limit + self._shared.long_ones(now - _LONG), FAST)

    def _release_slow(self, now: float) -> None:
        """Frees the slots of commands that turned out to be slow, and starts queued commands in them."""
        slow = now - (_STALLED if now - self._last_finish >= _STALLED else _SLOW)
        for slots in self._slots:
            slots.release(slow)
        self.fill()


def _take(command: Command, slots: Slots) -> None:
    command.slots = slots
    slots.take(command)


def _take_first(ring: "dict[Line, None]") -> "Line | None":
    """Removes and returns the queue of the request whose turn is next, or None if no request has a queue.

    ring: the queues of the requests that take turns.
    """
    while ring:
        try:
            line = next(iter(ring))
            del ring[line]
        except (KeyError, RuntimeError, StopIteration):  # another thread has changed the dict
            continue
        return line
    return None


_queues: dict[int, Queue] = {}  # keyed by the client's id(), because hashing a client is slow


def queue_of(client: DriverObject) -> Queue:
    """Returns the command queue of a client. The client is Motor's or PyMongo's async client."""
    if (queue := _queues.get(id(client))) is None:
        queue = _queues[id(client)] = Queue()
        finalize(client, _queues.pop, id(client), None).atexit = False
    return queue
