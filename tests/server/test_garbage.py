"""Requests and connections leave no reference cycles: the garbage collector runs rarely (app.memory)."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import orjson
import pytest
import uvicorn
from starlette.routing import Route

from app.http import Endpoint
from app.main import PATH, Gateway, create_app
from app.server.connection import Connection
from app.server.connection_limits import ConnectionLimits
from app.server.state import State
from app.settings import Settings

POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
COUNT = 5
OURS = ("app.", "loaders.", "resolvers.")


def posted(query: str, variables: object = None) -> bytes:
    body = orjson.dumps({"query": query, "variables": variables})
    return POST + b"Content-Length: %d\r\n\r\n" % len(body) + body


REQUEST = posted("{ courses(first: 1) { nodes { id } } }")


class Served:
    """A gateway in this process, with a client for it."""

    def __init__(self, port: int, endpoint: Endpoint) -> None:
        self.port = port
        self.endpoint = endpoint

    async def ask(self, sent: bytes = REQUEST, *, gone_after: float | None = None) -> bytes:
        """The beginning of the answer; empty if the client disconnects first, after some seconds."""
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", self.port))
            await loop.sock_sendall(client, sent)
            if gone_after is None:
                return await loop.sock_recv(client, 12)
            await asyncio.sleep(gone_after)
            return b""

    def fill(self) -> None:
        """Fills the cheap lane, so that every further request has to wait."""
        self.endpoint.admission.cheap.used = self.endpoint.admission.cheap.capacity


@pytest.fixture
async def served(settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """Parametrised with settings."""
    changed = getattr(request, "param", {"admission_wait": 0.4})
    app = create_app(settings.model_copy(update=changed))
    config = uvicorn.Config(app, lifespan="off", interface="asgi3", proxy_headers=False, access_log=False)
    config.load()
    protocol = partial(
        Connection, config=config, server_state=State(), app_state={}, limits=ConnectionLimits()
    )
    async with app.router.lifespan_context(app):
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        assert isinstance(app, Gateway)
        (endpoint,) = [route.app for route in app.routes if isinstance(route, Route) and route.path == PATH]
        assert isinstance(endpoint, Endpoint)
        yield Served(server.sockets[0].getsockname()[1], endpoint)
        server.close()


@asynccontextmanager
async def freed(*prefixes: str) -> AsyncIterator[None]:
    """Asserts that the block leaves no cyclic garbage from Lectern or from modules with these prefixes.

    graphql-core leaves some garbage of its own.
    """
    await asyncio.sleep(0.1)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
        await asyncio.sleep(0.1)
        gc.collect()
        left = [f"{type(item).__module__}.{type(item).__qualname__}" for item in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert [name for name in left if name.startswith((*OURS, *prefixes))] == []


@pytest.mark.parametrize(
    "sent",
    [
        REQUEST,
        posted("{ a: courses(first: 1) { nodes { id } } }"),
        posted('{ a(b: "cccc") }'),
        posted(
            "query ($f: CourseFilter, $s: String) { courses(filter: $f) { nodes { id } } }", {"f": {"no": 1}}
        ),
        posted("query ($n: Int) { courses(first: $n) { nodes { id } } }", {"n": "x"}),
        posted("{ course { id } courses { nodes { id } } }"),
    ],
    ids=["known", "new", "invalid", "an unknown variable", "a wrong variable", "a failing field"],
)
async def test_an_answer_leaves_no_garbage(served: Served, sent: bytes) -> None:
    await served.ask()
    async with freed():
        for _ in range(COUNT):
            assert await served.ask(sent) == b"HTTP/1.1 200"


async def test_a_syntax_error_leaves_no_garbage(served: Served) -> None:
    await served.ask()
    async with freed("graphql."):
        for number in range(COUNT):
            assert await served.ask(posted(f'{{ a(b: "{number}") ')) == b"HTTP/1.1 200"


@pytest.mark.parametrize("served", [{"admission_wait": 0.4}, {"request_timeout": 0.3}], indirect=True)
async def test_a_refusal_after_waiting_leaves_no_garbage(served: Served) -> None:
    await served.ask()
    served.fill()
    async with freed():
        assert set(await asyncio.gather(*(served.ask() for _ in range(COUNT)))) == {b"HTTP/1.1 503"}


async def test_a_client_that_disconnects_leaves_no_garbage(served: Served) -> None:
    await served.ask()
    served.fill()
    async with freed():
        leaving = asyncio.gather(*(served.ask(gone_after=0.15) for _ in range(COUNT)))
        await asyncio.sleep(0.1)
        assert served.endpoint.admission.cheap.waiting == COUNT
        await leaving
        await asyncio.sleep(0.1)
        assert served.endpoint.admission.cheap.waiting == 0


@pytest.mark.parametrize(
    "sent",
    [POST, POST + b"Content-Length: 900\r\n\r\n", POST + b"Content-Length: 900\r\n\r\nhalf", REQUEST * 3],
    ids=["half a head", "no body", "half a body", "pipelined requests"],
)
async def test_an_unfinished_request_leaves_no_garbage(served: Served, sent: bytes) -> None:
    await served.ask()
    served.fill()
    async with freed():
        await asyncio.gather(*(served.ask(sent, gone_after=0.15) for _ in range(COUNT)))
