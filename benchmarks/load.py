"""A load generator: keeps connections busy; each sends a request as soon as the last one is answered.

python -m benchmarks.load PORT CONNECTIONS SECONDS < bodies

The bodies, one per line, are sent in rotation. Prints a Load as JSON. It runs as a separate process, so that
it doesn't use the server's core, and parses no more of an answer than it must.
"""

import asyncio
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import cast

import orjson
import uvloop

_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Load:
    """The measurements of a run.

    seconds: until the last answer. p50, p99: milliseconds. errors: the number of answers with errors.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


def run(port: int, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Loads a server from a separate process."""
    argv = [sys.executable, "-m", "benchmarks.load", str(port), str(connections), str(seconds)]
    done = subprocess.run(argv, input=b"\n".join(bodies), stdout=subprocess.PIPE, check=True)
    return Load(**orjson.loads(done.stdout))


def run_here(port: int, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Loads a server from this process, which must be kept off the server's core."""
    return uvloop.run(_load(port, connections, seconds, bodies))


class _Run:
    """The state that the connections share: the requests, the deadline, and the measurements."""

    def __init__(self, bodies: Sequence[bytes], seconds: float) -> None:
        self.requests = cycle([_request(body) for body in bodies])
        self.times = array("d")
        self.errors = 0
        self.began = time.perf_counter()
        self.deadline = self.began + seconds

    def result(self) -> Load:
        seconds = time.perf_counter() - self.began
        ordered = sorted(self.times)
        p50, p99 = (ordered[int(len(ordered) * share)] * 1e3 for share in (0.5, 0.99))
        return Load(len(ordered), seconds, p50, p99, self.errors)


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = bytearray()
        self._expected = 0  # bytes of the answer with its head; 0 until the head is read
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is not a subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            self._expected = _length(self._received)
        if self._expected and len(self._received) >= self._expected:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("The server closed the connection."))

    def _answered(self) -> None:
        now = time.perf_counter()
        self._run.times.append(now - self._sent)
        if not self._received.startswith(b"HTTP/1.1 200") or b'"errors":' in self._received:
            self._run.errors += 1
        self._received.clear()
        self._expected = 0
        if now < self._run.deadline:
            self._send()
        else:
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._run.requests))


def _request(body: bytes) -> bytes:
    head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


def _length(received: bytearray) -> int:
    """The size of an answer with its head, in bytes; 0 while the head is incomplete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    start = received.index(_LENGTH) + len(_LENGTH)
    return end + 4 + int(received[start : received.index(b"\r\n", start)])


async def _load(port: int, connections: int, seconds: float, bodies: Sequence[bytes]) -> Load:
    loop = asyncio.get_running_loop()
    run = _Run(bodies, seconds)
    opened = [
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port) for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))
    return run.result()


if __name__ == "__main__":
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    done = run_here(port, sys.stdin.buffer.read().splitlines(), connections, seconds)
    sys.stdout.buffer.write(orjson.dumps(asdict(done)))
