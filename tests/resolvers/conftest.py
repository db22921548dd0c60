"""Fixtures of the resolver tests."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

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
        if isinstance(prepared, Answer):
            answer = prepared
        else:
            ctx = Context(Loaders(database), Cursors(SECRET.encode()), NOW, TOKENS, viewer)
            answer = await engine.run(prepared, ctx)
        payload: Doc = orjson.loads(encoded(answer.payload))
        return payload

    return run
