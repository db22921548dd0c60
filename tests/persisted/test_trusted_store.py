"""Trusted operations in MongoDB: pushes and removals take effect as a whole, within limits."""

import asyncio
from datetime import timedelta

import pytest

from loaders.mongo import Database, now
from loaders.persisted import (
    ConflictError,
    StoredTool,
    ToolConflictError,
    TooManyError,
    VersionKey,
    current_revision,
    load,
    mark_used,
    remove,
    versions,
)
from tests.persisted.conftest import WEB, trust

APP = VersionKey("app", "7")


async def ids(database: Database, most: int = 10_000) -> list[str]:
    found = await load(database, most)
    return [one.id for one in found.operations] if found else []


async def test_before_the_first_push_nothing_is_loaded(database: Database, mongo_commands: list[str]) -> None:
    assert await load(database, 10) is None
    assert mongo_commands == ["find trustedRevision"]


async def test_a_push_stores_operations_and_the_version(database: Database) -> None:
    assert await trust(database, {"a": "{ a }", "b": "{ b }"}) == (2, True, 2)
    found = await load(database, 10)
    assert found is not None
    assert [(one.id, one.text) for one in found.operations] == [("a", "{ a }"), ("b", "{ b }")]
    (version,) = found.versions
    assert (version.key, version.ids, version.used_at) == (WEB, ["a", "b"], None)
    assert found.is_complete


async def test_the_same_push_again_changes_nothing(database: Database) -> None:
    await trust(database, {"a": "{ a }", "b": "{ b }"})
    revision, before = await current_revision(database), await versions(database)
    assert await trust(database, {"b": "{ b }", "a": "{ a }"}) == (0, False, 2)
    assert (await current_revision(database), await versions(database)) == (revision, before)


async def test_a_push_adds_to_a_version_and_keeps_its_last_use(database: Database) -> None:
    await trust(database, {"a": "{ a }"})
    await mark_used(database, [WEB], now())
    assert await trust(database, {"b": "{ b }"}) == (1, True, 2)
    (version,) = await versions(database)
    assert version.ids == ["a", "b"]
    assert version.used_at is not None


async def test_an_id_with_another_text_is_refused_and_nothing_is_stored(database: Database) -> None:
    await trust(database, {"a": "{ a }"})
    with pytest.raises(ConflictError) as conflict:
        await trust(database, {"a": "{ other }", "b": "{ b }"}, APP)
    assert conflict.value.users == {"a": [WEB]}
    assert await ids(database) == ["a"]
    assert [one.key for one in await versions(database)] == [WEB]


async def test_the_number_and_the_size_are_limited(database: Database) -> None:
    assert await trust(database, {"a": "x" * 6, "b": "é" * 2}, most=2, most_bytes=10)
    with pytest.raises(TooManyError) as number:
        await trust(database, {"c": ""}, APP, most=2)
    assert (number.value.number, number.value.size) == (3, 10)
    with pytest.raises(TooManyError) as size:
        await trust(database, {"c": "x"}, APP, most_bytes=10)
    assert (size.value.number, size.value.size) == (3, 11)
    assert await ids(database) == ["a", "b"]


async def test_no_more_are_loaded_than_asked_for(database: Database) -> None:
    await trust(database, {str(n): f"{{ a{n} }}" for n in range(5)})
    for most, is_complete in ((4, False), (5, True)):
        found = await load(database, most)
        assert found is not None
        assert (len(found.operations), found.is_complete) == (most, is_complete)


async def test_a_loader_never_sees_half_a_manifest(database: Database) -> None:
    """Several clients push at the same time, and each version is seen with all of its operations."""
    pushes = [
        asyncio.create_task(
            trust(database, {f"{n}.{m}": f"{{ a{n}_{m} }}" for m in range(30)}, VersionKey("web", str(n)),
                  most=1000, most_bytes=100_000)
        )
        for n in range(4)
    ]  # fmt: skip
    while not all(one.done() for one in pushes):
        found = await load(database, 1000)
        if found is not None:
            assert {own for one in found.versions for own in one.ids} == {one.id for one in found.operations}
    assert [(await one).added for one in pushes] == [30] * 4
    assert len(await ids(database)) == 120


async def test_a_removal_leaves_shared_operations(database: Database) -> None:
    await trust(database, {"a": "{ a }", "b": "{ b }"})
    await trust(database, {"b": "{ b }", "c": "{ c }"}, APP)
    before = await current_revision(database)
    gone, number = await remove(database, lambda one: one.key == WEB)
    assert ([one.key for one in gone], number) == ([WEB], 1)
    assert await ids(database) == ["b", "c"]
    assert await current_revision(database) != before


async def test_a_removal_of_nothing_changes_nothing(database: Database) -> None:
    await trust(database, {"a": "{ a }"})
    before = await current_revision(database)
    assert await remove(database, lambda _: False) == ([], 0)
    assert await current_revision(database) == before


async def test_the_last_use_never_goes_back(database: Database, mongo_commands: list[str]) -> None:
    await trust(database, {"a": "{ a }"})
    mongo_commands.clear()
    at = now()
    await mark_used(database, [WEB, APP], at)
    await mark_used(database, [WEB], at - timedelta(days=1))
    assert mongo_commands == ["update trustedVersions"] * 2
    (version,) = await versions(database)
    assert version.used_at == at


async def test_many_operations_take_several_commands(database: Database) -> None:
    texts = {f"{n:05}": "{ a }" for n in range(2_500)}
    await trust(database, texts, most=2_500, most_bytes=10**6)
    assert len(await ids(database)) == 2_500
    assert (await remove(database, lambda _: True))[1] == 2_500


async def test_an_older_version_that_is_pushed_again_is_the_last(database: Database) -> None:
    newer = VersionKey(WEB.client, "2")
    await trust(database, {"a": "{ a }"})
    await trust(database, {"b": "{ b }"}, newer)
    await trust(database, {"c": "{ c }"}, APP)
    revision = await current_revision(database)
    assert await trust(database, {"b": "{ b }"}, newer) == (0, False, 1)
    assert await current_revision(database) == revision
    assert await trust(database, {"a": "{ a }"}) == (0, True, 1)
    assert await current_revision(database) != revision
    assert [one.key for one in await versions(database) if one.key != APP] == [newer, WEB]


async def test_a_conflict_of_tools_names_only_the_clients_with_that_tool(database: Database) -> None:
    own, desk = [StoredTool(name, "a", "What?", {}) for name in ("x", "y")], VersionKey("desk", "3")
    await trust(database, {"a": "{ a }"}, APP, tools=own[:1])
    await trust(database, {"a": "{ a }"}, desk, tools=own[1:])
    with pytest.raises(ToolConflictError) as refused:
        await trust(database, {"a": "{ a }"}, tools=own[::-1])
    assert (refused.value.name, refused.value.users) == ("y", [desk])
