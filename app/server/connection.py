"""A connection that a stranger may open: uvicorn's, with the limits and times that it lacks.

A request's head has a size and a time, its body a time; a client has to read what it is answered; an idle
connection ends. What is refused here is answered as GraphQL errors are, in JSON, and the connection closes.
"""

import asyncio
import enum
import fcntl
import struct
import termios
from asyncio import TimerHandle
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple

import httptools
import orjson
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.server.drain import is_draining

#: Bytes that the parser is given at a time: what it holds back of a head is looked at as often.
_PIECE = 16_384

#: Requests that a client may send ahead of the one that runs. Those after are dropped with the connection,
#: and the client sends them again (RFC 9112 9.3.2).
_AHEAD = 32

#: Bytes a second that a client reads at least, when the answer waits for it.
_SLOWEST = 1000

_LINGER = 1.0  # seconds that a refusal has to arrive
_QUIET = 60.0  # seconds between two lines of the log about the limit on connections

_log = structlog.get_logger("lectern")


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    connections: int = 5000
    head: int = 16_384
    headers: int = 100
    url: int = 8192
    head_time: float = 10
    body_time: float = 30
    stall_time: float = 10
    idle_time: float = 65


class State(ServerState):
    """What the connections of a server have in common."""

    connections: set["Connection"]  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.idle: dict[Connection, None] = {}  # kept open after an answer, for the longest time first
        self.told = -_QUIET

    def tell(self, limit: int) -> None:
        if monotonic() - self.told >= _QUIET:
            self.told = monotonic()
            _log.warning(
                "connection limit reached: idle connections are closed for new ones, others are refused",
                limit=limit,
            )


class _Refusal(NamedTuple):
    status: HTTPStatus
    message: str
    headers: str = ""


class _StopError(Exception):
    """Raised in a callback of the parser, for it to stop."""


class _Waits(enum.Enum):
    """What the client is waited for to send."""

    REQUEST = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


