"""uvicorn's server with Lectern's connections and a graceful shutdown that drops no request."""

import asyncio
import ctypes
import logging
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from app.metrics import ServerCounts
from app.security_headers import ALWAYS
from app.server import drain
from app.server.connection import Connection
from app.server.connection_limits import ConnectionLimits
from app.server.proxies import Proxies
from app.server.state import State
from app.settings import Settings
from loaders.mongo import detached_work_done

#: The signals that stop a process. Ctrl-C sends SIGINT, and closing the terminal sends SIGHUP.
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

#: The number of open files reserved for connections to MongoDB and for the process's own files. The rest can
#: be client connections.
_RESERVED_FILES = 256
_MIN_FILES = 128

#: Bytes of a response that the kernel buffers in addition to those in flight. By default, it would buffer
#: megabytes for each client that doesn't read.
_UNSENT_IN_KERNEL = 65_536

_DATE = 1.0  # seconds between updates of the `Date` header
_TICK = 0.05  # seconds between checks for unfinished requests
_HANDSHAKE = 0.2  # seconds to wait for TCP handshakes that are in progress

#: A socket filter (socket(7), BPF) for TCP packets: it loads the flags, and drops the packet if SYN is set.
_SO_ATTACH_FILTER = 26
_INSTRUCTION = "HBBI"
_NO_SYN = b"".join(
    struct.pack(_INSTRUCTION, *instruction)
    for instruction in ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
)

_log = structlog.get_logger("lectern")


class CannotStartError(Exception):
    """A server can't start; the message says why."""


