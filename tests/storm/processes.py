"""Child processes that end with this process, however it ends."""

import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import randrange


def start(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a process whose output is appended to a file.

    Call it in the main thread: the kernel ends the process with the thread that started it.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, command)],
            env=None if environment is None else os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def free_ports(count: int) -> list[int]:
    """Unused ports of the loopback address.

    They are none of those that the kernel gives to clients, which could take one before its server does.
    """
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", randrange(10_000, 32_000)))
            port = int(probe.getsockname()[1])
            ports += [port] if port not in ports else []
    return ports
