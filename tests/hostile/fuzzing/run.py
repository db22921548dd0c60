"""Sends fuzzed requests to a gateway, and checks every answer."""

import asyncio
import re
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import httptools

from tests.hostile.fuzzing.requests import Maker, Request

_AT_ONCE = 4
_ANSWER_SECONDS = 20.0  # for an answer that must come
_ODD_ANSWER_SECONDS = 0.02  # for an answer that may never come: the request may be incomplete
_SHOWN = 1_500  # bytes of a request or answer in a complaint
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:  .*\n)+\S.*")
_INTERNALS = (b"Traceback (most recent call", b'File "/', b"INTERNAL_SERVER_ERROR")


@dataclass
class Found:
    """sent: number of requests. statuses: of the answers; 0 stands for a connection without an answer."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


async def fuzz(port: int, maker: Maker, *, most: int, seconds: float = float("inf"), first: int = 0) -> Found:
    """Sends the maker's requests. most: their number. seconds: a time limit. first: the first number."""
    found, numbers, until = Found(), count(first), time.monotonic() + seconds

    async def client() -> None:
        line = _Line(port)
        while (number := next(numbers)) < first + most and time.monotonic() < until:
            request = maker.request(number)
            replies = await (line.plain(request) if request.is_plain else _odd(port, request))
            found.sent += 1
            found.statuses.update([reply.status for reply in replies] or [0])
            found.complaints += [
                f"{number}: {wrong}: {request.data[:_SHOWN]!r} -> {reply.body[:_SHOWN]!r}"
                for reply in replies
                if (wrong := reply.wrong())
            ]
        line.close()

    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    return found


def tracebacks(log: str) -> list[str]:
    """The tracebacks in a log, grouped by their last line: a count and an example of each."""
    found: dict[str, list[str]] = {}
    for traceback in _TRACEBACK.findall(log):
        found.setdefault(traceback.rpartition("\n")[2], []).append(traceback)
    return [f"{len(same)} of {line}: {same[0][-_SHOWN:]}" for line, same in found.items()]


class _Reply:
    """An answer, parsed by httptools."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status, self.body = 0, b""
        self.headers: dict[bytes, bytes] = {}
        self.is_whole = self.is_late = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_whole = self.status >= 200

    def wrong(self) -> str | None:
        """A complaint about the answer, or None."""
        if self.is_late:
            return "no answer"
        if self.status >= 500 and not (self.status == 503 and b"retry-after" in self.headers):
            return f"HTTP {self.status}"
        return next((f"it reveals {secret.decode()}" for secret in _INTERNALS if secret in self.body), None)


class _Line:
    """A kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def plain(self, request: Request) -> list[_Reply]:
        """Sends a request that must be answered. Reconnects if the server has closed the connection."""
        reply = _Reply()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                while not reply.is_whole:
                    reply = _Reply()
                    await self._exchange(request.data, reply)
        except TimeoutError:
            reply.is_late = True
        if not reply.is_whole or not reply.parser.should_keep_alive():
            self.close()
        return [reply]

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, data: bytes, reply: _Reply) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        try:
            writer.write(data)
            while not reply.is_whole:
                if not (got := await reader.read(65_536)):
                    raise ConnectionResetError
                reply.parser.feed_data(got)
        except ConnectionError:
            self.close()


async def _odd(port: int, request: Request) -> list[_Reply]:
    """Sends a request on a new connection, and returns any answers that come soon."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    with suppress(TimeoutError, ConnectionError):
        writer.write(request.data)
        while got := await asyncio.wait_for(reader.read(65_536), _ODD_ANSWER_SECONDS):
            received += got
    writer.transport.abort()
    return _parsed(received)


def _parsed(received: bytes) -> list[_Reply]:
    replies = []
    for part in received.split(b"HTTP/1.1 ")[1:]:
        reply = _Reply()
        with suppress(httptools.HttpParserError):  # an answer to HEAD has no body: the next answer follows
            reply.parser.feed_data(b"HTTP/1.1 " + part)
        replies.append(reply)
    return replies
