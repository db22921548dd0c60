"""Fixtures of the resolver tests."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from app.execution import Answer, Operation
from app.execution.encoding import encoded
from loaders.mongo.commands import Database
from loaders.reading.registry import Loaders
from resolvers.context import PUBLIC, Context, Viewer
from resolvers.cursors import Cursors
from tests.execution.engines import executor
from tests.support import NOW, SECRET, TOKENS

#: `await ask(text, variables, viewer=…)`: the whole response, even if it is refused before it runs.
Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(params=[True, False], ids=["compiled", "reference"])
def ask(request: pytest.FixtureRequest, database: Database) -> Ask:
    """Runs operations on each of the two engines in turn."""
    engine = executor(compiled=request.param)

    async def run(
        text: str, variables: dict[str, Any] | None = None, *, viewer: Viewer = PUBLIC
    ) -> dict[str, Any]:
        prepared = engine.prepare(Operation(text, variables))
        if isinstance(prepared, Answer):
            answer = prepared
        else:
            ctx = Context(Loaders(database), Cursors(SECRET.encode()), NOW, TOKENS, viewer)
            answer = await engine.run(prepared, ctx)
        payload: dict[str, Any] = orjson.loads(encoded(answer.payload))
        return payload

    return run
