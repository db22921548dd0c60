"""A connection that a stranger may open: uvicorn's, with the limits and times that it lacks.

A request's head has a size and a time, its body a time; a client has to read what it is answered; an idle
connection ends. What is refused here is answered as GraphQL errors are, in JSON, and the connection closes.
"""

import asyncio
import enum
from asyncio import TimerHandle
from collections.abc import Callable, Iterator
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.server import head, rejections
from app.server.connection_limits import Limits
from app.server.cycle import Cycle
from app.server.drain import is_draining
from app.server.reader import Reader
from app.server.rejections import Refusal
from app.server.state import State

#: Bytes that the parser is given at a time: what it holds back of a head is looked at as often.
_PIECE = 16_384

#: Requests that a client may send ahead of the one that runs. Those after are dropped with the connection,
#: and the client sends them again (RFC 9112 9.3.2).
_AHEAD = 8

#: Bytes of their bodies after which nothing is read until there is room.
_BODIES_AHEAD = 65_536

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
        self._ends = False  # after what is answered now: nothing that comes is looked at
        self._keeps_alive = True  # after the request whose body is waited for
        self._refusal: Refusal | None = None
        self._waits: _Waits | None = None
        self._timer: TimerHandle | None = None
        self._idle: TimerHandle | None = None
        self._began = 0.0  # when that wait began
        self._held = 0  # bytes since the parser gave a head or a piece of a body
        self._most_held = limits.head + limits.url + _LINE
        self.url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.reader = Reader(transport, self.limits, self.state.unread, self._rest, self._watch)
        if len(self.connections) > self.limits.connections:
            self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(None)
        self.reader.close()
        if self._idle:
            self._idle.cancel()
        for cycle in (self.running, self.cycle, *(cycle for cycle, _ in self.pipeline)):
            if cycle:
                _disconnect(cycle)
                cycle.transport, cycle.on_response = self.transport, _nothing  # or it would refer to this
        self.pipeline.clear()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        self.state.full.warning(limit=self.limits.connections)
        if self.state.idle:
            next(iter(self.state.idle)).close()
        else:
            self._refuse(rejections.FULL)

    # What is waited for, and for how long.

    def _watch(self) -> None:
        """Begins the time of what is waited for now, if it is something else than before."""
        waits: _Waits | None = self._reading
        if waits is _Waits.REQUEST and (
            self.reader.is_waited_for or (self.running is not None and not self.running.response_complete)
        ):
            waits = None  # the client has to be answered, and to read that
        if waits is not self._waits and not self._ends and not self.transport.is_closing():
            self._wait_for(waits)

    def _wait_for(self, waits: _Waits | None) -> None:
        self._waits = waits
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if waits is None:
            self.state.idle.pop(self, None)
            return
        self._began = self.loop.time()
        if waits is _Waits.REQUEST and self.cycle:
            self.state.idle[self] = None
            if self.state.is_closed or not self._idle:
                self._be_idle(_LINGER if self.state.is_closed else self.limits.idle_time)
        else:
            self.state.idle.pop(self, None)
            seconds = self.limits.body_time if waits is _Waits.BODY else self.limits.head_time
            self._timer = self.loop.call_later(seconds / _STEPS, self._step, seconds / _STEPS, _STEPS)

    def _be_idle(self, seconds: float) -> None:
        """At most. The timer outlasts requests: one for each would take a small query longer."""
        if self._idle:
            self._idle.cancel()
        self._idle = self.loop.call_later(seconds, self._was_idle)

    def _was_idle(self) -> None:
        """If it was since the timer was set."""
        self._idle = None
        if self not in self.state.idle:
            return
        seconds = _LINGER if self.state.is_closed else self.limits.idle_time
        left = self._began + seconds - self.loop.time()
        if left > 0:
            self._be_idle(left)
        else:
            self.close()

    def _step(self, seconds: float, left: int) -> None:
        """The time goes on while this side reads."""
        left -= not self.flow.read_paused
        if left:
            self._timer = self.loop.call_later(seconds, self._step, seconds, left)
        else:
            self._late()

    def _late(self) -> None:
        if self._waits is _Waits.REQUEST:
            self.close()
        else:
            what = "head" if self._waits is _Waits.HEAD else "body"
            self._refuse(Refusal(408, f"The {what} of the request took too long."))

    def close(self) -> None:
        self._wait_for(None)
        if self.transport.get_write_buffer_size():  # close() would wait until it is read
            self.transport.abort()
        else:
            self.transport.close()

    # What the client sends.

    def data_received(self, data: bytes) -> None:
        pieces = (data,) if len(data) <= _PIECE else _pieces(data)
        for piece in pieces:
            if self._over or self._ends or self.transport.is_closing():
                return
            self._feed(piece)
        if self._reading is _Waits.BODY:
            self._expect_body()
        self._watch()

    def _feed(self, piece: bytes) -> None:
        self._held += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as offer:
            self._ignore_offer(piece[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(rejections.INVALID)
        if self._held > self._most_held:
            url = self.url if self._reading is _Waits.HEAD else b""
            self._refuse(head.too_large(url, self.limits))

    def _ignore_offer(self, rest: bytes) -> None:
        """To go on with another protocol: a server may ignore it (RFC 9110 7.8). The parser doesn't read the
        body of such a request, and so gets its head again, without the offer.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(rejections.CONNECT)
            return
        version = self.parser.get_http_version().encode()
        fields = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        without = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self._feed(without + rest)

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
        head.fill_in(self.scope, self.parser.get_method(), version, self.url)
        before = self.cycle
        self.cycle = cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue and version == "1.1",
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.pipeline.appendleft((cycle, self.app))  # and reading goes on, or nobody sees the client go

    def _check(self) -> None:
        refusal = head.refusal(self.url, self.parser.get_http_version(), self.headers, self.limits)
        if refusal:
            self._refuse(refusal)
            raise _StopError
        self.url = head.with_path(self.url)

    def on_body(self, body: bytes) -> None:
        self._held = 0
        if not self._ignored:
            super().on_body(body)
            if self.pipeline and sum([len(cycle.body) for cycle, _ in self.pipeline]) > _BODIES_AHEAD:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._held = 0
        if not self._ignored:
            self._reading = _Waits.REQUEST
            self._body_came()
            self._over = not self.cycle.keep_alive
            super().on_message_complete()

    def _expect_body(self) -> None:
        """An answer that comes before the body does is the last one: nobody knows whether the client still
        sends that body (RFC 9110 10.1.1).
        """
        cycle = self.cycle
        if cycle.transport is self.transport and not cycle.response_started:
            cycle.transport = _Lingering(self.transport, self._linger)  # type: ignore[assignment]
            self._keeps_alive, cycle.keep_alive = cycle.keep_alive, False

    def _body_came(self) -> None:
        cycle = self.cycle
        if cycle.transport is not self.transport and not cycle.response_started:
            cycle.transport = self.transport
            cycle.keep_alive = self._keeps_alive and not is_draining()

    # What it is answered.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.state.total_requests += 1
        self.reader.answered()
        if self.transport.is_closing():
            return
        if self._refusal and not self.pipeline:
            self._send_refusal(self._refusal)
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
                self.close()
            elif self.cycle:
                self._be_idle(left)
            elif self._timer:
                self._timer.cancel()
                self._timer = self.loop.call_later(left, self._late)
        else:
            self.close_after_answer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.reader.check()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.reader.stop()
        self.reader.check()
        if self.running and self.running.response_complete and not self.transport.is_closing():
            self._go_on()

    def _rest(self) -> int:
        """Bytes of the answer that the application has yet to send."""
        cycle = self.running
        return cycle.expected_content_length if cycle and not cycle.response_complete else 0

    # What is refused.

    def _refuse(self, refusal: Refusal) -> None:
        """Answers with a refusal, after the requests before it, and closes the connection."""
        if self._ends:
            return
        self._wait_for(None)
        self._ends, self._refusal = True, refusal
        if self._reading is _Waits.BODY and self.cycle and not self._drop(self.cycle):
            self.close()  # it was answered before its body came
        elif not self.running or self.running.response_complete or self.running.disconnected:
            self._send_refusal(refusal)

    def _drop(self, cycle: RequestResponseCycle) -> bool:
        """Withdraws the request whose body is invalid; False if its answer has begun."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        elif cycle.response_started:
            return False
        _disconnect(cycle)
        return True

    def _send_refusal(self, refusal: Refusal) -> None:
        if not self.transport.is_closing():
            self.transport.write(refusal.encoded(self.state.default_headers))
            self._linger()

    def _linger(self) -> None:
        """Closes the connection after what was written, and discards what is still sent for a while: with
        unread input, the kernel might drop the answer.
        """
        self._wait_for(None)
        self._ends = True
        if len(self.connections) > self.limits.connections + _LINGERING:
            self.transport.close()
        else:
            self.transport.write_eof()
            self.flow.resume_reading()
            self._timer = self.loop.call_later(_LINGER, self.transport.abort)


class _Lingering:
    """A connection's transport, for an answer after which the connection lingers."""

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], None]) -> None:
        self.write, self.is_closing = transport.write, transport.is_closing
        self.close = linger


def _disconnect(cycle: RequestResponseCycle) -> None:
    """For the application, its client is gone."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _nothing() -> None:
    pass


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
