"""The room for unread answers: who is cut off when it is full."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from app.server.connection_limits import Limits
from app.server.reader import _GRACE, _PART, Reader, Unread

MOST = 1_000_000
SIZE = MOST // 4 - _PART


class Line(asyncio.Transport):
    """A transport that holds so many bytes, of a client that takes them when the test says so."""

    def __init__(self, waiting: int, own: socket.socket) -> None:
        super().__init__({"socket": own})
        self.waiting, self.is_cut = waiting, False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.is_cut = True


Connect = Callable[[int], tuple[Line, Reader]]


@pytest.fixture
def unread() -> Unread:
    return Unread()


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the loop, in its only element."""
    now = [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
    return now


@pytest.fixture
async def connect(unread: Unread, clock: list[float]) -> AsyncIterator[Connect]:
    """Connects a client that an answer of so many bytes waits for."""
    readers, own = [], socket.socket()

    def connect(waiting: int) -> tuple[Line, Reader]:
        line = Line(waiting, own)
        readers.append(Reader(line, Limits(unread=MOST), unread, lambda: 0, lambda: None))
        readers[-1].check()
        return line, readers[-1]

    yield connect
    for reader in readers:
        reader.leave()
    own.close()


async def test_a_room_that_is_just_full_costs_nobody_an_answer(unread: Unread, connect: Connect) -> None:
    lines = [connect(SIZE)[0] for _ in range(4)]
    assert unread.bytes == MOST
    assert not any(line.is_cut for line in lines)
    connect(1)
    assert [line.is_cut for line in lines].count(True) == 1


async def test_what_was_read_since_makes_room_first(unread: Unread, connect: Connect) -> None:
    lines = [connect(SIZE)[0] for _ in range(4)]
    lines[2].waiting = 0
    connect(SIZE)
    assert not any(line.is_cut for line in lines)
    assert unread.bytes == MOST


async def test_the_one_that_would_hold_its_memory_for_longest_is_cut_off(
    connect: Connect, clock: list[float]
) -> None:
    lines = [connect(size)[0] for size in (SIZE, SIZE, SIZE // 2, SIZE)]
    clock[0] = 2 * _GRACE
    for line, read in zip(lines, (9_000, 8_000, 5_000, 9_000), strict=True):
        line.waiting -= read
    connect(SIZE // 2)
    assert [line.is_cut for line in lines] == [False, True, False, False]


async def test_newcomers_are_cut_off_last(connect: Connect, clock: list[float]) -> None:
    old = connect(SIZE)[0]
    clock[0] = _GRACE
    old.waiting -= 100_000
    new = [connect(SIZE)[0] for _ in range(5)]
    assert old.is_cut
    assert [line.is_cut for line in new].count(True) == 1


async def test_one_alone_may_take_more_than_the_room(connect: Connect) -> None:
    assert not connect(2 * MOST)[0].is_cut


async def test_who_has_read_or_left_takes_no_room(unread: Unread, connect: Connect) -> None:
    (line, reader), (_, gone) = connect(SIZE), connect(SIZE)
    line.waiting = 0
    reader.check()
    gone.leave()
    assert unread.bytes == 0
