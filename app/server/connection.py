"""An HTTP connection from an untrusted client: uvicorn's protocol, plus the limits and timeouts it lacks.

The head of a request has a maximum size. The head and the body must each arrive within a timeout. A client
must read its responses, and an idle connection is closed. A request that is refused here gets a JSON error in
the form of a GraphQL error, and then the connection closes.
"""

import asyncio
import enum
from asyncio import TimerHandle
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.server import head, rejections
from app.server.connection_limits import ConnectionLimits
from app.server.cycle import Cycle
from app.server.drain import is_draining
from app.server.reader import Reader
from app.server.rejections import Rejection
from app.server.state import State

#: Bytes that are fed to the parser at a time. After each chunk, the size of an unfinished head is checked.
_CHUNK = 16_384

#: The number of requests that a client can pipeline behind the running one. Lectern ignores further requests,
#: and closes the connection once it has answered the earlier requests. The client then retries the ignored
#: requests (RFC 9112 9.3.2).
_MAX_PIPELINED = 8

#: Reading pauses when the bodies of the pipelined requests exceed this number of bytes in total.
_MAX_PIPELINED_BODIES = 65_536

_HEAD_OVERHEAD = 1024  # bytes allowed in a head in addition to its fields and its URL

_TICKS = 10  # number of equal parts into which the timeout of a head or body is divided

#: Seconds for which a connection stays open after a refusal, or after a response to an incomplete request, so
#: that the client can receive the response. While the server is stopping, an idle connection stays open for
#: the same time, because another request might be on its way.
_LINGER = 1.0

_MAX_LINGERING = 128  # if the connection limit is exceeded by more than this, connections don't linger

_Options: TypeAlias = Any  # uvicorn's constructor arguments, passed through unchanged
_App: TypeAlias = Any  # an ASGI application; uvicorn keeps its type private


class _StopParsingError(Exception):
    """Raised in a parser callback to stop the parser."""


class _Phase(enum.Enum):
    """The part of a request that the client has to send next."""

    REQUEST = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


