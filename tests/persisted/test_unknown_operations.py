"""Unknown operations: stored in batches without their values, in a bounded number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observing import Client
from app.persisted import unknown_operations
from app.persisted.text_samples import sample_of
from app.persisted.unknown_operations import UnknownOperations
from loaders.mongo import Database
from loaders.persisted import LONGEST_SAMPLE, recent_sightings, unknown_store

WEB = Client("web", "1")


@pytest.fixture
def unknown(database: Database) -> UnknownOperations:
    return UnknownOperations(lambda: database)


async def test_a_batch_takes_two_commands(unknown: UnknownOperations, mongo_commands: list[str]) -> None:
    for n in range(100):
        unknown.add(str(n), WEB, "text", f"{{ a{n} }}")
    assert mongo_commands == []
    await unknown.flush()
    assert mongo_commands == ["count unknownOperations", "update unknownOperations"]
    await unknown.flush()
    assert len(mongo_commands) == 2


async def test_counts_add_up_by_client_and_version(unknown: UnknownOperations, database: Database) -> None:
    for client in (WEB, WEB, Client("web", "2"), Client()):
        unknown.add("a", client, "text", "{ a }")
    await unknown.flush()
    unknown.add("a", WEB, "text", "{ a }")
    await unknown.flush()
    found = {(one.client, one.version): one.times for one in await recent_sightings(database, 10)}
    assert found == {("web", "1"): 3, ("web", "2"): 1, ("", ""): 1}


async def test_the_text_is_kept_if_only_its_hash_comes_later(
    unknown: UnknownOperations, database: Database
) -> None:
    for text in ("", "{ a }", ""):
        unknown.add("a", WEB, "hash", text)
        await unknown.flush()
    (found,) = await recent_sightings(database, 10)
    assert (found.sample, found.times) == ("{ a }", 3)


async def test_a_flood_of_texts_is_bounded_in_memory(unknown: UnknownOperations, database: Database) -> None:
    most = unknown_operations.MOST_KEPT
    for n in range(most + 1):
        unknown.add(str(n), WEB, "text", "{ a }")
    unknown.add("0", WEB, "text", "{ a }")
    await unknown.flush()
    found = {one.hash: one.times for one in await recent_sightings(database, most + 10)}
    assert len(found) == most
    assert found["0"] == 2


async def test_a_full_collection_only_counts_what_it_has(
    unknown: UnknownOperations, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown_store, "MOST_UNKNOWN", 2)
    for sent in ("a", "b", "a", "c"):
        unknown.add(sent, WEB, "text", "{ a }")
        await unknown.flush()
    assert {one.hash: one.times for one in await recent_sightings(database, 10)} == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ('{ a(b: "secret") }', '{ a(b: "") }'),
        (r'{ a(b: "x \" secret") c }', '{ a(b: "") c }'),
        ('{ a(b: """secret \\""" " secret""") c }', '{ a(b: "") c }'),
        ('{ a(b: "secret', '{ a(b: ""'),
        ('{ a(b: """secret', '{ a(b: ""'),
        ("{ a(b: -12.5e3, c: 7) d1 }", "{ a(b: 0, c: 0) d1 }"),
        ("{ a # secret\n b }", "{ a b }"),
        ("{ a\x00\n\tb }", "{ a b }"),
        ("query($a1: Int = 5) { a2: b }", "query($a1: Int = 0) { a2: b }"),
    ],
)
def test_a_sample_has_no_values(text: str, sample: str) -> None:
    assert sample_of(text) == sample


@given(st.text(alphabet='{}()"\\# \n-1ax', max_size=60))
def test_no_text_makes_a_sample_longer_or_fail(text: str) -> None:
    assert len(sample_of(text)) <= len(text) + 2 * text.count('"') + 2


def test_a_sample_is_bounded() -> None:
    assert len(sample_of("a" * 10**6)) == LONGEST_SAMPLE
    assert len(sample_of('"' * 10**6)) <= LONGEST_SAMPLE


@given(st.text(max_size=30))
def test_a_string_never_gets_into_a_sample(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    assert sample_of(f'{{ a(b: "{escaped}") }}') == '{ a(b: "") }'
