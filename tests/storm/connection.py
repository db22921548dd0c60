"""A minimal HTTP/1.1 connection to the gateway, which is cheap and can be cut off at any byte."""

import asyncio
from asyncio import StreamReader, StreamWriter
from enum import Enum
from random import Random

_PATIENCE = 60.0  # seconds for an answer: longer than the gateway retries a transaction
_END_OF_HEAD = b"\r\n\r\n"


class GoneError(Exception):
    """The connection ended before the answer was complete; the outcome of the request is unknown."""


class Cut(Enum):
    """When a client disconnects."""

    IN_REQUEST = "in the middle of a request"
    WAITING = "waiting for an answer"
    IN_ANSWER = "in the middle of an answer"


class Connection:
    """A connection from a loopback address, opened on demand and kept."""

    def __init__(self, port: int, address: str, random: Random) -> None:
        self._port, self._address, self._random = port, address, random
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def post(self, token: str | None, body: bytes, cut: Cut | None = None) -> tuple[int, bytes]:
        """Sends a request and returns the status and body of the answer.

        cut: when to disconnect, if at all. Raises GoneError, always with a `cut`.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._exchange(_head(token, body) + body, cut)
        except (OSError, EOFError) as error:  # a TimeoutError is an OSError
            self.close()
            raise GoneError(type(error).__name__) from error

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, request: bytes, cut: Cut | None) -> tuple[int, bytes]:
        reader, writer = await self._open()
        if cut:
            await self._begin(reader, writer, request, cut)
            raise ConnectionAbortedError
        writer.write(request)
        head = await reader.readuntil(_END_OF_HEAD)
        return int(head[9:12]), await reader.readexactly(_length(head))

    async def _begin(self, reader: StreamReader, writer: StreamWriter, request: bytes, cut: Cut) -> None:
        """Performs an exchange up to the cut."""
        sent = self._random.randrange(len(request)) if cut is Cut.IN_REQUEST else len(request)
        writer.write(request[:sent])
        await writer.drain()
        if cut is Cut.WAITING:
            await asyncio.sleep(self._random.expovariate(1 / 0.05))
        elif cut is Cut.IN_ANSWER:
            await reader.readexactly(self._random.randrange(1, 100))

    async def _open(self) -> tuple[StreamReader, StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self._address, 0)
            )
        return self._streams


def _head(token: str | None, body: bytes) -> bytes:
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    return (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"{authorization}content-length: {len(body)}\r\n\r\n"
    ).encode()


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
