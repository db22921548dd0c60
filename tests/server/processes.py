"""Servers in processes of their own, with supervisor and workers."""

import os
import re
import signal
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
    """A command that tells its address once it can answer. log: the file it writes to."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] = {}) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=log.parent,
                env=os.environ | {"PYTHONPATH": str(_ROOT), "DRAIN_DELAY": "0"} | {**environment},
            )  # fmt: skip

    @property
    def told(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def port(self) -> int:
        """Once it can answer."""
        until(lambda: re.search(r"http://127.0.0.1:(\d+)", self.told) or self.process.poll() is not None)
        found = re.search(r"http://127.0.0.1:(\d+)", self.told)
        assert found, self.told
        return int(found[1])

    @property
    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def status(self, seconds: float = 30) -> int:
        """Its exit status, once it has ended."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def toy(log: Path, environment: Mapping[str, str] = {}, workers: int = 1) -> Iterator[Process]:
    """The toy, once it can answer."""
    process = Process([*TOY, str(workers)], log, environment)
    try:
        assert process.port
        yield process
    finally:
        process.kill()


def until(holds: Callable[[], object], seconds: float = _SECONDS) -> None:
    """Waits until something holds; fails when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
