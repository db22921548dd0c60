"""Backpressure for slow clients: a stall timeout for each, and a memory limit for all of them together."""

import asyncio
import fcntl
import socket
import struct
import termios
from asyncio import TimerHandle
from collections.abc import Callable
from math import inf

from app.observing import Throttled
from app.server.connection_limits import ConnectionLimits

#: The minimum rate, in bytes per second, at which a client must read a pending response.
_MIN_RATE = 1000

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of zero, so that closing resets the connection

#: Maximum size of one part of a response, in bytes (see app.http.reply). A part stays in memory until its
#: last byte is sent.
_PART = 65_536

_GRACE = 1.0  # seconds for which a client's reading rate must be measured before it counts as known

#: Once the memory limit is exceeded, clients are disconnected until usage is down to this share of the limit.
#: If this share were 1, almost every further response would exceed the limit again, and all clients would be
#: checked each time.
_LOW_WATER = 7 / 8


class Unread:
    """Limits the memory that the unread responses of all connections take together.

    Above the limit, clients are disconnected, starting with the one that would take longest to read its
    responses. Clients whose reading rate is not known yet come last. A client may exceed the limit if no
    other client has unread responses.
    """

    def __init__(self) -> None:
        self.bytes = 0  # number of unread bytes when last counted; clients might have read some of them since
        self._counted: dict[Reader, int] = {}
        self._full = Throttled("unread responses exceed their limit: the slowest clients are disconnected")

    def count(self, reader: "Reader", limit: int) -> None:
        """Updates the number of unread bytes for a client. limit: the maximum for all clients together."""
        size = reader.held()
        self.bytes += size - self._counted.get(reader, 0)
        self._counted[reader] = size
        if self.bytes > limit:
            self._make_room(limit)

    def discard(self, reader: "Reader") -> None:
        self.bytes -= self._counted.pop(reader, 0)

    def _make_room(self, limit: int) -> None:
        self._counted = {reader: reader.held() for reader in self._counted}
        self.bytes = sum(self._counted.values())
        if self.bytes <= limit:
            return
        for reader in sorted(self._counted, key=Reader.claim, reverse=True):
            if self.bytes <= limit * _LOW_WATER or len(self._counted) == 1:
                break
            self._full.warning(limit=limit)
            self.discard(reader)
            reader.cut_off()


class Reader:
    """Tracks how much of its responses the client of one connection has read.

    rest: returns how many bytes of the response the application has yet to send. on_read: called once the
    client has read all bytes written so far.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        limits: ConnectionLimits,
        unread: Unread,
        rest: Callable[[], int],
        on_read: Callable[[], None],
    ) -> None:
        self._transport, self._limits, self._unread = transport, limits, unread
        self._rest, self._on_read = rest, on_read
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._loop = asyncio.get_running_loop()
        self._timer: TimerHandle | None = None
        self._answer_count = 0
        self._unread_at_start = 0  # bytes unread when the current rate measurement began
        self._measured_since = 0.0

    @property
    def is_waited_for(self) -> bool:
        """Whether the server is waiting for the client to read what has been written."""
        return self._timer is not None

    def check(self) -> None:
        """Starts or stops the stall timeout, and updates the count of unread bytes."""
        waits = self._transport.get_write_buffer_size() > 0
        if not (waits or self._timer or self._unread_at_start or self._rest()):
            return  # the usual case: the client has read everything
        if not waits:
            self.stop()
        elif not self._timer:
            progress = (self._sent(), self._answer_count)
            self._timer = self._loop.call_later(self._limits.stall_time, self._check_stall, *progress)
        if waits or self._rest():
            self._measure()
            self._unread.count(self, self._limits.unread)
        elif self._unread_at_start:
            self.leave()

    def answered(self) -> None:
        """Records that a response is complete; the client might already have read it."""
        self._answer_count += 1
        self.check()

    def stop(self) -> None:
        """Cancels the stall timeout."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def leave(self) -> None:
        """Stops tracking the client, because it has read everything or has disconnected."""
        self.stop()
        self._unread_at_start = 0
        self._unread.discard(self)

    def close(self) -> None:
        """Stops tracking a closed connection, and drops its callbacks to break a reference cycle."""
        self.leave()
        self._rest, self._on_read = lambda: 0, lambda: None

    def cut_off(self) -> None:
        """Resets the connection, so that the kernel discards its send buffer."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    def held(self) -> int:
        """Returns how many bytes of memory the client's response takes up."""
        part = _PART if self._transport.get_write_buffer_size() else 0
        return self._unread_bytes() + part

    def claim(self) -> tuple[bool, float, float]:
        """Returns a sort key: clients with greater keys are disconnected first.

        Its first part is whether the client's reading rate is known. The second is the number of seconds that
        the client needs, at that rate, to read the rest of its responses. The third is the number of seconds
        for which the rate has been measured.
        """
        left, seconds = self._unread_bytes(), self._loop.time() - self._measured_since
        read = self._unread_at_start - left
        return seconds >= _GRACE, left * seconds / read if read > 0 else inf, seconds

    def _measure(self) -> None:
        """Starts a new rate measurement if more bytes are unread than at the start of the current one."""
        left = self._unread_bytes()
        if left > self._unread_at_start:
            self._unread_at_start, self._measured_since = left, self._loop.time()

    def _check_stall(self, before: int, answers: int) -> None:
        """Disconnects the client if it has read too little since the timeout began.

        before: the number of sent bytes that were unread when the timeout began. answers: the number of
        responses that were complete when the timeout began. If another response has been completed since
        then, the client stays connected, because the unread bytes might belong to that response.
        """
        self._timer = None
        read = before - self._sent()
        if answers == self._answer_count and read < min(before, self._limits.stall_time * _MIN_RATE):
            self.cut_off()
            return
        self.check()
        if not self._timer:
            self._on_read()

    def _unread_bytes(self) -> int:
        """Returns how many bytes of responses the client has not received."""
        return self._rest() + self._sent()

    def _sent(self) -> int:
        """Returns the number of bytes in the send buffers of the transport and the kernel."""
        return self._transport.get_write_buffer_size() + self._queued()

    def _queued(self) -> int:
        """Returns the number of bytes in the kernel's send buffer; 0 if the kernel doesn't report it."""
        try:
            count = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return 0
        return int(struct.unpack("i", count)[0])
