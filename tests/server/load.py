"""Clients that send requests back to back on kept connections, and a tally of the outcomes."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

GRAPHQL = b'{"query": "{ courses(first: 1) { nodes { title } } }"}'


@dataclass
class Tally:
    """Outcomes of requests.

    answered: by status. failed: requests without a complete answer. refused: connections, because nobody
    listens any more. longest: seconds of the slowest answer.
    """

    answered: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    longest: float = 0.0

    @property
    def good(self) -> int:
        return self.answered[200]

    @property
    def bad(self) -> int:
        return self.failed.total() + self.answered.total() - self.good


@asynccontextmanager
async def load(port: int, request: bytes, clients: int = 50) -> AsyncIterator[Tally]:
    """Runs clients until nobody listens or the block ends, then waits for their requests in flight."""
    tally, stopped = Tally(), asyncio.Event()
    asking = [asyncio.create_task(_ask(port, request, tally, stopped)) for _ in range(clients)]
    try:
        yield tally
    finally:
        stopped.set()
        await asyncio.gather(*asking)


async def until(tally: Tally, condition: Callable[[Tally], bool], seconds: float = 30) -> None:
    deadline = monotonic() + seconds
    while not condition(tally):
        assert monotonic() < deadline, tally
        await asyncio.sleep(0.01)


async def _ask(port: int, request: bytes, tally: Tally, stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            tally.refused += 1
            await asyncio.sleep(0.05)
            continue
        except OSError as error:
            tally.failed[repr(error)] += 1
            continue
        try:
            await _ask_on(reader, writer, request, tally, stopped)
        except (OSError, EOFError, ValueError) as error:
            tally.failed[repr(error)] += 1
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _ask_on(
    reader: StreamReader, writer: StreamWriter, request: bytes, tally: Tally, stopped: asyncio.Event
) -> None:
    closes = False
    while not closes and not stopped.is_set():
        began = monotonic()
        writer.write(request)
        status, closes = await _answer(reader)
        tally.answered[status] += 1
        tally.longest = max(tally.longest, monotonic() - began)


async def _answer(reader: StreamReader) -> tuple[int, bool]:
    """Reads an answer: its status, and whether the connection closes. Proxies may answer in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    if b"content-length" in fields:
        await reader.readexactly(int(fields[b"content-length"]))
    else:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return int(head[9:12]), fields.get(b"connection") == b"close"


def get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(body: bytes = GRAPHQL) -> bytes:
    return (
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
