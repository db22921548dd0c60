"""The limit on unread answers: which clients are cut off when it is exceeded."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from app.server.connection_limits import ConnectionLimits
from app.server.reader import _GRACE, _PART, Reader, Unread

LIMIT = 1_000_000
SIZE = LIMIT // 4 - _PART


class Line(asyncio.Transport):
    """A transport whose write buffer the test sets."""

    def __init__(self, waiting: int, sock: socket.socket) -> None:
        super().__init__({"socket": sock})
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
    """The event loop's time, as the only element."""
    now = [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
    return now


@pytest.fixture
async def connect(unread: Unread, clock: list[float]) -> AsyncIterator[Connect]:
    """Connects a client with some bytes of an answer to read."""
    readers, sock = [], socket.socket()

    def connect(waiting: int) -> tuple[Line, Reader]:
        line = Line(waiting, sock)
        readers.append(Reader(line, ConnectionLimits(unread=LIMIT), unread, lambda: 0, lambda: None))
        readers[-1].check()
        return line, readers[-1]

    yield connect
    for reader in readers:
        reader.leave()
    sock.close()


async def test_nobody_is_cut_off_at_exactly_the_limit(unread: Unread, connect: Connect) -> None:
    lines = [connect(SIZE)[0] for _ in range(4)]
    assert unread.bytes == LIMIT
    assert not any(line.is_cut for line in lines)
    connect(1)
    assert [line.is_cut for line in lines].count(True) == 1


async def test_bytes_read_since_the_last_count_are_discounted_first(unread: Unread, connect: Connect) -> None:
    lines = [connect(SIZE)[0] for _ in range(4)]
    lines[2].waiting = 0
    connect(SIZE)
    assert not any(line.is_cut for line in lines)
    assert unread.bytes == LIMIT


async def test_the_client_that_would_hold_its_memory_for_longest_is_cut_off(
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


async def test_a_client_alone_may_exceed_the_limit(connect: Connect) -> None:
    assert not connect(2 * LIMIT)[0].is_cut


async def test_a_client_that_has_read_everything_or_left_is_not_counted(
    unread: Unread, connect: Connect
) -> None:
    (line, reader), (_, gone) = connect(SIZE), connect(SIZE)
    line.waiting = 0
    reader.check()
    gone.leave()
    assert unread.bytes == 0
