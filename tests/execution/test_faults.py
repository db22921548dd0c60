"""Whatever a batch does, the answer equals graphql-core's, and nothing is left running."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from pymongo.errors import AutoReconnect

from app.execution import Answer, Executor, Operation, Prepared
from loaders.reading.batching import ByKey
from resolvers.context import PUBLIC
from resolvers.errors import BadUserInputError
from resolvers.relay import ids
from tests.execution.comparison import COMPILED, REFERENCE, asked, asked_in_ticks, comparable, settled
from tests.execution.engines import executor
from tests.execution.hooked import Hook, hooked
from tests.execution.operations import Question
from tests.execution.site import STAFF, Site
from tests.support import receives_for_driver, request_for

pytestmark = pytest.mark.parametrize("site", ["sound"], indirect=True)

#: Each collection is queried in one place only.
TEXT = """
{
  courses(first: 4) {
    totalCount
    nodes {
      title
      category { name }
      runs(first: 2, upcomingOnly: false) { nodes { startsAt } }
      reviews(first: 3, orderBy: { field: HELPFUL, direction: DESC }) {
        totalCount
        edges { cursor node { body student { name } reply { author { name } } } }
      }
    }
  }
}
"""
QUESTION = Question(Operation(TEXT), PUBLIC)
COLLECTIONS = ["courses", "categories", "courseRuns", "reviews", "students", "instructors"]

#: Replaces the result of a batch or a command, or raises.
Fault: TypeAlias = Callable[[Any], Any]


def _raising(error: Exception) -> Fault:
    def fail(_: Any) -> Any:
        raise error

    return fail


RAISED: dict[str, Fault] = {
    "an error": _raising(RuntimeError("broken")),
    "no connection": _raising(AutoReconnect("gone")),
    "the client's fault": _raising(BadUserInputError("no")),
    "an odd error": _raising(StopAsyncIteration()),
}
MISALIGNED: dict[str, Fault] = {
    "one too few": lambda entries: entries[:-1],
    "one too many": lambda entries: [*entries, None],
    "nothing": lambda entries: [],
}
MISTYPED: dict[str, Fault] = {
    "None": lambda _: None,
    "a string": lambda entries: "x" * len(entries),
    "a number": lambda _: 7,
    "a tuple": tuple,
    "an iterator": iter,
    "strings": lambda entries: ["text"] * len(entries),
    "numbers": lambda entries: [7] * len(entries),
    "nulls": lambda entries: [None] * len(entries),
    "lists": lambda entries: [[entry] for entry in entries],
    "an error among them": lambda entries: [KeyError("broken"), *entries[1:]],
    "only errors": lambda entries: [BadUserInputError("no")] * len(entries),
}
FAULTS = RAISED | MISALIGNED | MISTYPED


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_a_faulty_command_is_answered_as_by_graphql_core(
    site: Site, collection: str, fault: str
) -> None:
    """Every command on one collection returns a fault."""

    async def disturb(of: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        found = await send()
        return FAULTS[fault](_ordered(found)) if of == collection and isinstance(found, list) else found

    await _expect_equal(site, disturb)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("collection", ["categories", "students", "instructors"])
async def test_a_faulty_batch_by_key_is_answered_as_by_graphql_core(
    site: Site, monkeypatch: pytest.MonkeyPatch, collection: str, fault: str
) -> None:
    """The faulty result of ByKey is what the level's function returns."""
    load = ByKey.__call__

    async def disturbed(self: ByKey[Any], keys: Any) -> Any:
        found = await load(self, keys)
        return FAULTS[fault](found) if self._collection.name == collection else found

    monkeypatch.setattr(ByKey, "__call__", disturbed)
    await _expect_equal(site)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["resolvers.course.connections", "resolvers.review.connections"])
async def test_a_faulty_batch_of_pages_is_answered_as_by_graphql_core(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    await _disturb(monkeypatch, name, fault)
    await _expect_equal(site)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_faulty_batch_of_counts_is_answered_as_by_graphql_core(
    site: Site, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await _disturb(monkeypatch, "resolvers.relay.pagination.counts", fault)
    await _expect_equal(site)


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize("compiled", [True, False])
async def test_a_cancelled_request_leaves_nothing_running(
    site: Site, collection: str, compiled: bool
) -> None:
    """It is cancelled while a command is in flight. graphql-core's batches end with their command, a plan's
    at once.
    """
    before, begun, never = asyncio.all_tasks(), asyncio.Event(), asyncio.Event()

    async def hang(of: str, _: str, send: Callable[[], Awaitable[Any]]) -> Any:
        if of == collection:
            begun.set()
            await never.wait()
        return await send()

    async with asyncio.timeout(5):
        running = asyncio.create_task(_run(executor(compiled=compiled), site, hang))
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        if not compiled:
            never.set()
        left = {task for task in asyncio.all_tasks() - before if not receives_for_driver(task)}
        await asyncio.wait(left | {asyncio.create_task(asyncio.sleep(0))})


def _ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorts the rows of a $group, whose order is random: a fault drops one of them."""
    return sorted(rows, key=lambda row: str(row["_id"]))


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_shared_batch_serves_one_part_when_the_other_fails(site: Site, compiled: bool) -> None:
    """Two reviews by one student: the first has no course and becomes null, the second is unaffected."""
    first, second = await _reviews_of_one(site)
    of_student = "student { reviews(first: 1, orderBy: { field: RATING, direction: ASC }) { totalCount } }"
    text = (
        f'{{ a: review(id: "{first}") {{ course {{ id }} {of_student} }} '
        f'b: review(id: "{second}") {{ {of_student} }} }}'
    )

    async def disturb(of: str, _: str, send: Callable[[], Awaitable[Any]]) -> Any:
        found = await send()
        if isinstance(found, list) and of == "reviews":
            await asyncio.sleep(0.05)
        return [] if of == "courses" else found

    async with asyncio.timeout(5):
        question = Question(Operation(text), STAFF)
        payload = (await asked(executor(compiled=compiled), hooked(site.database, disturb), question)).payload
    assert payload["data"]["a"] is None
    assert payload["data"]["b"]["student"]["reviews"]["totalCount"] > 1
    assert [error["path"] for error in payload["errors"]] == [["a", "course"]]


async def _reviews_of_one(site: Site) -> list[str]:
    shown = await site.database["courses"].distinct("_id", {"status": "PUBLISHED"})
    public = {"status": "PUBLISHED", "courseId": {"$in": shown}}
    by_student: dict[Any, list[str]] = {}
    async for review in site.database["reviews"].find({**public, "studentId": {"$ne": None}}):
        own = by_student.setdefault(review["studentId"], [])
        own.append(ids.encode_id("Review", review))
        if len(own) == 2:
            return own
    raise AssertionError("the sample data has no student with two reviews")


async def _disturb(monkeypatch: pytest.MonkeyPatch, name: str, fault: str) -> None:
    module, _, attribute = name.rpartition(".")
    function = getattr(__import__(module, fromlist=[attribute]), attribute)

    async def disturbed(*args: Any, **options: Any) -> Any:
        return FAULTS[fault](await function(*args, **options))

    monkeypatch.setattr(name, disturbed)


async def _expect_equal(site: Site, disturb: Hook | None = None) -> None:
    async with asyncio.timeout(5):
        answer, sent = await asked_in_ticks(COMPILED, site.database, QUESTION, disturb)
        reference, allowed = await asked_in_ticks(REFERENCE, site.database, QUESTION, disturb)
    assert isinstance(answer, Answer)
    assert answer.engine == "compiled"
    assert comparable(answer).data == comparable(reference).data
    assert settled(answer) == settled(reference)
    assert len(sent) <= len(allowed)


async def _run(by: Executor, site: Site, hook: Hook) -> Answer:
    prepared = by.prepare(QUESTION.operation)
    assert isinstance(prepared, Prepared), prepared
    answer = await by.run(prepared, request_for(hooked(site.database, hook)))
    assert isinstance(answer, Answer), answer
    return answer
