"""The worker processes of the gateways on this machine."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import psutil

_ADMIN = "lectern-admin"  # the name of the process that serves a gateway's metrics
_MEASURED = 0.5  # seconds for which the CPU time of the workers is compared


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, and the CPU time that it used while it was measured, in per cent of one core."""

    pid: int
    load: float


def find_workers(pid: int | None = None) -> list[int]:
    """Returns the process ids of the workers of all gateways on this machine.

    A worker of `lectern serve` is a child of the supervisor; `lectern dev` is one process. pid: returns only
    the workers of this supervisor. If it isn't a supervisor, returns the process itself, or nothing if it
    has ended.
    """
    found = {process.pid: process.info for process in psutil.process_iter(["cmdline", "name", "ppid"])}
    commands = {pid: _command(info["cmdline"]) for pid, info in found.items()}
    parents = {pid: info["ppid"] for pid, info in found.items() if commands[pid] == "serve"}
    workers = [
        worker
        for worker, parent in parents.items()
        if commands.get(parent) == "serve" and found[worker]["name"] != _ADMIN
    ]
    if pid is None:
        return [*workers, *(pid for pid, command in commands.items() if command == "dev")]
    return [worker for worker in workers if parents[worker] == pid] or ([pid] if pid in found else [])


def busiest(pids: Iterable[int]) -> Worker | None:
    """Measures processes for half a second. Returns the busiest one, or None if all of them have ended."""
    processes = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
            processes[-1].cpu_percent()  # starts the measurement
    sleep(_MEASURED)
    measured = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            measured.append(Worker(process.pid, process.cpu_percent()))
    return max(measured, key=lambda worker: worker.load, default=None)


def _command(line: Sequence[str] | None) -> str | None:
    """Returns the subcommand if a command line is `python …/lectern SUBCOMMAND …`, otherwise None.

    line: None if this user may not read it.
    """
    match line:
        case [python, script, command, *_] if (
            "python" in Path(python).name and Path(script).name == "lectern"
        ):
            return command
    return None
