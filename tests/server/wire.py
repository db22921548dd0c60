"""Requests and answers over raw sockets."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import orjson

from tests.server.processes import Process

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
END = b"\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
BODY = b"Content-Length: 5\r\n\r\nhello"
CHUNKS = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


class Answers(NamedTuple):
    """What a connection received. last: the last body. is_open: whether the server kept it open."""

    statuses: list[int]
    last: bytes
    is_open: bool

    @property
    def code(self) -> str:
        """The error code in the last answer, a refusal."""
        return str(orjson.loads(self.last)["errors"][0]["extensions"]["code"])


@contextmanager
def connected(server: Process) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        yield sock


def answers(sock: socket.socket, count: int) -> Answers:
    """Reads a number of answers, or until the connection closes, and any that follow at once."""
    sock.settimeout(20)
    received, is_open = b"", True
    while is_open and not _is_whole(received, count):
        got = sock.recv(1_000_000)
        received, is_open = received + got, bool(got)
    if is_open:
        sock.settimeout(0.05)
        with suppress(TimeoutError):
            got = sock.recv(1_000_000)
            received, is_open = received + got, bool(got)
    heads = _HEAD.split(received)[1:]
    last = heads[-1].partition(b"\r\n\r\n")[2] if heads else b""
    return Answers([int(head[:3]) for head in heads], last, is_open)


_HEAD = re.compile(rb"HTTP/1.1 (?=\d)")


def _is_whole(received: bytes, count: int) -> bool:
    """Whether a number of answers has been received completely."""
    heads = _HEAD.split(received)[1:]
    if len(heads) < count or not heads:
        return count == 0
    head, ends, body = heads[-1].partition(b"\r\n\r\n")
    size = re.search(rb"content-length: (\d+)", head)
    return bool(ends) and size is not None and len(body) >= int(size[1])


def sent(server: Process, data: bytes, piece: int | None = None, count: int = 1) -> Answers:
    """The answers to data that is sent whole, or in pieces of some bytes."""
    with connected(server) as sock:
        with suppress(BrokenPipeError):
            for start in range(0, len(data), piece or len(data) or 1):
                sock.sendall(data[start : start + (piece or len(data))])
                time.sleep(0.001 if piece else 0)
        return answers(sock, count)


def received(sock: socket.socket) -> int:
    """The number of bytes received until the connection ends or times out."""
    count = 0
    with suppress(ConnectionResetError, TimeoutError):
        while got := sock.recv(1_000_000):
            count += len(got)
    return count
