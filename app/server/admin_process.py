"""The admin process: a child of the supervisor that serves the metrics and the health of all workers."""

import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, sleep

import structlog

from app.server.process_control import die_with, name_process
from app.server.server import STOP, CannotStartError, Server

_RETRY = 5.0  # seconds to wait after the process died, before it is started again
_SECONDS = 0.5  # time for requests and the last export when stopping
_LONGEST = 0.9  # seconds after which a process that doesn't stop is killed
_TICK = 0.02
_HEARTBEAT = 1  # seconds between checks for the supervisor

_log = structlog.get_logger("lectern")


class AdminProcess:
    """make: creates the server; called in the process. listening: its sockets.

    The process starts before the workers, is replaced if it dies, and stops after the workers.
    """

    def __init__(self, make: Callable[[], Server], listening: Sequence[socket.socket]) -> None:
        self._make, self._listening = make, listening
        self._pid = 0
        self._start_at = 0.0

    def ensure(self, others: Sequence[socket.socket]) -> None:
        """Starts the process if it isn't running. others: the supervisor's sockets, closed in the process."""
        if self._pid or monotonic() < self._start_at:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        supervisor = os.getpid()
        try:
            self._pid = os.fork()
            if not self._pid:
                self._run(supervisor, others)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)

    def has_ended(self, pid: int) -> bool:
        """Returns whether a child process that has ended is the admin process."""
        if pid != self._pid:
            return False
        self._pid, self._start_at = 0, monotonic() + _RETRY
        _log.error("the admin process died and is being replaced", seconds=_RETRY)
        return True

    def stop(self) -> None:
        """Stops the process and waits until it has ended."""
        if not self._pid:
            return
        deadline = monotonic() + _LONGEST
        with suppress(ChildProcessError, ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)
            while not os.waitpid(self._pid, os.WNOHANG)[0]:
                if monotonic() > deadline:
                    os.kill(self._pid, signal.SIGKILL)
                sleep(_TICK)

    def _run(self, supervisor: int, others: Sequence[socket.socket]) -> None:
        """Serves, and ends the process. Only SIGTERM stops it, because it stops last."""
        try:
            die_with(supervisor)
            name_process("lectern-admin")  # so that `lectern profile` doesn't take it for a worker
            for number in (*STOP, signal.SIGTTIN, signal.SIGTTOU):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
            for other in others:
                other.close()
            server = self._make()
            server.signals = {signal.SIGTERM: server.handle_exit}
            server.seconds = _SECONDS
            server.is_last = lambda: False  # the sockets are those of the next admin process, too
            server.config.callback_notify = partial(_end_without, supervisor)
            server.config.timeout_notify = _HEARTBEAT
            server.run(list(self._listening))
        except CannotStartError as error:
            _log.error("the admin process can't start", reason=str(error))
            os._exit(1)
        except BaseException:
            _log.exception("the admin process failed")
            os._exit(1)
        os._exit(0)


async def _end_without(supervisor: int) -> None:
    """Ends the process if its supervisor has died, on systems whose kernel doesn't do that."""
    if os.getppid() != supervisor:
        os._exit(1)
