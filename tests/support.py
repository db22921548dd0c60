"""Helpers that tests and fixtures share."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any, NoReturn

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.auth.session_tokens import SessionTokens
from app.observing import Record
from app.operation_limits import Limits
from app.request import Request, Services
from app.settings import Settings
from loaders.mongo import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.cursors import Cursors

SHARED = Path(__file__).parents[2] / "shared"
SECRET = "a secret for the tests, long enough"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOKENS = SessionTokens(SECRET.encode())


def request_for(
    database: Database,
    viewer: Viewer = PUBLIC,
    *,
    now: datetime = NOW,
    record: Record | None = None,
    **options: Any,
) -> Request:
    """A request of a viewer, as the endpoint creates it. options: see Request."""
    services = Services(lambda: database, Cursors(SECRET.encode()), TOKENS)
    return Request(services, record or Record(now), viewer, **options)


#: Limits that are never reached.
UNLIMITED = Limits(**{field.name: 10**9 for field in fields(Limits)})


class MongoCommands(CommandListener):
    """The commands that were sent, each as "command collection", in order."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        target = event.command[event.command_name]
        if (
            event.command_name == "aggregate" and target == 1
        ):  # an aggregation on the database: the collection is in its $lookup
            target = event.command["pipeline"][1]["$lookup"]["from"]
        self.sent.append(f"{event.command_name} {target}")

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


#: `await run_query(text, variables, viewer=…)`
RunQuery = Callable[..., Awaitable[Any]]


@contextmanager
def serving(settings: Settings, **more: str) -> Iterator[str]:
    """The URL of `lectern serve`, in a process of its own. more: other variables of its environment."""
    environment = (
        os.environ
        | {
            "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
            "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
            "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
            "LECTERN_SECRET": SECRET,
        }
        | more
    )
    command = [str(Path(sys.executable).with_name("lectern")), "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told, match = "", None
        while not match and (line := process.stderr.readline()):  # after warnings, if there are any
            told += line
            match = re.search(r"http://\S+(?=/graphql)", line)
        assert match, told
        try:
            yield match[0]
        finally:
            process.terminate()


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of some work: the best of three runs."""
    times = []
    for _ in range(3):
        began = process_time()
        work()
        times.append(process_time() - began)
    return min(times)


def receives_for_driver(task: asyncio.Task[Any]) -> bool:
    """Whether a task receives a message for PyMongo, as the monitors of any open client do at any time."""
    return getattr(task.get_coro(), "__qualname__", "") in {"PyMongoProtocol.read", "_poll_cancellation"}


def missing(what: str) -> NoReturn:
    """Skips a test that lacks a tool or a data set; fails it in CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what, allow_module_level=True)
