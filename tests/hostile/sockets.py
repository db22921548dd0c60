"""Clients that speak HTTP by hand, and badly: asyncio streams over sockets with small buffers."""

import asyncio
import resource
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import orjson

_RECEIVE_BUFFER = 4_096  # bytes: what is not read stays with the server
_SIPS = 10  # a second, of a client that reads slowly


class End(NamedTuple):
    """How a connection ended. status: of the last answer, None where there was none. sent: bytes."""

    status: int | None
    received: bytes
    sent: int = 0


def post(query: str) -> bytes:
    """A request, whole."""
    body = orjson.dumps({"query": query})
    return post_head(len(body)) + body


def post_head(length: int) -> bytes:
    return (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def many_files() -> None:
    """This process may open as many as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def connected(port: int, buffer: int = _RECEIVE_BUFFER) -> tuple[StreamReader, StreamWriter]:
    """A connection whose client buffers little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=sock, limit=_RECEIVE_BUFFER)


async def sent(port: int, pieces: Iterator[bytes], seconds: float) -> End:
    """Sends pieces until they end or the server ends the connection, and reads what it answers."""
    reader, writer = await connected(port)
    count = 0
    reading = asyncio.create_task(_read(reader))
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(seconds):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                count += len(piece)
                if reading.done():
                    break
            await asyncio.wait([reading])
    reading.cancel()
    writer.transport.abort()
    received = reading.result() if reading.done() and not reading.cancelled() else b""
    return End(_status(received), received, count)


async def waited(reader: StreamReader, writer: StreamWriter, seconds: float) -> End | None:
    """The end of a connection; None where the server did not end it in time."""
    try:
        received = await asyncio.wait_for(_read(reader), seconds)
    except TimeoutError:
        return None
    finally:
        writer.transport.abort()
    return End(_status(received), received)


async def sipped(port: int, request: bytes, rate: int, buffer: int = 2_048) -> int:
    """Asks, and reads so many bytes a second until the server ends the connection: how many in all."""
    reader, writer = await connected(port, buffer)
    writer.write(request)
    count = 0
    try:
        with suppress(ConnectionError):
            while got := await reader.read(rate // _SIPS):
                count += len(got)
                await asyncio.sleep(1 / _SIPS)
    finally:
        writer.transport.abort()
    return count


async def _read(reader: StreamReader) -> bytes:
    """All that comes, until the connection ends in whatever way."""
    received = b""
    with suppress(ConnectionError):
        while got := await reader.read(65_536):
            received += got
    return received


def _status(received: bytes) -> int | None:
    _, found, rest = received.rpartition(b"HTTP/1.1 ")
    return int(rest[:3]) if found else None
