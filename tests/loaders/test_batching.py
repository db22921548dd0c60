"""Documents by key: aligned, each fetched once, whatever order the rows come in."""

from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.batching import ByKey
from loaders.documents import CourseDoc
from loaders.mongo import Database
from tests import factories
from tests.factories import store


async def test_one_entry_a_key_in_one_command(database: Database, mongo_commands: list[str]) -> None:
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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from("abcdef") | st.none(), max_size=12))
async def test_entries_are_aligned(indexed_database: Database, keys: list[str | None]) -> None:
    await indexed_database["categories"].delete_many({})
    await store(indexed_database, categories=[factories.category(slug) for slug in "fbda"])
    found = await ByKey(indexed_database["categories"], "slug")(keys)
    assert [f and f["slug"] for f in found] == [key if key and key in "fbda" else None for key in keys]