class Connection(HttpToolsProtocol):
    def __init__(self, *arguments: Any, limits: Limits, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits = limits
        self.state: State = options["server_state"]
        self.running: RequestResponseCycle | None = None  # self.cycle is the newest one
        self._reading = _Waits.REQUEST  # where in a message the parser is
        self._over = False  # nothing is read after the last request of the connection
        self._refusal: _Refusal | None = None
        self._waits: _Waits | None = None
        self._timer: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._idle_since = 0.0
        self._held = 0  # bytes since the parser gave something
        self._head = 0  # bytes of the header fields
        self._hosts = 0
        self._answers = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(None)
        self._stop_looking()
        for cycle in (self.running, *(cycle for cycle, _ in self.pipeline)):
            if cycle:
                _disconnect(cycle)
        self.pipeline.clear()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        self.state.tell(self.limits.connections)
        if self.state.idle:
            next(iter(self.state.idle))._close()
        else:
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections: try again.", "retry-after: 1\r\n"
            )

    # What is waited for, and for how long.

    def _watch(self) -> None:
        """Begins the time of what is waited for now, if it is something else than before."""
        if self._refusal or self.transport.is_closing():
            return
        waits = self._waited_for()
        if waits is not self._waits:
            self._wait_for(waits)

    def _waited_for(self) -> _Waits | None:
        is_answering = self.running is not None and not self.running.response_complete
        return None if self._reading is _Waits.REQUEST and is_answering else self._reading

    def _wait_for(self, waits: _Waits | None) -> None:
        self._waits = waits
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.state.idle.pop(self, None)
        if waits is _Waits.REQUEST:
            self._idle_since = self.loop.time()
            if self.cycle:
                self.state.idle[self] = None
        if waits:
            self._timer = self.loop.call_later(self._time(waits), self._late)

    def _time(self, waits: _Waits) -> float:
        if waits is _Waits.BODY:
            return self.limits.body_time
        return self.limits.idle_time if self in self.state.idle else self.limits.head_time

    def _late(self) -> None:
        waits = self._waits
        if waits is _Waits.REQUEST:
            self._close()
        elif self.flow.read_paused:  # it is the server that doesn't read
            self._wait_for(waits)
        else:
            what = "head" if waits is _Waits.HEAD else "body"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The {what} of the request took too long.")

    def _close(self) -> None:
        self._wait_for(None)
        if self.transport.get_write_buffer_size():  # close() would wait until it is read
            self.transport.abort()
        else:
            self.transport.close()

    # What the client sends.

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            if self._over or self._refusal or self.transport.is_closing():
                return
            self._feed(data if len(data) <= _PIECE else data[start : start + _PIECE])
        self._watch()

    def _feed(self, piece: bytes) -> None:
        self._held += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            self._ignore_offer(piece[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, "The request is not valid HTTP.")
        if self._held > self.limits.head:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, self._too_large())

    def _ignore_offer(self, rest: bytes) -> None:
        """To go on with another protocol: a server may ignore it (RFC 9110 7.8). The parser doesn't read the
        body of such a request, and so gets its head again, without the offer.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "CONNECT is not served.", "allow: GET, POST\r\n")
            return
        version = self.parser.get_http_version().encode()
        fields = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = httptools.HttpRequestParser(self)
        self._feed(head + rest)

    def _is_ignored(self) -> bool:
        return self._over or self.parser.should_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading, self._waits = _Waits.HEAD, None  # with a time of its own
        self._head = self._hosts = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.limits.url:
            limit = self.limits.url
            self._stop(HTTPStatus.REQUEST_URI_TOO_LONG, f"The URL is over {limit} bytes (MAX_URL_BYTES).")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._held = 0
        self._head += len(name) + len(value) + 4
        if self._head > self.limits.head or len(self.headers) >= self.limits.headers:
            self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, self._too_large())
        if self._reading is _Waits.HEAD:  # fields after the body are no part of the head (RFC 9110 6.5.1)
            super().on_header(name, value)
            self._hosts += self.headers[-1][0] == b"host"

    def on_headers_complete(self) -> None:
        self._held = 0
        if self._is_ignored():
            return
        self._check()
        self.url = _with_path(self.url)
        super().on_headers_complete()
        self._reading = _Waits.BODY
        if is_draining() or len(self.pipeline) == _AHEAD:
            self.cycle.keep_alive = False

    def _check(self) -> None:
        """What the parser takes and HTTP doesn't, or nobody sends in earnest."""
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            self._stop(HTTPStatus.BAD_REQUEST, "HTTP/1.1 is served.")
        if version == "1.1" and self._hosts != 1:
            self._stop(HTTPStatus.BAD_REQUEST, "A request has one Host header.")
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            self._stop(HTTPStatus.BAD_REQUEST, "A body is sent in chunks or whole.")

    def on_body(self, body: bytes) -> None:
        self._held = 0
        if not self._is_ignored():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._held = 0
        if not self._is_ignored():
            self._reading = _Waits.REQUEST
            self._over = not self.cycle.keep_alive
            super().on_message_complete()

    # What it is answered.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.state.total_requests += 1
        self._answers += 1
        if self.transport.get_write_buffer_size():
            self._expect_reading()
        if self.transport.is_closing():
            return
        if self._refusal and not self.pipeline:
            self._tell(self._refusal)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """With the next request, once the last answer is read."""
        if self.flow.write_paused:
            self.flow.pause_reading()
        elif self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.flow.resume_reading()
        self._watch()

    def close_after_answer(self) -> None:
        if self.cycle:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """The server stops: this connection ends with what is asked on it now. One that was used within a
        second may be about to be used again.
        """
        if self._waits is _Waits.REQUEST:
            left = self._idle_since + _LINGER - self.loop.time()
            if left <= 0:
                self._close()
            elif self._timer:
                self._timer.cancel()
                self._timer = self.loop.call_later(left, self._late)
        else:
            self.close_after_answer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_looking()
        if self.running and self.running.response_complete and not self.transport.is_closing():
            self._go_on()

    def _expect_reading(self) -> None:
        if not self._stall:
            seen = (self._unread(), self._answers)
            self._stall = self.loop.call_later(self.limits.stall_time, self._look, *seen)

    def _look(self, before: int, answers: int) -> None:
        """Whether the client reads what it had not read before. It does if there was another answer since."""
        self._stall = None
        read = before - self._unread()
        if answers == self._answers and read < min(before, self.limits.stall_time * _SLOWEST):
            self.transport.abort()
        elif self.transport.get_write_buffer_size():
            self._expect_reading()

    def _unread(self) -> int:
        """Bytes that the client has not got, those in the kernel's buffer included."""
        return self.transport.get_write_buffer_size() + _queued(self.transport)

    def _stop_looking(self) -> None:
        if self._stall:
            self._stall.cancel()
            self._stall = None

    # What is refused.

    def _too_large(self) -> str:
        return (
            f"The head is over {self.limits.head} bytes or {self.limits.headers} fields "
            "(MAX_HEAD_BYTES, MAX_HEADERS)."
        )

    def _stop(self, status: HTTPStatus, message: str) -> None:
        self._refuse(status, message)
        raise _StopError

    def _refuse(self, status: HTTPStatus, message: str, headers: str = "") -> None:
        """Answers it so after what was asked before, and closes the connection."""
        if self._refusal:
            return
        self._wait_for(None)
        self._refusal = _Refusal(status, message, headers)
        if self._reading is _Waits.BODY and self.cycle and not self._drop(self.cycle):
            self._close()  # it was answered before its body came
        elif not self.running or self.running.response_complete or self.running.disconnected:
            self._tell(self._refusal)

    def _drop(self, cycle: RequestResponseCycle) -> bool:
        """Takes back the request whose body is not good; False if it is answered already."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        elif cycle.response_started:
            return False
        _disconnect(cycle)
        return True

    def _tell(self, refusal: _Refusal) -> None:
        """What is still sent is dropped for a while: with unread input, the kernel would drop the answer."""
        if self.transport.is_closing():
            return
        self.transport.write(self._answer(refusal))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(_LINGER, self.transport.abort)

    def _answer(self, refusal: _Refusal) -> bytes:
        code = refusal.status.name
        body = orjson.dumps({"errors": [{"message": refusal.message, "extensions": {"code": code}}]})
        headers = b"".join(b"%s: %s\r\n" % header for header in self.state.default_headers)
        own = (
            f"content-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
            f"{refusal.headers}connection: close\r\n\r\n"
        )
        return STATUS_LINE[refusal.status] + headers + own.encode() + body


def _disconnect(cycle: RequestResponseCycle) -> None:
    """For the application, its client is gone."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _with_path(url: bytes) -> bytes:
    """An absolute URL may have none (RFC 9112 3.2.2)."""
    if url.startswith(b"/"):
        return url
    parsed = httptools.parse_url(url)
    return url if parsed.path else b"/?" + parsed.query if parsed.query else b"/"


def _queued(transport: asyncio.Transport) -> int:
    """Bytes in the kernel's send buffer, where it tells."""
    try:
        told = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int(struct.unpack("i", told)[0])
