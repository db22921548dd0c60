"""Automatic persisted queries: what is kept, and how many commands a flood of hashes can cause."""

import asyncio
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from app.persisted import automatic_queries
from app.persisted.automatic_queries import AutomaticQueries, hash_of
from loaders.mongo import Database, now
from loaders.persisted import AutomaticText, find_text, size_of_texts, store_texts

TEXT = "{ __typename }"
HASH = hash_of(TEXT)
FIND = "find persistedOperations"


@pytest.fixture
def automatic(database: Database) -> AutomaticQueries:
    return AutomaticQueries(lambda: database, days=30)


def hashes(number: int) -> list[str]:
    return [hash_of(str(n)) for n in range(number)]


async def store(database: Database, *texts: AutomaticText) -> None:
    await store_texts(database, texts)


async def test_a_registered_text_needs_no_command(
    automatic: AutomaticQueries, mongo_commands: list[str]
) -> None:
    automatic.register(HASH, TEXT)
    assert await automatic.text_of(HASH) == TEXT
    assert mongo_commands == []


async def test_other_processes_and_later_ones_find_it_with_one_command(
    automatic: AutomaticQueries, database: Database, mongo_commands: list[str]
) -> None:
    automatic.register(HASH, TEXT)
    await automatic.flush()
    mongo_commands.clear()
    other = AutomaticQueries(lambda: database, days=30)
    assert [await other.text_of(HASH) for _ in range(3)] == [TEXT] * 3
    assert mongo_commands == [FIND]
    assert other.counts == {"found": 1}


async def test_it_is_stored_for_some_days_and_longer_if_registered_again(
    database: Database,
) -> None:
    for days in (1, 30, 2):
        automatic = AutomaticQueries(lambda: database, days)
        automatic.register(HASH, TEXT)
        await automatic.flush()
        (stored,) = await database["persistedOperations"].find({}).to_list(None)
        left = stored["expiresAt"] - now()
        assert timedelta(days=days) - timedelta(minutes=5) < left <= timedelta(days=days)


async def test_an_expired_text_is_not_found(database: Database) -> None:
    await store(database, AutomaticText(HASH, TEXT, now() - timedelta(seconds=1)))
    assert await find_text(database, HASH) is None


async def test_a_text_with_another_hash_is_not_run(automatic: AutomaticQueries, database: Database) -> None:
    await store(database, AutomaticText(HASH, "{ other }", now() + timedelta(days=1)))
    assert await automatic.text_of(HASH) is None


async def test_an_unknown_hash_is_looked_up_once(
    automatic: AutomaticQueries, mongo_commands: list[str]
) -> None:
    found = await asyncio.gather(*(automatic.text_of(HASH) for _ in range(50)))
    assert found == [None] * 50
    assert [await automatic.text_of(HASH) for _ in range(50)] == [None] * 50
    assert mongo_commands == [FIND]


@pytest.mark.parametrize("hash", ["x", HASH[:-1], HASH + "0", HASH[:-1] + "g", "$" * 64, "é" * 64])
async def test_what_is_no_hash_is_not_looked_up(
    automatic: AutomaticQueries, mongo_commands: list[str], hash: str
) -> None:
    assert await automatic.text_of(hash) is None
    assert mongo_commands == []


async def test_look_ups_at_a_time_are_limited(automatic: AutomaticQueries, mongo_commands: list[str]) -> None:
    await asyncio.gather(*(automatic.text_of(one) for one in hashes(1000)))
    assert mongo_commands == [FIND] * automatic_queries._IN_FLIGHT
    assert automatic.counts["not looked up"] == 1000 - automatic_queries._IN_FLIGHT


async def test_look_ups_in_a_second_are_limited(
    automatic: AutomaticQueries, mongo_commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = monotonic() + 100
    monkeypatch.setattr(automatic_queries, "monotonic", lambda: moment)
    most = automatic_queries._LOOK_UPS
    for one in hashes(most + 50):
        await automatic.text_of(one)
    assert mongo_commands == [FIND] * most
    monkeypatch.setattr(automatic_queries, "monotonic", lambda: moment + 1)
    await automatic.text_of(HASH)
    assert len(mongo_commands) == most + 1


async def test_hashes_that_are_known_to_be_missing_are_limited(
    automatic: AutomaticQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic_queries, "_MISSING", 10)
    for one in hashes(50):
        await automatic.text_of(one)
    assert list(automatic._missing) == hashes(50)[-10:]


async def test_a_missing_hash_is_known_once_it_is_registered(automatic: AutomaticQueries) -> None:
    assert await automatic.text_of(HASH) is None
    automatic.register(HASH, TEXT)
    assert await automatic.text_of(HASH) == TEXT


async def test_texts_in_memory_are_limited_in_number_and_size(automatic: AutomaticQueries) -> None:
    for n in range(automatic_queries._ENTRIES + 500):
        automatic.register(hash_of(str(n)), "x" * 5_000)
    assert len(automatic._texts) <= automatic_queries._ENTRIES
    assert automatic._texts.size <= automatic_queries._BYTES


async def test_texts_that_wait_to_be_stored_are_limited(
    automatic: AutomaticQueries, database: Database, mongo_commands: list[str]
) -> None:
    most = automatic_queries._WAITING
    for n in range(most + 50):
        automatic.register(hash_of(str(n)), str(n))
    await automatic.flush()
    assert mongo_commands == ["aggregate persistedOperations", "update persistedOperations"]
    assert (await size_of_texts(database))[0] == most
    assert automatic.counts == {"registered": most + 50, "not stored": 50}


@pytest.mark.parametrize(("limit", "value"), [("MOST_STORED", 2), ("MOST_STORED_BYTES", 200)])
async def test_a_full_collection_takes_no_more(
    automatic: AutomaticQueries, database: Database, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(automatic_queries, limit, value)
    monkeypatch.setattr(automatic_queries, "_SIZE_EVERY", 0)
    for n in range(5):
        automatic.register(hash_of(str(n)), str(n))
        await automatic.flush()
    assert (await size_of_texts(database))[0] == 2
    assert automatic.counts["not stored"] == 3
    await database["persistedOperations"].delete_many({})
    automatic.register(HASH, TEXT)
    await automatic.flush()
    assert await find_text(database, HASH) == TEXT


async def test_the_size_is_asked_for_every_ten_seconds(
    automatic: AutomaticQueries, mongo_commands: list[str]
) -> None:
    for n in range(5):
        automatic.register(hash_of(str(n)), str(n))
        await automatic.flush()
    assert mongo_commands == ["aggregate persistedOperations", *["update persistedOperations"] * 5]


async def test_a_surrogate_in_a_text_is_no_error(automatic: AutomaticQueries) -> None:
    text: Any = "\ud800"
    automatic.register(hash_of(text), text)
