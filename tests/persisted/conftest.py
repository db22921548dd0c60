"""Gateways under uvicorn on an empty database, and trusted operations in it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from app.main import create_app
from app.observing import Listener
from app.persisted import trusted_operations
from app.settings import Settings
from loaders.mongo import Database
from loaders.persisted import NewOperation, Pushed, StoredTool, VersionKey, push
from tests.http.conftest import running

#: `serve(*listeners, setting=value, …)`: the URL of a new gateway.
Start: TypeAlias = Callable[..., str]

WEB = VersionKey("web", "1")


@pytest.fixture
def start(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(trusted_operations, "REFRESH_EVERY", 0.05)
    with ExitStack() as stack:

        def url(*listeners: Listener, **changed: Any) -> str:
            app = create_app(settings.model_copy(update=changed), *listeners)
            return stack.enter_context(running(app))

        yield url


async def trust(
    database: Database,
    texts: dict[str, str],
    key: VersionKey = WEB,
    most: int = 100,
    most_bytes: int = 10_000,
    tools: Sequence[StoredTool] | None = None,
) -> Pushed:
    """Pushes operations, by their ids."""
    new = [NewOperation(own, text, "", 1) for own, text in texts.items()]
    return await push(database, key, new, most=most, most_bytes=most_bytes, tools=tools)
