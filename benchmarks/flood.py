"""Many clients of one kind, in a process of their own, each with a connection that it keeps.

    python -m benchmarks.flood PORT CONNECTIONS SECONDS [--insist] [--pause SECONDS] < bodies

Each client sends the bodies, one a line, in turn, a request as soon as the one before is answered. After a
503 it waits as `Retry-After` says, and up to half as long again; with --insist it asks again at once. Prints
JSON: see Told. At the end the clients go away, whatever they wait for.
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
from typing import Any, cast

import httptools
import orjson
import uvloop

_AGAIN = 0.1  # seconds until a connection that ended is opened again
_OPEN_AT_ONCE = 100


@dataclass
class Told:
    """times: seconds, of each answer without an error. told_when, refused: answers 503 with `Retry-After`,
    and without. failures: whatever else there was instead of an answer, by its kind.
    """

    seconds: float = 0
    bytes: int = 0
    times: list[float] = field(default_factory=list)
    told_when: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds; infinite where nothing was answered."""
        ordered = sorted(self.times)
        return ordered[int(len(ordered) * share)] * 1e3 if ordered else float("inf")


@contextmanager
def flooding(
    port: int, bodies: Sequence[bytes], connections: int, seconds: float, *options: str
) -> Iterator["Flood"]:
    """Clients that run meanwhile; afterwards, none does."""
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

    def wait(self) -> Told:
        """What the clients were told, at their end."""
        assert self._process.stdout
        told = orjson.loads(self._process.stdout.read())
        return Told(**{**told, "failures": Counter(told["failures"])})


class _Run:
    """What the clients share."""

    def __init__(
        self, port: int, bodies: Sequence[bytes], seconds: float, *, insist: bool, pause: float
    ) -> None:
        self.port, self.insist, self.pause = port, insist, pause
        self.requests = cycle([_request(body) for body in bodies])
        self.told = Told()
        self.began = time.perf_counter()
        self.until = self.began + seconds


class _Client(asyncio.Protocol):
    """One connection; its httptools parser calls the methods on_… here."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        self._parser = httptools.HttpResponseParser(self)
        self._waits = False
        self._send()

    def data_received(self, data: bytes) -> None:
        self._run.told.bytes += len(data)
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._waits:
            self._run.told.failures[type(error).__name__ if error else "closed without an answer"] += 1
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
        self._waits = False
        status, told = self._parser.get_status_code(), self._run.told
        if status == 503 and self._retry_after is not None:
            told.told_when += 1
        elif status == 503:
            told.refused += 1
        elif status != 200 or self._failed:
            told.failures[f"{status} with an error"] += 1
        else:
            told.times.append(time.perf_counter() - self._sent)
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
        self._sent, self._waits = time.perf_counter(), True
        self._transport.write(next(self._run.requests))


def _request(body: bytes) -> bytes:
    head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


async def _live(run: _Run, opening: asyncio.Semaphore) -> None:
    """One client: it opens a connection, again when it ended."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with opening:
                _, client = await loop.create_connection(lambda: _Client(run), "127.0.0.1", run.port)
        except OSError as error:
            run.told.failures[f"{type(error).__name__} to connect"] += 1
        else:
            await client.gone
        await asyncio.sleep(_AGAIN * random.uniform(1, 2))


async def _main(arguments: argparse.Namespace, bodies: Sequence[bytes]) -> dict[str, Any]:
    run = _Run(arguments.port, bodies, arguments.seconds, insist=arguments.insist, pause=arguments.pause)
    opening = asyncio.Semaphore(_OPEN_AT_ONCE)
    clients = [asyncio.create_task(_live(run, opening)) for _ in range(arguments.connections)]
    await asyncio.sleep(arguments.seconds)
    run.told.seconds = time.perf_counter() - run.began
    told = vars(run.told) | {"failures": dict(run.told.failures)}
    for client in clients:
        client.cancel()
    return told


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--insist", action="store_true", help="ask again at once after a 503")
    parser.add_argument("--pause", type=float, default=0, help="seconds between an answer and a request")
    return parser.parse_args()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    told = uvloop.run(_main(_arguments(), sys.stdin.buffer.read().splitlines()))
    sys.stdout.buffer.write(orjson.dumps(told))
    sys.stdout.flush()
