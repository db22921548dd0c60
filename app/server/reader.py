"""Clients that have yet to read their answers: each has a time limit, all together a limit of memory."""

import asyncio
import fcntl
import socket
import struct
import termios
from asyncio import TimerHandle
from collections.abc import Callable
from math import inf

from app.observing import Throttled
from app.server.connection_limits import Limits

#: Bytes a second that a client reads at least, when the answer waits for it.
_SLOWEST = 1000

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER

#: Bytes of a part of an answer, at the most (app.http.reply): one that is sent is in memory to its last byte.
_PART = 65_536

_GRACE = 1.0  # seconds in which a client shows how fast it reads
_FILLED = 7 / 8  # of the room that stays in use once it was full: to look at all clients takes time


class Unread:
    """The room for unread answers of all connections together.

    When it is full, clients are cut off: first the one that would hold its part for longest, newcomers last.
    One that is alone may take more than the room.
    """

    def __init__(self) -> None:
        self.bytes = 0  # as counted: clients may have read on since
        self._counted: dict[Reader, int] = {}
        self._full = Throttled("unread answers fill their room: the slowest clients are cut off")

    def count(self, reader: "Reader", most: int) -> None:
        """Counts what a client has not read now. most: bytes of the room."""
        size = reader.held()
        self.bytes += size - self._counted.get(reader, 0)
        self._counted[reader] = size
        if self.bytes > most:
            self._make_room(most)

    def discard(self, reader: "Reader") -> None:
        self.bytes -= self._counted.pop(reader, 0)

    def _make_room(self, most: int) -> None:
        self._counted = {reader: reader.held() for reader in self._counted}
        self.bytes = sum(self._counted.values())
        if self.bytes <= most:
            return
        for reader in sorted(self._counted, key=Reader.claim, reverse=True):
            if self.bytes <= most * _FILLED or len(self._counted) == 1:
                break
            self._full.warning(limit=most)
            self.discard(reader)
            reader.cut_off()


class Reader:
    """The client of one connection.

    rest: gives the bytes of its answer that the application has yet to send. on_read: called when nothing
    waits for it any more.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        limits: Limits,
        unread: Unread,
        rest: Callable[[], int],
        on_read: Callable[[], None],
    ) -> None:
        self._transport, self._limits, self._unread = transport, limits, unread
        self._rest, self._on_read = rest, on_read
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._loop = asyncio.get_running_loop()
        self._timer: TimerHandle | None = None
        self._answers = 0
        self._first = 0  # bytes unread when it was first waited for
        self._began = 0.0  # when that was

    @property
    def is_waited_for(self) -> bool:
        return self._timer is not None

    def check(self) -> None:
        """Starts or stops waiting for it, by what it has not read now."""
        waits = self._transport.get_write_buffer_size() > 0
        if not (waits or self._timer or self._first or self._rest()):
            return  # nearly always
        if not waits:
            self.stop()
        elif not self._timer:
            seen = (self._sent(), self._answers)
            self._timer = self._loop.call_later(self._limits.stall_time, self._look, *seen)
        if waits or self._rest():
            self._measure()
            self._unread.count(self, self._limits.unread)
        elif self._first:
            self.leave()

    def answered(self) -> None:
        """An answer is complete, and may be read by now."""
        self._answers += 1
        self.check()

    def stop(self) -> None:
        """It is not waited for."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def leave(self) -> None:
        """It has read everything, or is gone."""
        self.stop()
        self._first = 0
        self._unread.discard(self)

    def close(self) -> None:
        """The connection is gone. Drops the references to it, which would make a cycle."""
        self.leave()
        self._rest, self._on_read = lambda: 0, lambda: None

    def cut_off(self) -> None:
        """Ends the connection; the kernel forgets what it still had to send."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()

    def held(self) -> int:
        """Bytes of memory that its answer takes."""
        part = _PART if self._transport.get_write_buffer_size() else 0
        return self._left() + part

    def claim(self) -> tuple[bool, float, float]:
        """Whether its pace is known, the seconds for which it would hold its memory at that, and its age."""
        left, seconds = self._left(), self._loop.time() - self._began
        read = self._first - left
        return seconds >= _GRACE, left * seconds / read if read > 0 else inf, seconds

    def _measure(self) -> None:
        """Its pace begins anew with an answer."""
        left = self._left()
        if left > self._first:
            self._first, self._began = left, self._loop.time()

    def _look(self, before: int, answers: int) -> None:
        """Cuts off a client that has read too little since then. If it got another answer since, it reads."""
        self._timer = None
        read = before - self._sent()
        if answers == self._answers and read < min(before, self._limits.stall_time * _SLOWEST):
            self.cut_off()
            return
        self.check()
        if not self._timer:
            self._on_read()

    def _left(self) -> int:
        """Bytes that the client has not got."""
        return self._rest() + self._sent()

    def _sent(self) -> int:
        """Those of them that the application has sent, the ones in the kernel's buffer included."""
        return self._transport.get_write_buffer_size() + self._queued()

    def _queued(self) -> int:
        """Bytes in the kernel's send buffer, where it tells."""
        try:
            told = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return 0
        return int(struct.unpack("i", told)[0])