class Server(uvicorn.Server):
    """Serves bound sockets until a signal stops it.

    delay: seconds after the signal during which the server still accepts connections. Meanwhile, `/readyz`
    returns 503 if no other process continues to serve the same address.
    seconds: the time that running requests have to finish after the delay.
    """

    server_state: State

    def __init__(self, config: uvicorn.Config, *, delay: float, seconds: float) -> None:
        super().__init__(config)
        self.server_state = State()
        self.delay, self.seconds = delay, seconds
        self.signals: dict[int, Callable[[int, FrameType | None], None]] = dict.fromkeys(
            STOP, self.handle_exit
        )
        self.on_started: Callable[[], None] = lambda: None
        # Returns False if other processes will continue to serve these sockets, otherwise True.
        self.is_last: Callable[[], bool] = lambda: True
        self.was_cut = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles signals as uvicorn does, but doesn't re-raise them. A requested stop is not a failure."""
        before = {number: signal.signal(number, handler) for number, handler in self.signals.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Starts the shutdown. A second Ctrl-C ends the process immediately.

        A second SIGTERM doesn't, because a single stop can send SIGTERM twice, for example to this process
        and to its whole process group.
        """
        if self.should_exit and sig in {signal.SIGINT, signal.SIGQUIT}:
            os._exit(128 + sig)
        self.should_exit = True

    def counts(self) -> ServerCounts:
        """Counts connections and requests, for the metrics."""
        state = self.server_state
        return ServerCounts(len(state.connections), len(state.idle), len(state.tasks), state.rejections)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to serve. Raises CannotStartError if another process already listens on the same port."""
        await self.on_tick(0)  # sets the `Date` header of the first responses
        own = [listening.dup() for listening in sockets or []]
        await super().startup(sockets)
        try:
            for listening in own:
                with listening:
                    _require_listening(listening, self.config.backlog)
        except CannotStartError:
            await self.lifespan.shutdown()
            raise
        self.on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        drain.begin(self.is_last)
        dating = asyncio.create_task(self._keep_date())
        self._close_after_answers()
        await asyncio.sleep(self.delay)
        if self.is_last():
            await self._stop_handshakes(sockets or [])
        await self._accept_the_last(sockets or [])
        self.server_state.is_closed = True
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.seconds):
                await self._finished()
        except TimeoutError:
            await self._cut()
        dating.cancel()
        await self.lifespan.shutdown()

    async def _keep_date(self) -> None:
        """Updates the `Date` header during the shutdown, as uvicorn does until then."""
        while True:
            await self.on_tick(0)
            await asyncio.sleep(_DATE)

    def _close_after_answers(self) -> None:
        for connection in self.server_state.connections:
            connection.close_after_answer()

    async def _stop_handshakes(self, sockets: Sequence[socket.socket]) -> None:
        """Makes the kernel drop new SYNs, then waits until handshakes in progress are complete.

        A client whose SYN was dropped resends it a second later, and is then refused.
        """
        for listening in sockets:
            _drop_new(listening)
        await asyncio.sleep(_HANDSHAKE)

    async def _accept_the_last(self, sockets: Sequence[socket.socket]) -> None:
        """Closes the servers, then serves the connections that are left in the sockets' backlogs.

        The sockets are closed last, because closing a socket resets the connections in its backlog.
        """
        loop = asyncio.get_running_loop()
        waiting = [listening.dup() for listening in sockets]
        for server in self.servers:
            server.close()
        await asyncio.sleep(_TICK)  # uvloop closes its sockets on the next iteration of the loop
        for listening in waiting:
            with listening:
                listening.setblocking(False)
                while accepted := _accept(listening):
                    await loop.connect_accepted_socket(self._connection, accepted)

    def _connection(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _finished(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 # uvicorn's sets have no event to await
            await asyncio.sleep(_TICK)
        await detached_work_done()

    async def _cut(self) -> None:
        _log.warning(
            "requests were cut off: they took longer than LECTERN_DRAIN_SECONDS",
            requests=len(self.server_state.tasks),
            seconds=self.seconds,
        )
        self.was_cut = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        for task in list(self.server_state.tasks):
            task.cancel()


def make_server(
    application: Callable[[], ASGIApp], settings: Settings, *, delay: float | None = None
) -> Server:
    """Returns a server for an application.

    application: creates the application when the server starts. delay: overrides LECTERN_DRAIN_DELAY.
    """
    limits = ConnectionLimits(
        connections=_connections(settings.max_connections),
        head=settings.max_head_bytes,
        headers=settings.max_headers,
        url=settings.max_url_bytes,
        unread=settings.max_unread_bytes,
        head_time=settings.head_timeout,
        body_time=settings.body_timeout,
        stall_time=settings.stall_timeout,
        idle_time=settings.keep_alive_timeout,
    )
    protocol: Any = partial(Connection, limits=limits)  # uvicorn's type annotation requires a class
    config = uvicorn.Config(
        lambda: Proxies(application(), settings.forwarded_allow_ips),
        factory=True,
        interface="asgi3",
        lifespan="on",
        http=protocol,
        ws="none",  # no WebSockets: the gateway speaks only HTTP, and ignores upgrades
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[(name.decode(), value.decode()) for name, value in ALWAYS],
    )
    logging.getLogger("uvicorn.error").addFilter(_is_not_cut_off)
    return Server(
        config, delay=settings.drain_delay if delay is None else delay, seconds=settings.drain_seconds
    )


def bound_socket(host: str, port: int) -> socket.socket:
    """Returns a bound socket that doesn't listen yet. Raises OSError if the port is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":  # accepted connections inherit this option
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_IN_KERNEL)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def _require_listening(listening: socket.socket, backlog: int) -> None:
    """Raises CannotStartError if the socket couldn't listen. uvloop closes such a socket without an error."""
    host, port = listening.getsockname()[:2]
    try:
        listening.listen(backlog)  # again, which changes nothing if it is listening already
    except OSError as error:
        raise CannotStartError(f"Can't listen on {host} port {port}: {error.strerror}.") from None


def _accept(listening: socket.socket) -> socket.socket | None:
    try:
        return listening.accept()[0]
    except OSError:  # no connection is waiting
        return None


def _drop_new(listening: socket.socket) -> None:
    """Makes the kernel drop new connections to the socket on Linux. Does nothing on other systems."""
    if sys.platform == "linux":
        program = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
        size = len(_NO_SYN) // struct.calcsize(_INSTRUCTION)
        filtered = struct.pack("HP", size, ctypes.addressof(program))
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filtered)


def require_files() -> None:
    """Raises ValueError if this process isn't allowed to have _MIN_FILES files open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _MIN_FILES:
        raise ValueError(
            f"A process can only open {hard} files here (`ulimit -n`). It needs at least {_MIN_FILES}, or "
            "LECTERN_MAX_CONNECTIONS plus 256 to hold all connections: raise the limit."
        )


def _connections(limit: int) -> int:
    """Returns the number of connections that this process can hold, up to `limit`.

    Increases the process's limit on open files as far as the system allows.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = limit + _RESERVED_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    fits = min(limit, max(files - _RESERVED_FILES, files // 2))
    if fits < limit:
        _log.warning(
            "this process can hold fewer connections than LECTERN_MAX_CONNECTIONS: `ulimit -n` is too low",
            connections=fits,
            needed=limit + _RESERVED_FILES,
        )
    return fits


def _is_not_cut_off(record: logging.LogRecord) -> bool:
    """Returns False for errors of requests that `_cut` has cut off, because `_cut` logs these requests."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
