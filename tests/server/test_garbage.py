"""Requests and connections are freed without the garbage collector, which runs seldom (app.memory)."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
import uvicorn

from app.http import Endpoint
from app.main import PATH, Gateway, create_app
from app.server.connection import Connection
from app.server.limits import Limits
from app.server.state import State
from app.settings import Settings

BODY = b'{"query": "{ courses(first: 1) { nodes { id } } }"}'
POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
REQUEST = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
COUNT = 5


class Served:
    def __init__(self, port: int, endpoint: Endpoint) -> None:
        self.port = port
        self.endpoint = endpoint

    async def ask(self, *, gone_after: float | None = None) -> bytes:
        """The beginning of the answer; none where the client goes away first."""
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", self.port))
            await loop.sock_sendall(client, REQUEST)
            if gone_after is None:
                return await loop.sock_recv(client, 12)
            await asyncio.sleep(gone_after)
            return b""

    def is_full(self) -> None:
        """Nothing gets a turn any more."""
        self.endpoint.admission.cheap.used = self.endpoint.admission.cheap.capacity


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Served]:
    app = create_app(settings.model_copy(update={"admission_wait": 0.4}))
    config = uvicorn.Config(app, lifespan="off", interface="asgi3", proxy_headers=False, access_log=False)
    config.load()
    protocol = partial(Connection, config=config, server_state=State(), app_state={}, limits=Limits())
    async with app.router.lifespan_context(app):
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        assert isinstance(app, Gateway)
        endpoint = app.direct[PATH]
        assert isinstance(endpoint, Endpoint)
        yield Served(server.sockets[0].getsockname()[1], endpoint)
        server.close()


@pytest.fixture
def kept() -> Iterator[None]:
    """What the collector finds is in gc.garbage."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def ours() -> list[str]:
    """What the collector finds of ours, by class; a new text leaves some of graphql-core's."""
    gc.collect()
    names = [f"{type(found).__module__}.{type(found).__qualname__}" for found in gc.garbage]
    return [name for name in names if name.startswith(("app.", "loaders.", "resolvers."))]


async def test_an_answer_leaves_nothing(served: Served, kept: None) -> None:
    for _ in range(COUNT):
        assert await served.ask() == b"HTTP/1.1 200"
    await asyncio.sleep(0.1)
    assert ours() == []


async def test_a_refusal_after_a_while_leaves_nothing(served: Served, kept: None) -> None:
    served.is_full()
    assert set(await asyncio.gather(*(served.ask() for _ in range(COUNT)))) == {b"HTTP/1.1 503"}
    await asyncio.sleep(0.1)
    assert ours() == []


async def test_a_client_that_goes_away_leaves_nothing(served: Served, kept: None) -> None:
    served.is_full()
    leaving = asyncio.gather(*(served.ask(gone_after=0.15) for _ in range(COUNT)))
    await asyncio.sleep(0.1)
    assert served.endpoint.admission.cheap.waiting == COUNT
    await leaving
    await asyncio.sleep(0.1)
    assert served.endpoint.admission.cheap.waiting == 0
    assert ours() == []