class Connection(HttpToolsProtocol):
    """One client connection: parses requests, enforces the limits, and answers in order."""

    def __init__(self, *arguments: _Options, limits: ConnectionLimits, **options: _Options) -> None:
        super().__init__(*arguments, **options)
        self.limits = limits
        self.state: State = options["server_state"]
        # The request being answered; self.cycle is the latest request.
        self.running: RequestResponseCycle | None = None
        self._phase = _Phase.REQUEST  # the parser's position in a message
        # Whether the connection's final request has been received. Any further input is dropped.
        self._last_received = False
        self._ignores_message = False  # whether the parser's events for the current message are ignored
        # Whether all further input is dropped, while earlier requests are still answered.
        self._is_ending = False
        self._keep_alive_after_body = True  # whether to keep the connection open once the body is complete
        self._rejection: Rejection | None = None
        self._awaited: _Phase | None = None  # the phase that the current timeout is for
        self._timer: TimerHandle | None = None
        self._idle_timer: TimerHandle | None = None
        self._wait_began = 0.0
        self._unparsed = 0  # bytes fed to the parser since it last reported a head or part of a body
        self._max_unparsed = limits.head + limits.url + _HEAD_OVERHEAD
        self.url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self.reader = Reader(transport, self.limits, self.state.unread, self._unsent_bytes, self._update_wait)
        if len(self.connections) > self.limits.connections:
            self._make_room()
        self._update_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(None)
        self.reader.close()
        if self._idle_timer:
            self._idle_timer.cancel()
        for cycle in (self.running, self.cycle, *(cycle for cycle, _ in self.pipeline)):
            if cycle:
                _disconnect(cycle)
                cycle.transport, cycle.on_response = self.transport, _do_nothing  # breaks a reference cycle
        self.pipeline.clear()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Closes the connection that has been idle longest. If none is idle, refuses the new connection."""
        self.state.full.warning(limit=self.limits.connections)
        if self.state.idle:
            next(iter(self.state.idle)).close()
        else:
            self._refuse(rejections.FULL)

    # --- Timeouts ---

    def _update_wait(self) -> None:
        """Starts the timeout for what the client must send next, unless it is already running."""
        awaited: _Phase | None = self._phase
        if awaited is _Phase.REQUEST and (
            self.reader.is_waited_for or (self.running is not None and not self.running.response_complete)
        ):
            awaited = None  # a response is still being produced or read
        if awaited is not self._awaited and not self._is_ending and not self.transport.is_closing():
            self._wait_for(awaited)

    def _wait_for(self, awaited: _Phase | None) -> None:
        """Cancels the current timeout. If `awaited` is a phase, starts the timeout for that phase."""
        self._awaited = awaited
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if awaited is None:
            self.state.idle.pop(self, None)
            return
        self._wait_began = self.loop.time()
        if awaited is _Phase.REQUEST and self.cycle:
            self.state.idle[self] = None
            if self.state.is_closed or not self._idle_timer:
                self._set_idle_timer(_LINGER if self.state.is_closed else self.limits.idle_time)
        else:
            self.state.idle.pop(self, None)
            seconds = self.limits.body_time if awaited is _Phase.BODY else self.limits.head_time
            self._timer = self.loop.call_later(seconds / _TICKS, self._tick, seconds / _TICKS, _TICKS)

    def _set_idle_timer(self, seconds: float) -> None:
        """Schedules a check for idleness after some seconds.

        The timer is kept across requests, because a new timer for each would slow down small queries.
        """
        if self._idle_timer:
            self._idle_timer.cancel()
        self._idle_timer = self.loop.call_later(seconds, self._check_idle)

    def _check_idle(self) -> None:
        """Closes the connection if it has been idle for the whole timeout. If not, checks again later."""
        self._idle_timer = None
        if self not in self.state.idle:
            return
        seconds = _LINGER if self.state.is_closed else self.limits.idle_time
        left = self._wait_began + seconds - self.loop.time()
        if left > 0:
            self._set_idle_timer(left)
        else:
            self.close()

    def _tick(self, seconds: float, left: int) -> None:
        """Counts down the timeout of a head or body. The countdown pauses while the server isn't reading."""
        left -= not self.flow.read_paused
        if left:
            self._timer = self.loop.call_later(seconds, self._tick, seconds, left)
        else:
            self._time_out()

    def _time_out(self) -> None:
        if self._awaited is _Phase.REQUEST:
            self.close()
        else:
            what = "head" if self._awaited is _Phase.HEAD else "body"
            self._refuse(Rejection(408, f"The request's {what} took too long to arrive."))

    def close(self) -> None:
        self._wait_for(None)
        if self.transport.get_write_buffer_size():  # close() would wait until the client has read everything
            self.transport.abort()
        else:
            self.transport.close()

    # --- Input ---

    def data_received(self, data: bytes) -> None:
        for chunk in (data,) if len(data) <= _CHUNK else _chunks(data):
            if self._last_received or self._is_ending or self.transport.is_closing():
                return
            self._feed(chunk)
        if self._phase is _Phase.BODY:
            self._prepare_early_answer()
        self._update_wait()

    def _feed(self, chunk: bytes) -> None:
        self._unparsed += len(chunk)
        try:
            self.parser.feed_data(chunk)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(chunk[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(rejections.INVALID)
        if self._unparsed > self._max_unparsed:
            url = self.url if self._phase is _Phase.HEAD else b""
            self._refuse(head.too_large(url, self.limits))

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Serves a request with an `Upgrade` field as plain HTTP, which RFC 9110 7.8 permits.

        The parser doesn't read the body of such a request, so a new parser is fed the same head without the
        `Upgrade` field. rest: the input after that head.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(rejections.CONNECT)
            return
        version = self.parser.get_http_version().encode()
        fields = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        plain_head = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # uvicorn sets this option too
        self._feed(plain_head + rest)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = _Phase.HEAD
        self._wait_for(None)  # cancels the previous timeout, because the new head has its own

    def on_headers_complete(self) -> None:
        self._unparsed = 0
        self._ignores_message = self._last_received or self.parser.should_upgrade()
        if self._ignores_message:
            return
        self._check_head()
        self._begin_request()
        self._phase = _Phase.BODY
        self.headers = []  # trailer fields are not part of the head (RFC 9110 6.5.1)
        if is_draining() or len(self.pipeline) == _MAX_PIPELINED:
            self.cycle.keep_alive = False

    def _begin_request(self) -> None:
        """Does what uvicorn's `on_headers_complete` does, without the parts that Lectern doesn't use."""
        version = self.parser.get_http_version()
        head.fill_in(self.scope, self.parser.get_method(), version, self.url)
        previous = self.cycle
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
        if previous is None or previous.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            # Unlike uvicorn, Lectern continues to read, because otherwise a disconnect would go unnoticed.
            self.pipeline.appendleft((cycle, self.app))

    def _check_head(self) -> None:
        rejection = head.rejection(self.url, self.parser.get_http_version(), self.headers, self.limits)
        if rejection:
            self._refuse(rejection)
            raise _StopParsingError
        self.url = head.with_path(self.url)

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        if not self._ignores_message:
            super().on_body(body)
            if self.pipeline and sum([len(cycle.body) for cycle, _ in self.pipeline]) > _MAX_PIPELINED_BODIES:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._unparsed = 0
        if not self._ignores_message:
            self._phase = _Phase.REQUEST
            self._undo_early_answer()
            self._last_received = not self.cycle.keep_alive
            super().on_message_complete()

    def _prepare_early_answer(self) -> None:
        """Makes the connection close if the response is sent before the request's body is complete.

        The server can't know whether the client will then send the rest of the body (RFC 9110 10.1.1).
        """
        cycle = self.cycle
        if cycle.transport is self.transport and not cycle.response_started:
            lingering = _LingeringTransport(self.transport, self._linger)
            cycle.transport = lingering  # type: ignore[assignment] # has the methods that a cycle calls
            self._keep_alive_after_body, cycle.keep_alive = cycle.keep_alive, False

    def _undo_early_answer(self) -> None:
        """Restores keep-alive if the request's body is complete before the response has started."""
        cycle = self.cycle
        if cycle.transport is not self.transport and not cycle.response_started:
            cycle.transport = self.transport
            cycle.keep_alive = self._keep_alive_after_body and not is_draining()

    # --- Responses ---

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: _App) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.state.total_requests += 1
        self.reader.answered()
        if self.transport.is_closing():
            return
        if self._rejection and not self.pipeline:
            self._send_rejection(self._rejection)
        else:
            self._run_next()

    def _run_next(self) -> None:
        """Runs the next pipelined request, or pauses reading if the last response is still unread."""
        if self.flow.write_paused:
            self.flow.pause_reading()
        elif self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.flow.resume_reading()
        self._update_wait()

    def close_after_answer(self) -> None:
        if self.cycle:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Closes the connection once its current requests are answered, because the server is stopping.

        A connection that was idle for less than a second stays open for the rest of that second, because
        another request might be on its way.
        """
        if self._awaited is _Phase.REQUEST:
            left = self._wait_began + _LINGER - self.loop.time()
            if left <= 0:
                self.close()
            elif self.cycle:
                self._set_idle_timer(left)
            elif self._timer:
                self._timer.cancel()
                self._timer = self.loop.call_later(left, self._time_out)
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
            self._run_next()

    def _unsent_bytes(self) -> int:
        """Returns how many bytes of the response the application has yet to send."""
        cycle = self.running
        return cycle.expected_content_length if cycle and not cycle.response_complete else 0

    # --- Refusals ---

    def _refuse(self, rejection: Rejection) -> None:
        """Sends the refusal once earlier requests are answered, and closes the connection."""
        if self._is_ending:
            return
        self._wait_for(None)
        self.state.rejections[rejection.status] += 1
        self._is_ending, self._rejection = True, rejection
        if self._phase is _Phase.BODY and self.cycle and not self._withdraw(self.cycle):
            self.close()  # the request was answered before its body arrived
        elif not self.running or self.running.response_complete or self.running.disconnected:
            self._send_rejection(rejection)

    def _withdraw(self, cycle: RequestResponseCycle) -> bool:
        """Drops a request whose body is refused, unless its response has already started.

        Returns whether the request was dropped.
        """
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        elif cycle.response_started:
            return False
        _disconnect(cycle)
        return True

    def _send_rejection(self, rejection: Rejection) -> None:
        if not self.transport.is_closing():
            self.transport.write(rejection.encoded(self.state.default_headers))
            self._linger()

    def _linger(self) -> None:
        """Closes the connection after the response has been written, discarding any input for a second.

        If the socket were closed while it had unread input, the kernel might drop the response.
        """
        self._wait_for(None)
        self._is_ending = True
        if len(self.connections) > self.limits.connections + _MAX_LINGERING:
            self.transport.close()
        else:
            self.transport.write_eof()
            self.flow.resume_reading()
            self._timer = self.loop.call_later(_LINGER, self.transport.abort)


class _LingeringTransport:
    """A connection's transport, except that `close` lingers first (see Connection._linger)."""

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], None]) -> None:
        self.write, self.is_closing = transport.write, transport.is_closing
        self.close = linger


def _disconnect(cycle: RequestResponseCycle) -> None:
    """Tells the application that the client of a request has disconnected."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _do_nothing() -> None:
    pass


def _chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]
