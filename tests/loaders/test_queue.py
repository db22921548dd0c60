"""The queue of commands, with fake commands that end when the test finishes them."""

import asyncio
from asyncio import get_running_loop, sleep
from collections.abc import Callable
from time import monotonic

import pytest

from loaders.mongo import circuit, queue, slots
from loaders.mongo.command_errors import ClientGoneError, DeadlineError
from loaders.mongo.finds import Lookup
from loaders.mongo.queue import Command, Queue
from loaders.mongo.scope import Scope
from loaders.mongo.slots import FAST, FastLimit


class Fake(Command):
    """A command that records its start."""

    def __init__(
        self, own: Queue, scope: Scope | None, started: list["Fake"], lookup: Lookup | None = None
    ) -> None:
        future = get_running_loop().create_future()
        future.add_done_callback(lambda ended: ended.exception())  # a test may end before its commands
        super().__init__(scope, None, future, own, lookup)
        self.started = started

    def start(self) -> None:
        self.started.append(self)

    def interrupt(self) -> None:
        raise AssertionError("a queued command must be dropped, not interrupted")


class Desk:
    """A queue, and the commands that it has started, in order."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.started: list[Fake] = []

    def submit(self, scope: Scope | None, count: int = 1) -> list[Fake]:
        commands = [Fake(self.queue, scope, self.started) for _ in range(count)]
        for command in commands:
            self.queue.submit(command)
        return commands

    def enter(self, scope: Scope, count: int) -> list[Fake]:
        commands = [Fake(self.queue, scope, self.started) for _ in range(count)]
        for command in commands:
            self.queue.enter(command, scope)
        return commands

    def finish(self, command: Fake) -> None:
        if following := self.queue.finish(command):
            following.start()
        self.queue.fill()

    def finish_all(self) -> list[Scope | None]:
        """Finishes all commands in the order of their start; returns their scopes in that order."""
        for command in self.started:  # which grows meanwhile
            self.finish(command)
        return [command.scope for command in self.started]


def request(*, cheap: bool = False, writes: bool = False) -> Scope:
    scope = Scope(monotonic() + 60, cheap=cheap)
    scope.is_writing = scope.has_begun = writes
    return scope


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 # a plain list
            await sleep(0.005)


def keep_busy(monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    """Lets the queue see a process that always, or never, uses its processor."""
    monkeypatch.setattr(queue, "processor_time", monotonic if busy else lambda: 0.0)


@pytest.fixture(autouse=True)
def _free(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_busy(monkeypatch, False)


async def test_few_commands_are_in_flight_while_they_are_fast() -> None:
    desk = Desk()
    desk.submit(request(), FAST + 2)
    assert len(desk.started) == FAST
    desk.finish(desk.started[0])
    assert len(desk.started) == FAST + 1


async def test_the_busier_the_process_the_fewer_commands_are_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    (watched,) = desk.enter(request(), 1)  # the queue watches the process as long as a command is unfinished
    desk.finish(watched)
    for busy, most in ((True, 1), (False, FAST), (True, 1)):
        keep_busy(monkeypatch, busy)
        await eventually(lambda most=most: desk.queue._shared.fast_limit == most)  # type: ignore[misc]
        before = len(desk.started)
        commands = desk.submit(request(), FAST + 1)
        assert len(desk.started) == before + most
        for command in commands:
            desk.finish(command)
    desk.queue.leave(watched)


def test_the_fast_limit_falls_slowly_and_rises_fast() -> None:
    limit, at, used = FastLimit(0.0, 0.0), 0.0, 0.0

    def after(*fractions: float) -> list[int]:
        nonlocal at, used
        found = []
        for fraction in fractions:
            at, used = at + 0.05, used + fraction * 0.05
            found.append(limit.adjust(at, used))
        return found

    assert after(0.5, 1.0, 1.2, 0.99) == [8, 7, 6, 5]
    assert after(0.97, 0.96) == [5, 5]
    assert after(*[1.0] * 5) == [4, 3, 2, 1, 1]
    assert after(0.9, 0.97, 0.1, 0.0, 0.0) == [2, 2, 4, 8, 8]


async def test_commands_that_wait_for_mongodb_do_not_hold_up_the_others_in_a_busy_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    (watched,) = desk.enter(request(), 1)
    desk.finish(watched)
    keep_busy(monkeypatch, True)
    await eventually(lambda: desk.queue._shared.fast_limit == 1)
    monkeypatch.setattr(queue, "_STALLED", 60.0)  # so that none counts as slow
    monkeypatch.setattr(queue, "_SLOW", 60.0)
    started = len(desk.started)
    desk.submit(request(), FAST + 2)
    assert len(desk.started) == started + 1
    await eventually(lambda: len(desk.started) == started + FAST)
    await sleep(3 * queue._TICK)
    assert len(desk.started) == started + FAST
    desk.queue.leave(watched)


async def test_a_request_with_200_commands_delays_another_by_one() -> None:
    desk, big, other = Desk(), request(), request()
    desk.submit(big, 200)
    desk.submit(other)
    desk.finish(desk.started[0])
    desk.finish(desk.started[1])
    assert [command.scope for command in desk.started[FAST:]] == [big, other]


async def test_requests_are_served_in_rotation() -> None:
    desk, scopes = Desk(), [request() for _ in range(3)]
    desk.submit(None, FAST)
    for scope in scopes:
        desk.submit(scope, 3)
    assert desk.finish_all()[FAST:] == scopes * 3


async def test_reads_and_writes_queue_separately() -> None:
    desk, reads, writes = Desk(), request(), request(writes=True)
    desk.submit(reads, 100)
    desk.submit(writes, 8)
    assert (desk.queue.in_flight, desk.queue.waiting) == (FAST + 2, 98)
    assert [command.scope for command in desk.started[FAST:]] == [writes] * 2  # in reserved slots
    order = desk.finish_all()[FAST + 2 :]
    assert order[:10].count(writes) >= 5


async def test_queued_commands_start_while_others_are_slow_up_to_the_limit() -> None:
    desk = Desk()
    commands = desk.submit(request(), 100)
    await eventually(lambda: len(desk.started) == 2 * FAST)
    await eventually(lambda: len(desk.started) == 64)
    await sleep(3 * queue._STALLED)
    assert len(desk.started) == 64
    desk.finish(commands[0])
    assert len(desk.started) == 65


async def test_slow_commands_leave_slots_for_cheap_requests_and_writes() -> None:
    desk = Desk()
    desk.submit(request(), 100)
    await eventually(lambda: len(desk.started) == 64)
    for scope in (request(cheap=True), request(writes=True)):
        desk.submit(scope)
        assert desk.started[-1].scope is scope


async def test_all_slots_together_leave_connections_for_the_driver_itself() -> None:
    desk = Desk()
    for scope in (request(), request(cheap=True), request(writes=True)):
        desk.submit(scope, 100)
    await eventually(lambda: len(desk.started) == 64 + 12 + 16)
    await sleep(3 * queue._STALLED)
    assert len(desk.started) == 92 < queue.POOL


async def test_while_commands_end_no_more_are_started_than_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """MongoDB is the bottleneck then: more commands in flight would make each slower."""
    now = monotonic()
    for module in (queue, slots):
        monkeypatch.setattr(module, "monotonic", lambda: now)
    desk = Desk()
    desk.submit(request(), 100)
    for number in range(FAST):
        now += queue._STALLED / 3
        desk.queue._tick()
        desk.finish(desk.started[number])
    assert len(desk.started) == 2 * FAST
    now += 1.1 * queue._STALLED
    desk.queue._tick()
    assert len(desk.started) > 2 * FAST


async def test_a_long_command_counts_as_slow_even_while_others_end() -> None:
    desk = Desk()
    desk.submit(request(), 1)
    desk.submit(request(), 1000)
    deadline = monotonic() + queue._SLOW + 3 * queue._STALLED
    while monotonic() < deadline:
        await sleep(queue._STALLED / 3)
        desk.finish(desk.started[-1])  # never the first one
    running = [command for command in desk.started if command.slots]
    assert desk.started[0] in running
    assert len(running) > FAST


async def test_commands_of_a_client_that_left_are_not_started() -> None:
    desk, gone = Desk(), request()
    desk.submit(None, FAST)
    dropped = desk.enter(gone, 5)
    (stays,) = desk.enter(request(), 1)
    gone.leave()
    for command in dropped:
        with pytest.raises(ClientGoneError):
            command.future.result()
    desk.finish(desk.started[0])
    assert desk.started[FAST:] == [stays]


async def test_a_command_queued_past_its_deadline_is_dropped() -> None:
    desk = Desk()
    desk.submit(None, FAST)
    (late,) = desk.enter(Scope(monotonic() + 0.05), 1)
    (stays,) = desk.enter(request(), 1)
    await eventually(late.future.done)
    with pytest.raises(DeadlineError):
        late.future.result()
    assert not stays.future.done()
    desk.finish(desk.started[0])
    assert desk.started[FAST:] == [stays]


async def test_a_command_that_never_began_has_no_slot_to_give_back() -> None:
    desk = Desk()
    commands = desk.submit(None, FAST + 1)
    desk.finish(commands[-1])
    assert len(desk.started) == FAST


async def test_mongodb_is_suspected_if_a_merged_look_up_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request whose command it is may have left, so that nobody else notices."""
    suspected: list[object] = []
    monkeypatch.setattr(circuit, "suspect", suspected.append)
    desk = Desk()
    busy = desk.submit(request(), FAST)
    looking_up = [Lookup(None, lambda *_: None, "slug", [slug], None) for slug in ("a", "b", "c")]
    carrier, follower, _ = (Fake(desk.queue, request(), desk.started, lookup) for lookup in looking_up)
    for command in (carrier, follower):
        desk.queue.submit(command)
    desk.finish(busy[0])
    assert desk.started[-1] is carrier
    assert list(carrier.followers) == [follower]
    assert (desk.queue.waiting, desk.queue.in_flight) == (0, FAST)
    follower.expire()
    assert suspected == [None]
    with pytest.raises(DeadlineError):
        await follower.future
