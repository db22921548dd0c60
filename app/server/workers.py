"""Worker processes that share one socket: gunicorn's supervisor with Lectern's workers.

gunicorn starts the workers, replaces any that die or hang, and forwards signals. Lectern's changes:
- The socket listens only once a worker can answer.
- SIGHUP ends a worker only when its successor can answer.
- Ctrl-C drains the workers.
- When the supervisor is killed, no process stays behind.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn, TypeAlias

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.workers.base import Worker

from app.metrics import WORKER_DEATHS, Counter, SharedMemory, State
from app.observing import run_exit_hooks
from app.server.admin_process import AdminProcess
from app.server.process_control import die_with
from app.server.server import STOP, CannotStartError, Server

_HEARTBEAT = 1.0  # seconds between a worker's heartbeats

# Seconds without a heartbeat after which a worker is killed. The time is long, because workers start slowly
# on a busy machine.
_HEARTBEAT_TIMEOUT = 30

# Seconds by which a stopping worker can exceed its time limit (see `run_workers`) before it is killed.
_MARGIN = 2
_TICK = 0.02  # how often to check whether a starting worker is ready, in seconds
_USUAL_DEATHS = ("SIGKILL", "SIGABRT", "SIGSEGV", "exit 1")
_RETRY = 5.0  # seconds to wait after a worker failed to start, before another one is started

_SIGNALS = (*STOP, signal.SIGTTIN, signal.SIGTTOU)  # SIGTTIN adds a worker, SIGTTOU removes one
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 # heartbeats there don't write to a disk
# Sizes of a heartbeat file, used as signals. A worker sets the size to _READY once the worker can answer. The
# supervisor sets the size to _ALL_STOP when all workers have to stop.
_READY, _ALL_STOP = 1, 2

_Options: TypeAlias = Mapping[str, Any]  # gunicorn's settings by name

_log = structlog.get_logger("lectern")


def run_workers(
    make: Callable[[], Server],
    listening: socket.socket,
    workers: int,
    *,
    patience: float,
    on_started: Callable[[], None],
    memory: SharedMemory | None = None,
    admin: AdminProcess | None = None,
) -> None:
    """Serves until a signal stops the process, then raises SystemExit.

    make: creates a worker's server; called in each worker, and can raise CannotStartError. patience: a
    worker's time limit for stopping, in seconds. on_started: called once, when the first worker can answer.
    memory: where the workers and the supervisor count; None if they don't.
    """
    options = {
        "workers": workers,
        "worker_class": _Worker,
        "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
        "timeout": _HEARTBEAT_TIMEOUT,
        "graceful_timeout": int(patience + _MARGIN),
        "loglevel": "error",
        "control_socket_disable": True,
    }
    _Supervisor(_Application(make, options, memory), listening, on_started, memory, admin).run()


def prepare_signals() -> None:
    """Sets the signal handlers that apply until `run_workers` sets the supervisor's.

    A signal to stop ends the process with status 0, as it does later. Without a handler, SIGTERM would do
    nothing in a container, where the process has the id 1. SIGHUP does nothing, because no worker has read
    any file yet.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: os._exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn has no type hints
    def __init__(
        self, make: Callable[[], Server], options: _Options, memory: SharedMemory | None = None
    ) -> None:
        self.load = make
        self.memory = memory
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)


