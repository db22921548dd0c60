"""A gateway under uvicorn, with the settings that a test needs."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from app.main import create_app
from app.observing import Listener
from app.settings import Settings
from loaders.mongo.database import Database
from tests.http.requests import Serve, client

MAX_BODY_BYTES = 1000


@contextmanager
def running(app: ASGIApp) -> Iterator[str]:
    """The URL of an application under uvicorn, in a thread of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def serve(settings: Settings, indexed_database: Database) -> Iterator[Serve]:
    """`serve(*listeners, setting=value, …)`: the URL of a gateway; equal arguments share one gateway."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}

        def url(*listeners: Listener, **changed: Any) -> str:
            if (key := repr((listeners, changed))) not in urls:
                gateway = create_app(Settings.model_validate(settings.model_dump() | changed), *listeners)
                urls[key] = stack.enter_context(running(gateway))
            return urls[key]

        yield url


@pytest.fixture
async def http(serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with a small MAX_BODY_BYTES."""
    async with client(serve(max_body_bytes=MAX_BODY_BYTES, metrics=True)) as http:
        http.headers["accept"] = "application/json"
        yield http
