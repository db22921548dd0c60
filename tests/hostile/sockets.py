"""Badly behaved HTTP clients: asyncio streams over sockets with small buffers."""

import asyncio
import resource
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import orjson

_RECEIVE_BUFFER = 4_096  # bytes; small, so that unread data stays with the server
_READS = 10  # per second, of a slow reader


class End(NamedTuple):
    """How a connection ended. status: of the last answer, None without one. sent: bytes."""

    status: int | None
    received: bytes
    sent: int = 0


def post(query: str) -> bytes:
    """A complete request."""
    body = orjson.dumps({"query": query})
    return post_head(len(body)) + body


def post_head(length: int) -> bytes:
    return (
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def many_files() -> None:
    """Raises this process's limit of open files as far as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def connected(port: int, buffer: int = _RECEIVE_BUFFER) -> tuple[StreamReader, StreamWriter]:
    """Opens a connection with a small receive buffer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=sock, limit=_RECEIVE_BUFFER)


async def sent(port: int, pieces: Iterator[bytes], seconds: float) -> End:
    """Sends pieces until they run out or the server closes the connection, and reads the answer."""
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
    """Waits for the end of a connection; None if the server did not close it in time."""
    try:
        received = await asyncio.wait_for(_read(reader), seconds)
    except TimeoutError:
        return None
    finally:
        writer.transport.abort()
    return End(_status(received), received)


async def sipped(port: int, request: bytes, rate: int, buffer: int = 2_048) -> int:
    """Sends a request and reads at a rate (bytes per second) until the end. Returns the bytes read."""
    reader, writer = await connected(port, buffer)
    writer.write(request)
    count = 0
    try:
        with suppress(ConnectionError):
            while got := await reader.read(rate // _READS):
                count += len(got)
                await asyncio.sleep(1 / _READS)
    finally:
        writer.transport.abort()
    return count


async def _read(reader: StreamReader) -> bytes:
    """Everything received until the connection ends, however it ends."""
    received = b""
    with suppress(ConnectionError):
        while got := await reader.read(65_536):
            received += got
    return received


def _status(received: bytes) -> int | None:
    _, separator, rest = received.rpartition(b"HTTP/1.1 ")
    return int(rest[:3]) if separator else None
