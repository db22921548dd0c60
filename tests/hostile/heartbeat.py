"""`lectern` with a heartbeat in the event loop of its server.

    python -m tests.hostile.heartbeat FIGURES serve --port 8000

FIGURES is the path of a file of doubles, which the heartbeat writes and a test reads: see Figures.
"""

import asyncio
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_PAUSE = 0.002  # seconds between two beats
_REST = 0.25  # seconds between two beats while the server is to be idle
_PID, _BEATS, _HELD, _RESTING = range(4)
_SIZE = 8 * 4


class Figures:
    """Figures in shared memory.

    They are the server's process id, its heartbeats, its longest blockage, and whether the heartbeat rests.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._doubles = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast("d")

    @classmethod
    def make(cls, path: Path) -> "Figures":
        path.write_bytes(bytes(_SIZE))
        return cls(path)

    @property
    def pid(self) -> int:
        return int(self._doubles[_PID])

    @property
    def beats(self) -> float:
        return self._doubles[_BEATS]

    @property
    def held(self) -> float:
        """The longest time that the loop was blocked since `forget`, in seconds."""
        return self._doubles[_HELD]

    def forget(self) -> None:
        self._doubles[_HELD] = 0

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Makes beats rare. On a slow machine, the usual ones keep the server from being idle."""
        self._doubles[_RESTING] = 1
        try:
            yield
        finally:
            self._doubles[_RESTING] = 0

    async def beat(self) -> None:
        """Beats until it is cancelled.

        The loop counts as blocked for the lesser of the wall time and the process's CPU time between two
        heartbeats. Wall time alone would include time when the machine is busy with other work. CPU time
        alone would include threads that run beside the loop, without the interpreter's lock. A thread that
        holds the lock counts in both.
        """
        self._doubles[_PID] = os.getpid()
        wall, cpu = monotonic(), process_time()
        while True:
            await asyncio.sleep(_REST if self._doubles[_RESTING] else _PAUSE)
            before, (wall, cpu) = (wall, cpu), (monotonic(), process_time())
            blocked = min(wall - before[0], cpu - before[1])
            self._doubles[_HELD] = max(self._doubles[_HELD], blocked)
            self._doubles[_BEATS] += 1


def _watched(app: ASGIApp, figures: Figures) -> ASGIApp:
    """Wraps an application with a heartbeat for its lifespan."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        beating = asyncio.create_task(figures.beat())
        try:
            await app(scope, receive, send)
        finally:
            beating.cancel()

    return watched


def main() -> None:
    from app import cli
    from app import main as gateway

    figures = Figures(Path(sys.argv.pop(1)))
    make = gateway.from_environment

    def from_environment(*arguments: Any) -> ASGIApp:  # passed through
        return _watched(make(*arguments), figures)

    gateway.from_environment = from_environment  # type: ignore[assignment] # workers look it up by name
    cli.main()


if __name__ == "__main__":
    main()
