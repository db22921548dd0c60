"""Fixtures of the resolver tests."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest

from app.execution import Operation, Refusal
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from tests.execution.engines import executor
from tests.support import request_for

#: A document, as BSON holds it; or an object of JSON.
Doc: TypeAlias = dict[str, Any]
#: A part of a decoded response, whose shape each test knows.
Json: TypeAlias = Any
#: A value of a document, an input or an argument.
Value: TypeAlias = Any

#: `await ask(text, variables, viewer=…)`: the whole response, even if it is refused before it runs.
Ask = Callable[..., Awaitable[Doc]]


@pytest.fixture(params=[True, False], ids=["compiled", "reference"])
def ask(request: pytest.FixtureRequest, database: Database) -> Ask:
    """Runs operations on each of the two engines in turn."""
    engine = executor(compiled=request.param)

    async def run(text: str, variables: Doc | None = None, *, viewer: Viewer = PUBLIC) -> Doc:
        prepared = engine.prepare(Operation(text, variables))
        if isinstance(prepared, Refusal):
            return prepared.payload
        return (await engine.run(prepared, request_for(database, viewer))).payload

    return run
