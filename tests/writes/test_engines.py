"""Every write gives the same answer in both engines, with as many commands as `lectern explain` says."""

from collections.abc import AsyncIterator

import pytest

from app.execution import Executor, Operation, Prepared
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.schema import schema
from tests.support import RunQuery
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import Gateway, operation, served

#: What is selected of the objects of payloads: more than plain values, so that both engines have work to do.
SELECTIONS = {
    "course": """course { __typename id slug title status category { name } instructors { name }
      price { formatted } rating { count average histogram { count } } studentCount createdAt updatedAt
      viewerCanReview
      runs { totalCount edges { cursor node { startsAt seatsLeft } } }
      reviews(first: 2) { totalCount nodes { rating student { name } }
        pageInfo { hasNextPage endCursor } } }""",
    "courseRun": "courseRun { id startsAt endsAt seats seatsLeft waitlistCount location course { title } }",
    "enrollment": """enrollment { id status progress enrolledAt completedAt run { seatsLeft waitlistCount }
      course { title studentCount } student { name email } }""",
    "review": """review { id rating title body difficulty workloadHours term verified helpfulCount status
      viewerFoundHelpful createdAt updatedAt reply { body createdAt author { name } }
      student { name } course { title } }""",
    "viewer": "viewer { roles student { name } wishlist { totalCount nodes { title } } }",
}


async def test_every_write_has_a_scene(database: Database) -> None:
    assert (await scenes(database)).keys() == {*NAMES}


@pytest.fixture(scope="module")
async def reference(settings: Settings) -> AsyncIterator[Gateway]:
    async with served(settings.model_copy(update={"compiled_execution": False})) as gateway:
        yield gateway


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", ["compiled", "reference"])
async def test_both_engines_give_the_same_answer_and_repeat_it(
    gateway: Gateway, reference: Gateway, database: Database, name: str, first: str
) -> None:
    """Both engines return the answer of the first one for a retry with its key."""
    viewer, values = (await scenes(database))[name]
    engines = [gateway, reference] if first == "compiled" else [reference, gateway]
    text = operation(name, selections=SELECTIONS)
    answers = [await engine.ask(text, {"input": values}, viewer) for engine in (engines[0], *engines)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][name]["errors"] == []
    assert await database["auditLog"].count_documents({}) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_write_sends_as_many_commands_as_explain_says(
    database: Database, run_query: RunQuery, mongo_commands: list[str], name: str
) -> None:
    viewer, values = (await scenes(database))[name]
    executor = Executor(schema, introspection=False)
    text = operation(name, "__typename")
    prepared = executor.prepare(Operation(text, {"input": values}))
    assert isinstance(prepared, Prepared)
    mongo_commands.clear()
    data = await run_query(text, {"input": values}, viewer=viewer)
    assert data[name]["errors"] == []
    assert len(mongo_commands) == executor.explain(prepared)["commands"], mongo_commands
