"""Many identical clients in a separate process, each with a keep-alive connection.

    python -m benchmarks.flood PORT CONNECTIONS SECONDS [--insist] [--pause SECONDS] < bodies

Each client sends the bodies, one per line, in rotation: the next request as soon as the last one is answered.
After a 503 it waits as long as `Retry-After` says, and up to half as long again; with --insist it retries at
once. Prints an Outcome as JSON. At the end the clients disconnect, even if they still wait for an answer.
"""

import argparse
import asyncio
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import httptools
import orjson
import uvloop

_RECONNECT = 0.1  # seconds until a client whose connection ended opens another
_OPEN_AT_ONCE = 100


@dataclass
class Outcome:
    """The answers that all clients got.

    times: the seconds of each answer without an error. deferred, refused: the answers 503 with `Retry-After`,
    and without. failures: all other failures, by kind.
    """

    seconds: float = 0
    bytes: int = 0
    times: list[float] = field(default_factory=list)
    deferred: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """A quantile of the times in milliseconds; infinite if nothing was answered."""
        ordered = sorted(self.times)
        return ordered[int(len(ordered) * share)] * 1e3 if ordered else float("inf")


@contextmanager
def flooding(
    port: int, bodies: Sequence[bytes], connections: int, seconds: float, *options: str
) -> Iterator["Flood"]:
    """Runs clients inside the `with` block, and kills those that are left at its end."""
    argv = [sys.executable, "-m", "benchmarks.flood", str(port), str(connections), str(seconds), *options]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(b"\n".join(bodies))
        process.stdin.close()
        try:
            yield Flood(process)
        finally:
            process.kill()


class Flood:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def wait(self) -> Outcome:
        """Waits for the clients to end, and returns their answers."""
        assert self._process.stdout
        outcome = orjson.loads(self._process.stdout.read())
        return Outcome(**{**outcome, "failures": Counter(outcome["failures"])})


class _Run:
    """The state that all clients share."""

    def __init__(
        self, port: int, bodies: Sequence[bytes], seconds: float, *, insist: bool, pause: float
    ) -> None:
        self.port, self.insist, self.pause = port, insist, pause
        self.requests = cycle([_request(body) for body in bodies])
        self.outcome = Outcome()
        self.began = time.perf_counter()
        self.until = self.began + seconds


class _Client(asyncio.Protocol):
    """One connection. Its httptools parser calls the methods on_…."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        self._parser = httptools.HttpResponseParser(self)
        self._is_waiting = False
        self._send()

    def data_received(self, data: bytes) -> None:
        self._run.outcome.bytes += len(data)
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_waiting:
            self._run.outcome.failures[type(error).__name__ if error else "closed without an answer"] += 1
        self.gone.set_result(None)

    def on_message_begin(self) -> None:
        self._retry_after: float | None = None
        self._failed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self._retry_after = float(value)

    def on_body(self, body: bytes) -> None:
        self._failed = self._failed or b'"errors":' in body

    def on_message_complete(self) -> None:
        self._is_waiting = False
        status, outcome = self._parser.get_status_code(), self._run.outcome
        if status == 503 and self._retry_after is not None:
            outcome.deferred += 1
        elif status == 503:
            outcome.refused += 1
        elif status != 200 or self._failed:
            outcome.failures[f"{status} with an error"] += 1
        else:
            outcome.times.append(time.perf_counter() - self._sent)
        wait = 0.0 if self._run.insist or status != 503 else (self._retry_after or 0) * random.uniform(1, 1.5)
        loop = asyncio.get_running_loop()
        if not self._parser.should_keep_alive():
            self._transport.close()
        elif wait + self._run.pause:
            loop.call_later(wait + self._run.pause, self._send)
        else:
            loop.call_soon(self._send)

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        self._sent, self._is_waiting = time.perf_counter(), True
        self._transport.write(next(self._run.requests))


def _request(body: bytes) -> bytes:
    head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


async def _live(run: _Run, opening: asyncio.Semaphore) -> None:
    """Runs one client: it opens a connection, and another one when that ends."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with opening:
                _, client = await loop.create_connection(lambda: _Client(run), "127.0.0.1", run.port)
        except OSError as error:
            run.outcome.failures[f"{type(error).__name__} to connect"] += 1
        else:
            await client.gone
        await asyncio.sleep(_RECONNECT * random.uniform(1, 2))


async def _main(arguments: argparse.Namespace, bodies: Sequence[bytes]) -> dict[str, object]:
    run = _Run(arguments.port, bodies, arguments.seconds, insist=arguments.insist, pause=arguments.pause)
    opening = asyncio.Semaphore(_OPEN_AT_ONCE)
    clients = [asyncio.create_task(_live(run, opening)) for _ in range(arguments.connections)]
    await asyncio.sleep(arguments.seconds)
    run.outcome.seconds = time.perf_counter() - run.began
    outcome = vars(run.outcome) | {"failures": dict(run.outcome.failures)}
    for client in clients:
        client.cancel()
    return outcome


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--insist", action="store_true", help="retry at once after a 503")
    parser.add_argument(
        "--pause", type=float, default=0, help="seconds between an answer and the next request"
    )
    return parser.parse_args()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    outcome = uvloop.run(_main(_arguments(), sys.stdin.buffer.read().splitlines()))
    sys.stdout.buffer.write(orjson.dumps(outcome))
    sys.stdout.flush()
