"""Servers in separate processes, each a supervisor with its workers."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LECTERN = (str(Path(sys.executable).with_name("lectern")), "serve", "--port")
TOY = (sys.executable, "-m", "tests.server.toy")
_ROOT = Path(__file__).parents[2]
_SECONDS = 60.0


class Process:
    """A command that prints its address once it can answer. log: the file with its output."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] = {}) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=log.parent,
                env=os.environ | {"PYTHONPATH": str(_ROOT), "LECTERN_DRAIN_DELAY": "0"} | {**environment},
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def port(self) -> int:
        """The port; waits until the server can answer."""
        address = re.compile(r"http://[\d.]+:(\d+)")
        until(lambda: address.search(self.output) or self.process.poll() is not None)
        match = address.search(self.output)
        assert match, self.output
        return int(match[1])

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def status(self, seconds: float = 30) -> int:
        """The exit status; waits until the process has ended."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def toy(log: Path, environment: Mapping[str, str] = {}, workers: int = 1) -> Iterator[Process]:
    """Runs the toy application and waits until it can answer."""
    process = Process([*TOY, str(workers)], log, environment)
    try:
        assert process.port
        yield process
    finally:
        process.kill()


def until(condition: Callable[[], object], seconds: float = _SECONDS) -> None:
    """Waits until a condition holds; fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether a server accepts connections at a port of the loopback address.

    To bind the port wouldn't tell: a client of another test can have it as its own.
    """
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
