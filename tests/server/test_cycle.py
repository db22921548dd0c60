"""Responses on the wire: test applications on Lectern's connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from app.server import server
from app.server.connection import Connection
from app.server.cycle import _lines
from app.settings import Settings

App: TypeAlias = Any  # an ASGI application; uvicorn keeps its types private
Scope: TypeAlias = Any  # likewise
Channel: TypeAlias = Callable[..., Any]  # receive or send

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = GET.replace(b"GET", b"HEAD")
FIVE = (b"content-length", b"5")


def answering(headers: Sequence[tuple[bytes, bytes]], *parts: bytes) -> App:
    """An application that answers with these headers and parts of a body."""

    async def app(scope: Scope, receive: Channel, send: Channel) -> None:
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, part in enumerate(parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    return app


@asynccontextmanager
async def connected(app: App) -> AsyncIterator[tuple[Connection, asyncio.StreamReader, asyncio.StreamWriter]]:
    loop, served = asyncio.get_running_loop(), server.make_server(lambda: app, Settings())
    served.config.load()
    served.lifespan = served.config.lifespan_class(served.config)
    listening = await loop.create_server(served._connection, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    try:
        while not served.server_state.connections:  # noqa: ASYNC110 # uvicorn's set
            await asyncio.sleep(0)
        (connection,) = served.server_state.connections
        yield connection, reader, writer
    finally:
        writer.close()
        listening.close()


async def raw(app: App, request: bytes) -> bytes:
    """Sends a request and returns everything received until the connection closes."""
    async with connected(app) as (_, reader, writer), asyncio.timeout(5):
        writer.write(request.replace(b"Host: a", b"Host: a\r\nConnection: close"))
        return await reader.read()


@pytest.mark.parametrize("parts", [(b"hello",), (b"he", b"llo"), (b"", b"hello", b"")])
async def test_the_whole_body_follows_the_head(parts: tuple[bytes, ...]) -> None:
    head, _, body = (await raw(answering([FIVE], *parts), GET)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.count(b"\r\nconnection: close") == head.count(b"\r\ncontent-length: 5") == 1
    assert body == b"hello"


async def test_head_has_no_body_and_an_unknown_length_is_chunked() -> None:
    head, _, body = (await raw(answering([FIVE], b"hello"), HEAD)).partition(b"\r\n\r\n")
    assert (b"content-length: 5" in head, body) == (True, b"")
    head, _, body = (await raw(answering([], b"he", b"llo"), GET)).partition(b"\r\n\r\n")
    assert (b"transfer-encoding: chunked" in head, body) == (True, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")


@pytest.mark.parametrize("parts", [(b"hell",), (b"hello!",), (b"hello", b"!"), (b"hello", b"", b"x")])
async def test_a_wrong_content_length_ends_the_connection(parts: tuple[bytes, ...]) -> None:
    """No surplus byte is sent: the client would take it for the next answer."""
    body = (await raw(answering([FIVE], *parts), GET)).partition(b"\r\n\r\n")[2]
    assert b"hello".startswith(body)


@pytest.mark.parametrize(
    "field",
    [
        (b"x-a", b"b\r\nx-c: d"),
        (b"x-request-id", b"b\r\nx-c: d"),
        (b"x-a\r\nx-c", b"d"),
        (b"x-request-id\r\nx-c", b"d"),
        (b"x a", b"b"),
    ],
)
async def test_an_invalid_field_is_not_sent(field: tuple[bytes, bytes]) -> None:
    answer = await raw(answering([FIVE, field], b"hello"), GET)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"x-c" not in answer


async def test_the_fields_that_responses_share_are_encoded_once() -> None:
    shared = (b"cache-control", b"no-store")
    _lines.cache_clear()
    for number in range(5):
        value = b"%d" % number
        varying = [(b"x-request-id", value), (b"ratelimit", value), (b"retry-after", value)]
        head = await raw(answering([FIVE, *varying, shared], b"hello"), GET)
        assert all(b"\r\n%b: %b\r\n" % field in head for field in (*varying, shared))
    assert _lines.cache_info().misses <= 2  # the date may have changed in between


@pytest.mark.parametrize("more", [0, 1])
async def test_pipelined_bodies_are_read_up_to_a_limit(more: int) -> None:
    async def app(scope: Scope, receive: Channel, send: Channel) -> None:
        await asyncio.sleep(60)

    sizes = [HIGH_WATER_LIMIT // 2, HIGH_WATER_LIMIT // 2 + more]
    async with connected(app) as (connection, _, writer), asyncio.timeout(5):
        writer.write(GET)
        for size in sizes:
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + size * b"x")
        await writer.drain()
        while len(connection.pipeline) < 2 or connection.cycle.more_body:  # noqa: ASYNC110 # uvicorn's
            await asyncio.sleep(0.01)
        assert connection.flow.read_paused is bool(more)
        for task in connection.tasks:
            task.cancel()
