"""What the tests of resolvers may ask for."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.execution import Operation, Refusal
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from tests.execution.engines import executor
from tests.support import request_for

#: `await ask(text, variables, viewer=…)`: the whole payload, also of what is refused before it runs.
Ask = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(params=[True, False], ids=["compiled", "reference"])
def ask(request: pytest.FixtureRequest, database: Database) -> Ask:
    """Each engine in its turn."""
    engine = executor(compiled=request.param)

    async def run(
        text: str, variables: dict[str, Any] | None = None, *, viewer: Viewer = PUBLIC
    ) -> dict[str, Any]:
        prepared = engine.prepare(Operation(text, variables))
        if isinstance(prepared, Refusal):
            return prepared.payload
        return (await engine.run(prepared, request_for(database, viewer))).payload

    return run
