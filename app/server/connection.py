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
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.server import refusals
from app.server.cycle import Cycle
from app.server.drain import is_draining
from app.server.limits import Limits, State
from app.server.refusals import Refusal

#: Bytes that the parser is given at a time: what it holds back of a head is looked at as often.
_PIECE = 16_384

#: Requests that a client may send ahead of the one that runs. Those after are dropped with the connection,
#: and the client sends them again (RFC 9112 9.3.2).
_AHEAD = 32

#: Bytes a second that a client reads at least, when the answer waits for it.
_SLOWEST = 1000

_VERSIONS = frozenset(("1.0", "1.1"))
_SLASH = ord("/")
_AROUND = len(": \r\n")  # bytes of a header field beside its name and its value
_LINE = 1024  # bytes of a head beside its fields and its URL

_STEPS = 10  # of the time that a head or a body has
_LINGER = 1.0  # seconds for what may be on its way: a refusal to the client, a request to a server that stops
_LINGERING = 128  # connections over their limit that do


class _StopError(Exception):
    """Raised in a callback of the parser, for it to stop."""


class _Waits(enum.Enum):
    """What the client has to send next."""

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
        self._ignored = False  # whether what the parser gives of this message is dropped
        self._refusal: Refusal | None = None
        self._waits: _Waits | None = None
        self._timer: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._idle: TimerHandle | None = None
        self._began = 0.0  # when that wait began
        self._held = 0  # bytes since the parser gave a head or a piece of a body
        self._answers = 0
        self.url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(None)
        self._stop_looking()
        if self._idle:
            self._idle.cancel()
        for cycle in (self.running, *(cycle for cycle, _ in self.pipeline)):
            if cycle:
                _disconnect(cycle)
        self.pipeline.clear()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        self.state.full.warning(limit=self.limits.connections)
        if self.state.idle:
            next(iter(self.state.idle))._close()
        else:
            self._refuse(refusals.FULL)

    # What is waited for, and for how long.

    def _watch(self) -> None:
        """Begins the time of what is waited for now, if it is something else than before."""
        waits: _Waits | None = self._reading
        if waits is _Waits.REQUEST and (
            self._stall or (self.running is not None and not self.running.response_complete)
        ):
            waits = None  # the client has to be answered, and to read that
        if waits is not self._waits and not self._refusal and not self.transport.is_closing():
            self._wait_for(waits)

    def _wait_for(self, waits: _Waits | None) -> None:
        self._waits = waits
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._began = self.loop.time()
        if waits is _Waits.REQUEST and self.cycle:
            self.state.idle[self] = None
            if self.state.is_closed or not self._idle:
                self._be_idle(_LINGER if self.state.is_closed else self.limits.idle_time)
            return
        self.state.idle.pop(self, None)
        if waits:
            seconds = self.limits.body_time if waits is _Waits.BODY else self.limits.head_time
            self._timer = self.loop.call_later(seconds / _STEPS, self._step, seconds / _STEPS, _STEPS)

    def _be_idle(self, seconds: float) -> None:
        """For so long. The timer outlasts requests: a new one for each costs a small query a twentieth."""
        if self._idle:
            self._idle.cancel()
        self._idle = self.loop.call_later(seconds, self._was_idle)

    def _was_idle(self) -> None:
        self._idle = None
        if self._waits is not _Waits.REQUEST or not self.cycle:
            return
        seconds = _LINGER if self.state.is_closed else self.limits.idle_time
        left = self._began + seconds - self.loop.time()
        if left > 0:
            self._be_idle(left)
        else:
            self._close()

    def _step(self, seconds: float, left: int) -> None:
        """The time goes on while this side reads."""
        left -= not self.flow.read_paused
        if left:
            self._timer = self.loop.call_later(seconds, self._step, seconds, left)
        else:
            self._late()

    def _late(self) -> None:
        if self._waits is _Waits.REQUEST:
            self._close()
        else:
            what = "head" if self._waits is _Waits.HEAD else "body"
            self._refuse(Refusal(408, f"The {what} of the request took too long."))

    def _close(self) -> None:
        self._wait_for(None)
        if self.transport.get_write_buffer_size():  # close() would wait until it is read
            self.transport.abort()
        else:
            self.transport.close()

    # What the client sends.

    def data_received(self, data: bytes) -> None:
        pieces = (data,) if len(data) <= _PIECE else _pieces(data)
        for piece in pieces:
            if self._over or self._refusal or self.transport.is_closing():
                return
            self._feed(piece)
        self._watch()

    def _feed(self, piece: bytes) -> None:
        self._held += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            self._ignore_offer(piece[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(refusals.INVALID)
        if self._held > self.limits.head + self.limits.url + _LINE:
            self._refuse_head()

    def _ignore_offer(self, rest: bytes) -> None:
        """To go on with another protocol: a server may ignore it (RFC 9110 7.8). The parser doesn't read the
        body of such a request, and so gets its head again, without the offer.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(refusals.CONNECT)
            return
        version = self.parser.get_http_version().encode()
        fields = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = httptools.HttpRequestParser(self)
        self._feed(head + rest)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading = _Waits.HEAD
        self._wait_for(None)  # each head has a time of its own

    def on_headers_complete(self) -> None:
        self._held = 0
        self._ignored = self._over or self.parser.should_upgrade()
        if self._ignored:
            return
        self._check()
        self._begin()
        self._reading = _Waits.BODY
        self.headers = []  # fields after the body are no part of the head (RFC 9110 6.5.1)
        if is_draining() or len(self.pipeline) == _AHEAD:
            self.cycle.keep_alive = False

    def _begin(self) -> None:
        """As uvicorn's, without what Lectern has no use for."""
        version = self.parser.get_http_version()
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before = self.cycle
        self.cycle = cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _check(self) -> None:
        """The sizes of a head; and what the parser takes and HTTP doesn't, or nobody sends in earnest."""
        names = [name for name, _ in self.headers]
        size = sum([len(name) + len(value) + _AROUND for name, value in self.headers])
        version = self.parser.get_http_version()
        if len(self.url) > self.limits.url or size > self.limits.head or len(names) > self.limits.headers:
            self._refuse_head()
        elif version not in _VERSIONS:
            self._refuse(refusals.VERSION)
        elif version == "1.1" and names.count(b"host") != 1:
            self._refuse(refusals.HOST)
        elif b"transfer-encoding" in names and not _is_chunked(self.headers):
            self._refuse(refusals.TRANSFER)
        elif self.url[0] != _SLASH:
            self.url = _with_path(self.url)
        if self._refusal:
            raise _StopError

    def on_body(self, body: bytes) -> None:
        self._held = 0
        if not self._ignored:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._held = 0
        if not self._ignored:
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
            left = self._began + _LINGER - self.loop.time()
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
        """Cuts off a client that has read too little since then. If it got another answer since, it reads."""
        self._stall = None
        read = before - self._unread()
        if answers == self._answers and read < min(before, self.limits.stall_time * _SLOWEST):
            self.transport.abort()
        elif self.transport.get_write_buffer_size():
            self._expect_reading()
        else:
            self._watch()

    def _unread(self) -> int:
        """Bytes that the client has not got, those in the kernel's buffer included."""
        return self.transport.get_write_buffer_size() + _queued(self.transport)

    def _stop_looking(self) -> None:
        if self._stall:
            self._stall.cancel()
            self._stall = None

    # What is refused.

    def _refuse_head(self) -> None:
        limits = self.limits
        if self._reading is _Waits.HEAD and len(self.url) > limits.url:
            self._refuse(Refusal(414, f"The URL is over {limits.url} bytes (MAX_URL_BYTES)."))
        else:
            sizes = f"{limits.head} bytes (MAX_HEAD_BYTES) or {limits.headers} fields (MAX_HEADERS)"
            self._refuse(Refusal(431, f"The head is over {sizes}."))

    def _refuse(self, refusal: Refusal) -> None:
        """Answers with a refusal, after the requests before it, and closes the connection."""
        if self._refusal:
            return
        self._wait_for(None)
        self._refusal = refusal
        if self._reading is _Waits.BODY and self.cycle and not self._drop(self.cycle):
            self._close()  # it was answered before its body came
        elif not self.running or self.running.response_complete or self.running.disconnected:
            self._tell(refusal)

    def _drop(self, cycle: RequestResponseCycle) -> bool:
        """Withdraws the request whose body is invalid; False if its answer has begun."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        elif cycle.response_started:
            return False
        _disconnect(cycle)
        return True

    def _tell(self, refusal: Refusal) -> None:
        """Discards what is still sent for a while: with unread input, the kernel might drop the answer."""
        if self.transport.is_closing():
            return
        self.transport.write(refusal.encoded(self.state.default_headers))
        if len(self.connections) > self.limits.connections + _LINGERING:
            self.transport.close()
        else:
            self.transport.write_eof()
            self.flow.resume_reading()
            self._timer = self.loop.call_later(_LINGER, self.transport.abort)


def _disconnect(cycle: RequestResponseCycle) -> None:
    """For the application, its client is gone."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _is_chunked(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return all(value.lower() == b"chunked" for name, value in headers if name == b"transfer-encoding")


def _with_path(url: bytes) -> bytes:
    """An absolute URL may have none (RFC 9112 3.2.2)."""
    parsed = httptools.parse_url(url)
    return url if parsed.path else b"/?" + parsed.query if parsed.query else b"/"


def _queued(transport: asyncio.Transport) -> int:
    """Bytes in the kernel's send buffer, where it tells."""
    try:
        told = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int(struct.unpack("i", told)[0])
