"""Documents by key: entries aligned with their keys, and each document fetched once."""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable, Hashable, Mapping
from weakref import WeakSet

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.model.documents import CourseDoc
from loaders.mongo import Value
from loaders.mongo.database import Database
from loaders.reading import batching
from loaders.reading.batching import ByKey
from tests import factories
from tests.execution.hooked import hooked
from tests.factories import store
from tests.support import request_for


async def test_one_entry_per_key_by_one_command(database: Database, mongo_commands: list[str]) -> None:
    courses = [factories.course() for _ in range(3)]
    await store(database, courses=courses)
    by_id = ByKey[CourseDoc](database["courses"])
    a, b, c = (course["_id"] for course in courses)
    gone = ObjectId()
    mongo_commands.clear()
    found = await by_id([c, a, None, gone, a])
    assert [f and f["_id"] for f in found] == [c, a, None, None, a]
    assert mongo_commands == ["find courses"]
    assert await by_id([a, gone, None]) == [found[1], None, None]
    assert mongo_commands == ["find courses"]
    await by_id([b])
    assert mongo_commands == ["find courses"] * 2
    assert await by_id([]) == []
    assert mongo_commands == ["find courses"] * 2


class _Held:
    """A hook (tests/execution/hooked.py) that holds commands back until `free` is set."""

    def __init__(self) -> None:
        self.sent, self.free, self.fails = 0, asyncio.Event(), False

    async def __call__(self, _: str, command: str, send: Callable[[], Awaitable[Value]]) -> Value:
        self.sent += 1
        await self.free.wait()
        if self.fails:
            raise RuntimeError("broken")
        return await send()


async def test_a_call_waits_for_a_key_that_another_call_is_fetching(database: Database) -> None:
    a, b, c = courses = [factories.course() for _ in range(3)]
    await store(database, courses=courses)
    held = _Held()
    by_id = ByKey[CourseDoc](hooked(database, held)["courses"])
    wanted = [[a["_id"], b["_id"]], [b["_id"], a["_id"]], [b["_id"], c["_id"]], [c["_id"]]]
    calls = [asyncio.create_task(by_id(keys)) for keys in wanted]
    await asyncio.sleep(0)
    held.free.set()
    found = await asyncio.gather(*calls)
    assert [[course and course["_id"] for course in courses] for courses in found] == wanted
    assert held.sent == 2


async def test_a_call_fails_with_the_fetch_that_it_waits_for(database: Database) -> None:
    held = _Held()
    by_id = ByKey[CourseDoc](hooked(database, held)["courses"])
    calls = [asyncio.create_task(by_id([ObjectId("1" * 24)])) for _ in range(3)]
    await asyncio.sleep(0)
    held.fails = True
    held.free.set()
    assert [str(e) for e in await asyncio.gather(*calls, return_exceptions=True)] == ["broken"] * 3
    assert held.sent == 1
    held.fails = False
    assert await by_id([ObjectId("1" * 24)]) == [None]


async def test_a_call_fetches_the_key_itself_if_the_call_it_waits_for_is_cancelled(
    database: Database,
) -> None:
    course = factories.course()
    await store(database, courses=[course])
    held = _Held()
    by_id = ByKey[CourseDoc](hooked(database, held)["courses"])
    first, second = (asyncio.create_task(by_id([course["_id"]])) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    held.free.set()
    (found,) = await second
    assert found
    assert found["_id"] == course["_id"]
    assert held.sent == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_cancelling_a_waiting_call_does_not_affect_the_others(database: Database) -> None:
    course = factories.course()
    await store(database, courses=[course])
    held = _Held()
    by_id = ByKey[CourseDoc](hooked(database, held)["courses"])
    calls = [asyncio.create_task(by_id([course["_id"]])) for _ in range(3)]
    await asyncio.sleep(0)
    calls[1].cancel()
    await asyncio.sleep(0)
    held.free.set()
    first, cancelled, last = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert first == last != [None]
    assert held.sent == 1


async def test_a_failure_that_several_calls_wait_for_leaves_no_reference_cycle(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: WeakSet[batching._Fetch] = WeakSet()

    class Tracked(batching._Fetch):
        def __init__(self, keys: Mapping[Hashable, Value]) -> None:
            super().__init__(keys)
            made.add(self)

    monkeypatch.setattr(batching, "_Fetch", Tracked)
    held = _Held()
    held.fails = True
    by_id = ByKey[CourseDoc](hooked(database, held)["courses"])
    gc.disable()
    calls = [asyncio.create_task(by_id([ObjectId("1" * 24)])) for _ in range(20)]
    await asyncio.sleep(0)
    held.free.set()
    await asyncio.wait(calls)
    assert held.sent == len(made) == 1
    tracebacks = [traceback.format_exception(call.exception()) for call in calls]
    assert [lines[-1] for lines in tracebacks] == ["RuntimeError: broken\n"] * 20
    assert max(map(len, tracebacks)) < 10, "each waiting call adds to the traceback"
    del calls
    left = len(made)
    gc.enable()
    assert left == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from("abcdef") | st.none(), max_size=12))
async def test_entries_are_aligned(indexed_database: Database, keys: list[str | None]) -> None:
    await indexed_database["categories"].delete_many({})
    await store(indexed_database, categories=[factories.category(slug) for slug in "fbda"])
    found = await ByKey(indexed_database["categories"], "slug")(keys)
    assert [f and f["slug"] for f in found] == [key if key and key in "fbda" else None for key in keys]


async def test_former_keys_are_looked_for_with_one_more_command(
    database: Database, mongo_commands: list[str]
) -> None:
    a = factories.course(slug="a", oldSlugs=["x", "y", "b"])
    b = factories.course(slug="b", oldSlugs=["y"])
    await store(database, courses=[b, a])
    assert a["_id"] < b["_id"]
    loader = request_for(database).context().loaders.course_by_slug
    mongo_commands.clear()
    found = await loader(["a", "x", "none", "y", "b", "z", None])
    assert [f and f["title"] for f in found] == [
        a["title"],
        a["title"],
        None,
        a["title"],
        b["title"],
        None,
        None,
    ]
    assert mongo_commands == ["find courses"] * 2
    assert await loader(["x", "b", "none"]) == [found[1], found[4], None]
    assert mongo_commands == ["find courses"] * 2


@pytest.mark.parametrize("stored", ["x", {"0": "x"}, None, 5])
async def test_former_keys_that_are_not_a_list_lead_nowhere(database: Database, stored: Value) -> None:
    await store(database, courses=[{**factories.course(slug="a"), "oldSlugs": stored}])
    loader = request_for(database).context().loaders.course_by_slug
    found = await loader(["x", "a"])
    assert [f and f["slug"] for f in found] == [None, "a"]


async def test_present_keys_take_one_command(database: Database, mongo_commands: list[str]) -> None:
    await store(database, courses=[factories.course(slug=slug, oldSlugs=["c"]) for slug in "ab"])
    for keys in (["a"], ["a", "b"]):
        loader = request_for(database).context().loaders.course_by_slug
        mongo_commands.clear()
        assert [f and f["slug"] for f in await loader(keys)] == keys
        assert mongo_commands == ["find courses"]


async def test_a_former_key_is_found_with_an_index(database: Database) -> None:
    explained = await database["courses"].find({"oldSlugs": {"$in": ["x", "y"]}}).explain()
    assert explained["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "oldSlugs_1"
