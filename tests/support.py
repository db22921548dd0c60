"""Names that tests and fixtures share."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.auth.tokens import SessionTokens

SHARED = Path(__file__).parents[2] / "shared"
SECRET = "a secret for the tests, long enough"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOKENS = SessionTokens(SECRET.encode())


class MongoCommands(CommandListener):
    """The commands that were sent, as "command collection", in order."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        target = event.command[event.command_name]
        if (
            event.command_name == "aggregate" and target == 1
        ):  # an aggregate on the database: the collection is in its $lookup
            target = event.command["pipeline"][1]["$lookup"]["from"]
        self.sent.append(f"{event.command_name} {target}")

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


#: `await run_query(text, variables, viewer=…)`
RunQuery = Callable[..., Awaitable[Any]]


def missing(what: str) -> NoReturn:
    """CI has everything; elsewhere a test that lacks something is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