class _Supervisor(Arbiter):  # type: ignore[misc] # gunicorn has no type hints
    SIGNALS = _SIGNALS

    def __init__(
        self,
        app: _Application,
        listening: socket.socket,
        on_started: Callable[[], None],
        memory: SharedMemory | None,
        admin: AdminProcess | None,
    ) -> None:
        super().__init__(app)
        self.LISTENERS = [listening]
        self._memory, self._admin = memory, admin
        self._deaths = Counter(WORKER_DEATHS, memory.own) if memory else None
        if self._deaths:
            for reason in _USUAL_DEATHS:
                self._deaths.add((reason,), 0)  # a rate needs a first value
        self._on_started: Callable[[], None] | None = on_started
        self._retry_at = 0.0
        self._replacements_due = 0  # for workers that were to be replaced, but whose successors did not start

    def init_signals(self) -> None:
        super().init_signals()
        for ignored in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(ignored, signal.SIG_IGN)

    #: SIGINT and SIGQUIT drain the workers, as SIGTERM does. If another SIGINT or SIGQUIT follows, gunicorn
    #: ends all workers immediately.
    handle_int = handle_quit = Arbiter.handle_term

    def handle_ttin(self) -> None:
        """Adds a worker, unless the memory for metrics couldn't hold all workers and their successors."""
        if self._memory and 2 * (self.num_workers + 1) >= len(self._memory.slots):
            _log.warning("no worker was added: there are as many as possible", workers=self.num_workers)
        else:
            super().handle_ttin()

    def handle_hup(self) -> None:
        _log.info("workers are being replaced", workers=self.num_workers)
        self._replacements_due = 0
        for _ in range(self.num_workers):
            self.spawn_worker()

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        all_ready = all(worker.is_ready() for worker in self.WORKERS.values())
        signals: list[int] = super().wait_for_signals(timeout if all_ready else _TICK)
        if self._on_started and any(worker.is_ready() for worker in self.WORKERS.values()):
            self._on_started()
            self._on_started = None
        return signals

    def manage_workers(self) -> None:
        """Starts missing workers, or stops the oldest ones if too many are serving."""
        if self._admin:
            self._admin.ensure(self.LISTENERS)
        if monotonic() >= self._retry_at:
            self.spawn_workers()
            while self._replacements_due:
                self._replacements_due -= 1
                self.spawn_worker()
        serving = [worker for worker in self.WORKERS.values() if worker.is_ready() and not worker.is_stopping]
        serving.sort(key=lambda worker: worker.age)
        for worker in serving[: max(0, len(serving) - self.num_workers)]:
            self.kill_worker(worker.pid, signal.SIGTERM)

    def spawn_worker(self) -> Any:  # Any, because gunicorn's method has no type hints
        """Starts a worker, blocking signals until the worker has its own handlers.

        Otherwise, a signal that arrives earlier would be lost in gunicorn's queue.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def kill_worker(self, pid: int, sig: int) -> None:
        if pid in self.WORKERS and sig != signal.SIGABRT:  # gunicorn aborts workers that hang
            self.WORKERS[pid].is_stopping = True
            self.WORKERS[pid].note(State.STOPPING)
        super().kill_worker(pid, sig)

    def reap_workers(self) -> None:
        for pid, status in _reap():
            if self._admin and self._admin.has_ended(pid):
                continue
            if worker := self.WORKERS.pop(pid, None):
                was_ready = worker.is_ready()
                worker.tmp.close()
                worker.note(State.FREE)
                if not worker.is_stopping:
                    self._handle_death(pid, status, was_ready)

    def _handle_death(self, pid: int, status: int, was_ready: bool) -> None:
        """Logs the death of a worker; `manage_workers` then starts another.

        Raises HaltServer if no worker has ever been able to start.
        """
        code = os.waitstatus_to_exitcode(status)
        ended = {"exit_status": code} if code >= 0 else {"signal": signal.Signals(-code).name}
        if self._deaths:
            self._deaths.add((f"exit {code}" if code >= 0 else signal.Signals(-code).name,))
        if was_ready:
            _log.error("a worker died and is being replaced", worker=pid, **ended)
        elif self._on_started:
            raise HaltServer("No worker can start.", 1)
        else:
            _log.error(
                "a worker did not start; another one will be started", worker=pid, seconds=_RETRY, **ended
            )
            self._retry_at = monotonic() + _RETRY
            if sum(not worker.is_stopping for worker in self.WORKERS.values()) >= self.num_workers:
                self._replacements_due += 1

    def halt(self, reason: str | None = None, exit_status: int = 0) -> NoReturn:
        if not exit_status:
            hint = {"hint": "press Ctrl-C to stop immediately"} if sys.stdin and sys.stdin.isatty() else {}
            _log.info("draining", seconds=self.cfg.graceful_timeout - _MARGIN, **hint)
        if self._memory:
            self._memory.own.begin_drain()
        for worker in self.WORKERS.values():
            worker.announce_all_stop()
        self.stop()
        if self._admin:
            self._admin.stop()
        sys.exit(exit_status)


class _Worker(Worker):  # type: ignore[misc] # gunicorn has no type hints
    is_stopping = False  # whether the supervisor has asked this worker to stop

    def __init__(self, *arguments: Any) -> None:  # Any: gunicorn's own
        super().__init__(*arguments)
        memory: SharedMemory | None = self.app.memory
        self._slot = memory.free_slot() if memory else None
        self.note(State.STARTING)

    def note(self, state: State) -> None:
        """Notes the worker's state for the metrics."""
        if self._slot:
            self._slot.state = state

    # The supervisor and the worker signal each other through the size of the heartbeat file.

    def is_ready(self) -> bool:
        return os.fstat(self.tmp.fileno()).st_size > 0

    def announce_all_stop(self) -> None:
        os.ftruncate(self.tmp.fileno(), _ALL_STOP)

    def all_stop(self) -> bool:
        return os.fstat(self.tmp.fileno()).st_size == _ALL_STOP

    def init_process(self) -> None:
        die_with(self.ppid)
        if self._slot:
            self.app.memory.own = self._slot
        super().init_process()

    def init_signals(self) -> None:
        """Sets the signal handlers that apply until the worker starts serving.

        A terminal sends Ctrl-C to every process, but only the supervisor should act on it. So the worker
        ignores it, and SIGHUP too. SIGTERM and SIGQUIT end the worker.
        """
        for number in (*_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def load_wsgi(self) -> None:
        with _explained():
            super().load_wsgi()

    def run(self) -> None:
        server: Server = self.wsgi
        server.signals = {signal.SIGTERM: server.handle_exit, signal.SIGQUIT: lambda *_: os._exit(0)}
        server.on_started = self._show_ready
        server.is_last = self.all_stop
        with _explained():
            server.run(self.sockets)
        if server.was_cut:
            run_exit_hooks()
            os._exit(0)  # a normal exit would join threads, which might still be waiting for MongoDB

    def _show_ready(self) -> None:
        os.ftruncate(self.tmp.fileno(), _READY)
        self.note(State.SERVING)
        self._heartbeat = asyncio.create_task(self._send_heartbeats())

    async def _send_heartbeats(self) -> None:
        while True:
            self.notify()
            if os.getppid() != self.ppid:
                os._exit(1)
            await asyncio.sleep(_HEARTBEAT)


@contextmanager
def _explained() -> Iterator[None]:
    """Ends the process with an error in the log if a server can't start."""
    try:
        yield
    except CannotStartError as error:
        _log.error("a worker can't start", reason=str(error))
        sys.exit(1)


def _reap() -> Iterator[tuple[int, int]]:
    """Yields the process id and exit status of each child process that has ended."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended
