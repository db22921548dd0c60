"""Failures are cheap: nothing is fetched, built or logged twice. Large answers block nobody."""

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from time import thread_time
from types import FrameType
from typing import Any
from weakref import WeakSet

import pytest
from structlog.testing import capture_logs

from app.execution import Answer, Operation, Prepared
from app.execution.runner.run import Run
from loaders.mongo.database import Database
from resolvers.context import PUBLIC
from resolvers.relay import ids
from tests import factories
from tests.execution.comparison import REFERENCE, Outcome, asked, comparable
from tests.execution.engines import executor
from tests.execution.hooked import hooked
from tests.execution.operations import Question
from tests.factories import store
from tests.support import UNLIMITED, request_for

COURSES, REVIEWS = 50, 20  # reviews of each course

COMPILED = executor(compiled=True, limits=UNLIMITED)

#: 23 different lists, so that no two are one call.
LISTS = " ".join(
    f"a{n}: courses(first: {COURSES - n}) {{ nodes {{ id title reviews(first: {REVIEWS}) {{ "
    "nodes { id rating student { name } } } } }"
    for n in range(23)
)


@pytest.fixture
async def catalogue(database: Database) -> Database:
    courses = [factories.course() for _ in range(COURSES)]
    students = [factories.student() for _ in range(COURSES * REVIEWS)]
    reviews = [factories.review(courses[n % COURSES], by) for n, by in enumerate(students)]
    await store(database, courses=courses, students=students, reviews=reviews)
    return database


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Collects the garbage of earlier tests, and turns the collector off: its work must not be measured."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_one_failing_field_costs_little(catalogue: Database) -> None:
    """At most 1.2 times the function calls."""
    sound = await calls(catalogue, f"{{ {LISTS} }}")
    assert await calls(catalogue, f"{{ {LISTS} e: course {{ id }} }}") < 1.2 * sound


async def test_a_null_in_a_non_null_position_costs_little(catalogue: Database, raw: None) -> None:
    """The same for one object of about 900 that is in each of 23 lists."""
    query = f"{{ {LISTS} }}"
    sound = await calls(catalogue, query)
    await catalogue["students"].update_one({}, {"$unset": {"name": ""}})
    assert await calls(catalogue, query) < 1.2 * sound
    assert len((await run(catalogue, query)).payload["errors"]) == 23


async def test_a_failed_call_is_reported_at_each_place_and_logged_once(database: Database, raw: None) -> None:
    courses = [factories.course(categorySlug="c") for _ in range(3)]
    await store(database, courses=courses, categories=[factories.category("c")])
    await database["courses"].update_one({}, {"$set": {"categorySlug": {"no": "slug"}}})
    nodes = "nodes {{ {}: category {{ name }} }}"
    query = f"{{ a: courses {{ {nodes.format('x')} }} b: courses(first: 3) {{ {nodes.format('y')} }} }}"
    question = Question(Operation(query), PUBLIC)
    prepared = COMPILED.prepare(question.operation)
    assert isinstance(prepared, Prepared)
    with capture_logs() as log:
        answer = await COMPILED.run(prepared, request_for(database))
    assert isinstance(answer, Answer)
    paths = [[root, "nodes", n, key] for root, key in (("a", "x"), ("b", "y")) for n in range(3)]
    assert sorted(error["path"] for error in answer.payload["errors"]) == paths
    assert len(log) == 1  # the failures of one kind are counted from then on
    assert comparable(answer) == comparable(await asked(REFERENCE, database, question))


@pytest.mark.parametrize("more", ["", "e: course { id }", "courses { nodes { reviews { nodes { body } } } }"])
async def test_nothing_is_left_to_the_garbage_collector(
    catalogue: Database, uncollected: None, raw: None, more: str
) -> None:
    """An answer is freed once it is sent, even with errors. The last case makes everything null."""
    again = "course(id: $id) { reviews { nodes { course { reviews { totalCount } } } } }"
    text = f"{{ {more} {LISTS} {again} }}"
    found = await catalogue["courses"].find_one({})
    assert found
    if "body" in more:
        await catalogue["reviews"].update_many({}, {"$set": {"body": None}})
    question = Question(Operation(f"query ($id: ID!) {text}", {"id": ids.encode_id("Course", found)}), PUBLIC)
    for _ in range(2):
        gc.collect()
        with capture_logs():
            assert ("errors" in (await asked(COMPILED, catalogue, question)).payload) == bool(more)
    assert gc.collect() < 200


async def test_a_cancelled_run_is_freed_too(
    catalogue: Database, uncollected: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fetched documents and the errors are freed with it."""
    begun = asyncio.Event()
    made: WeakSet[Run] = WeakSet()

    class Tracked(Run):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.add(self)

    monkeypatch.setattr("app.execution.executor.Run", Tracked)

    async def held(_: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        begun.set()
        await asyncio.Event().wait()

    prepared = COMPILED.prepare(Operation("{ e: course { id } courses { nodes { id } } }"))
    assert isinstance(prepared, Prepared)
    running = asyncio.create_task(COMPILED.run(prepared, request_for(hooked(catalogue, held))))
    await begun.wait()
    assert len(made) == 1
    running.cancel()
    await asyncio.wait([running])
    del running
    assert len(made) == 0


@pytest.mark.alone
async def test_building_a_large_answer_blocks_nobody(catalogue: Database, uncollected: None) -> None:
    """At most 30 ms of the event loop's time in one stretch, in the best of three runs."""
    assert min([await stretch(catalogue, f"{{ {LISTS} }}") for _ in range(3)]) < 0.03


async def calls(database: Database, text: str) -> int:
    """The number of calls in the event loop's thread that an operation makes, in Python and in C."""
    count = 0

    def profile(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    await run(database, text)  # fills the caches
    sys.setprofile(profile)
    try:
        await run(database, text)
    finally:
        sys.setprofile(None)
    return count


async def stretch(database: Database, text: str) -> float:
    """The longest CPU time for which an operation blocks other tasks."""
    longest, ended = 0.0, False

    async def others() -> None:
        nonlocal longest
        before = thread_time()
        while not ended:
            await asyncio.sleep(0)
            now = thread_time()
            longest, before = max(longest, now - before), now

    beside = asyncio.create_task(others())
    await run(database, text)
    ended = True
    await beside
    return longest


async def run(database: Database, text: str) -> Outcome:
    with capture_logs():
        return await asked(COMPILED, database, Question(Operation(text), PUBLIC))
