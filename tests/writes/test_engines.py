"""Every write gives the same answer in both engines, with as many commands as `lectern explain` says."""

from collections.abc import AsyncIterator

import pytest

from app.execution import Executor, Operation, Prepared
from app.settings import Settings
from loaders.mongo.database import Database, Destinations
from loaders.outbox import EVENT_KINDS
from resolvers.schema import declaration, schema
from tests.support import RunQuery
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import Gateway, operation, served

#: What is selected of the objects of payloads: more than plain values, so that both engines have work to do.
SELECTIONS = {
    "account": """account { id name email emailVerified roles status createdAt lastSeenAt
      student { name email } instructor { name } }""",
    "course": """course { __typename id slug title status category { name } instructors { name }
      price { formatted } rating { count average histogram { count } } studentCount createdAt updatedAt
      viewerCanReview viewerHasWishlisted relatedCourses { title }
      runs { totalCount edges { cursor node { startsAt seatsLeft } } }
      reviews(first: 2) { totalCount nodes { rating student { name } }
        pageInfo { hasNextPage endCursor } } }""",
    "courseRun": """courseRun { id startsAt endsAt status seats seatsLeft waitlistCount location
      course { title } }""",
    "enrollment": """enrollment { id status waitlistPosition progress enrolledAt completedAt
      run { seatsLeft waitlistCount } course { title studentCount } student { name email } }""",
    "review": """review { id rating title body difficulty workloadHours term verified helpfulCount status
      viewerFoundHelpful createdAt updatedAt reply { body createdAt author { name } }
      student { name } course { title } }""",
    "category": """category { id slug name description imageUrl position courseCount
      courses { totalCount nodes { slug category { slug } } } }""",
    "instructor": """instructor { id slug name headline bio avatarUrl courseCount
      rating { average count histogram { count } } courses { totalCount } }""",
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


#: The writes whose scene makes events.
EVENTFUL = {
    "publishCourse", "updateCourseRun", "cancelCourseRun", "enroll", "enrollStudent", "cancelEnrollment",
    "moveEnrollment", "createReview",
}  # fmt: skip
EVENT_COMMANDS = ["find outboxSequences", "update outboxSequences", "update outbox"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_write_with_events_sends_three_more_commands_where_a_webhook_takes_them(
    database: Database,
    run_query: RunQuery,
    mongo_commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    viewer, values = (await scenes(database))[name]
    monkeypatch.setattr(database, "destinations", Destinations({"crm": EVENT_KINDS}))
    executor = Executor(schema, introspection=False)
    prepared = executor.prepare(Operation(operation(name, "__typename"), {"input": values}))
    assert isinstance(prepared, Prepared)
    mongo_commands.clear()
    data = await run_query(operation(name, "__typename"), {"input": values}, viewer=viewer)
    assert data[name]["errors"] == []
    of_outbox = [command for command in mongo_commands if "outbox" in command]
    if name == "eraseStudent":  # it finds and deletes the messages to the person, which are no events
        of_outbox = [command for command in of_outbox if not command.startswith(("delete", "find"))]
    expected = EVENT_COMMANDS if name in EVENTFUL else []
    assert of_outbox == expected
    assert len(mongo_commands) == executor.explain(prepared)["commands"] + len(expected)
    assert len(expected) <= rare_commands(name)


#: The writes whose scene writes a message to somebody.
TELLING = {
    "updateCourseRun", "cancelCourseRun", "cancelEnrollment", "moveEnrollment", "updateAccount",
    "verifyEmail",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_a_write_with_events_and_messages_sends_at_most_its_rare_commands(
    database: Database,
    run_query: RunQuery,
    mongo_commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """The price of a write includes its rare commands, so they must be enough in the dearest case."""
    viewer, values = (await scenes(database))[name]
    monkeypatch.setattr(database, "destinations", Destinations({"crm": EVENT_KINDS}, has_messages=True))
    executor = Executor(schema, introspection=False)
    prepared = executor.prepare(Operation(operation(name, "__typename"), {"input": values}))
    assert isinstance(prepared, Prepared)
    mongo_commands.clear()
    data = await run_query(operation(name, "__typename"), {"input": values}, viewer=viewer)
    assert data[name]["errors"] == []
    further = len(mongo_commands) - executor.explain(prepared)["commands"]
    assert further <= rare_commands(name), mongo_commands
    assert further == len(EVENT_COMMANDS) * (name in EVENTFUL) + (name in TELLING)


def rare_commands(name: str) -> int:
    """Returns the number of additional commands that a mutation declares."""
    assert schema.mutation_type is not None
    found: int = declaration(schema.mutation_type.fields[name]).metadata["rare_commands"]
    return found
