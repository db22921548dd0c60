"""Automatic persisted queries: what is kept, and how many commands a flood of hashes can cause."""

import asyncio
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from app.persisted import automatic_queries, registration_quota
from app.persisted.automatic_queries import AutomaticQueries, hash_of
from app.persisted.registration_quota import LONGEST, RegistrationQuota
from loaders.mongo import Database, now
from loaders.persisted import AutomaticText, evict_texts, find_text, size_of_texts, store_texts

TEXT = "{ __typename }"
HASH = hash_of(TEXT)
FIND = "find persistedOperations"
ADDRESS = "192.0.2.1"
NOW = now()


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
    automatic.register(HASH, TEXT, ADDRESS)
    assert await automatic.text_of(HASH) == TEXT
    assert mongo_commands == []


async def test_other_processes_and_later_ones_find_it_with_one_command(
    automatic: AutomaticQueries, database: Database, mongo_commands: list[str]
) -> None:
    automatic.register(HASH, TEXT, ADDRESS)
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
        automatic.register(HASH, TEXT, ADDRESS)
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
    automatic.register(HASH, TEXT, ADDRESS)
    assert await automatic.text_of(HASH) == TEXT


async def test_texts_in_memory_are_limited_in_number_and_size(automatic: AutomaticQueries) -> None:
    for n in range(automatic_queries._ENTRIES + 500):
        automatic.register(hash_of(str(n)), "x" * 5_000, ADDRESS)
    assert len(automatic._texts) <= automatic_queries._ENTRIES
    assert automatic._texts.size <= automatic_queries._BYTES


async def test_texts_that_wait_to_be_stored_are_limited(
    automatic: AutomaticQueries, database: Database, mongo_commands: list[str]
) -> None:
    most = automatic_queries._WAITING
    for n in range(most + 50):
        automatic.register(hash_of(str(n)), str(n), ADDRESS)
    await automatic.flush()
    assert mongo_commands == ["aggregate persistedOperations", "update persistedOperations"]
    assert (await size_of_texts(database))[0] == most
    assert automatic.counts == {"registered": most + 50, "not stored": 50}


@pytest.mark.parametrize(("limit", "value"), [("MOST_STORED", 20), ("MOST_STORED_BYTES", 2_000)])
async def test_a_full_collection_loses_its_oldest_texts(
    automatic: AutomaticQueries, database: Database, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(automatic_queries, limit, value)
    monkeypatch.setattr(automatic_queries, "_SIZE_EVERY", 0)
    moments = iter(range(1_000))
    monkeypatch.setattr(automatic_queries, "now", lambda: NOW + timedelta(seconds=next(moments)))
    for one in hashes(100):
        automatic.register(one, one, ADDRESS)
        await automatic.flush()
    number, size = await size_of_texts(database)
    assert (
        number if limit == "MOST_STORED" else size - 200
    ) <= value  # it is measured before a text is stored
    assert automatic.counts["evicted"] == 100 - number
    assert automatic.counts["not stored"] == 0
    stored = [one for one in hashes(100) if await find_text(database, one) is not None]
    assert stored == hashes(100)[-number:]


async def test_a_text_that_is_registered_again_is_not_the_oldest(database: Database) -> None:
    for days, text in enumerate("abca"):
        await store(database, AutomaticText(text, text, now() + timedelta(days=1 + days)))
    assert await evict_texts(database, 2) == 2
    assert [one["_id"] async for one in database["persistedOperations"].find({})] == ["a"]


async def test_a_network_registers_a_limited_number_of_texts_in_an_hour(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    automatic = AutomaticQueries(lambda: database, 30, per_hour=3)

    async def registered(address: str) -> list[bool]:
        for one in hashes(10):
            automatic.register(one, one, address)
        return [await automatic.text_of(one) is not None for one in hashes(10)]

    assert await registered("2001:db8:0:1::1") == [True] * 3 + [False] * 7
    assert automatic.counts["not registered"] == 7
    assert await registered("2001:db8:0:2::1") == [True] * 3 + [False] * 7  # the same network
    assert await registered("2001:db8:1::1") == [True] * 6 + [False] * 4
    assert await registered("192.0.2.1") == [True] * 9 + [False]
    moment = monotonic() + 3_600
    monkeypatch.setattr(registration_quota, "monotonic", lambda: moment)
    assert await registered("2001:db8:0:1::1") == [True] * 10


@pytest.mark.parametrize(("length", "number"), [(LONGEST, 4), (LONGEST + 1, 2), (4 * LONGEST + 1, 0)])
def test_a_long_text_counts_as_several(length: int, number: int) -> None:
    quota = RegistrationQuota(4)
    assert [quota.take(ADDRESS, length) for _ in range(5)].count(True) == number


def test_without_a_limit_any_number_is_registered() -> None:
    quota = RegistrationQuota(0)
    assert all(quota.take(ADDRESS, 1) for _ in range(5_000))


def test_the_networks_that_are_counted_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_quota, "_MOST_SITES", 10)
    quota = RegistrationQuota(1)
    assert all(quota.take(f"192.0.2.{n}", 1) for n in range(50))
    assert len(quota._taken) == 10
    assert not quota.take("192.0.2.49", 1)


async def test_the_size_is_asked_for_every_ten_seconds(
    automatic: AutomaticQueries, mongo_commands: list[str]
) -> None:
    for n in range(5):
        automatic.register(hash_of(str(n)), str(n), ADDRESS)
        await automatic.flush()
    assert mongo_commands == ["aggregate persistedOperations", *["update persistedOperations"] * 5]


async def test_a_surrogate_in_a_text_is_no_error(automatic: AutomaticQueries) -> None:
    text: Any = "\ud800"
    automatic.register(hash_of(text), text, ADDRESS)


async def test_a_known_text_is_stored_again_after_a_while(
    automatic: AutomaticQueries, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client registers it again if another process hasn't found it, as after a failed write."""
    automatic.register(HASH, TEXT, ADDRESS)
    await automatic.flush()
    await evict_texts(database, 1)
    automatic.register(HASH, TEXT, ADDRESS)
    await automatic.flush()
    assert await find_text(database, HASH) is None
    monkeypatch.setattr(automatic_queries, "monotonic", lambda: monotonic() + 61)
    automatic.register(HASH, TEXT, ADDRESS)
    automatic.register(HASH, TEXT, ADDRESS)
    await automatic.flush()
    assert await find_text(database, HASH) == TEXT
    assert automatic.counts == {"registered": 1}
