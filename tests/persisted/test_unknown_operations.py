"""Unknown operations: stored in batches without their values, in a bounded number."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.observing import Client
from app.persisted import unknown_operations
from app.persisted.text_samples import sample_of
from app.persisted.unknown_operations import UnknownOperations
from loaders.mongo import Database
from loaders.persisted import LONGEST_SAMPLE, Sighting, add_sightings, recent_sightings, unknown_store

WEB = Client("web", "1")


@pytest.fixture
def unknown(database: Database) -> UnknownOperations:
    return UnknownOperations(lambda: database)


async def test_a_batch_takes_two_commands(unknown: UnknownOperations, mongo_commands: list[str]) -> None:
    for n in range(100):
        unknown.add(str(n), WEB, "text", f"{{ a{n} }}")
    assert mongo_commands == []
    await unknown.flush()
    assert mongo_commands == ["update unknownOperations", "count unknownOperations"]
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
    for n in range(3 * most):
        unknown.add(str(n), WEB, "text", "{ a }")
        assert len(unknown._seen) <= most
    await unknown.flush()
    found = [one.hash for one in await recent_sightings(database, most + 10)]
    assert most * 0.9 <= len(found) <= most
    assert str(3 * most - 1) in found


async def listed(database: Database) -> dict[tuple[str, str], int]:
    return {(one.client, one.hash): one.times for one in await recent_sightings(database, 20_000)}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes room for ten operations in memory, and for twenty in MongoDB."""
    monkeypatch.setattr(unknown_operations, "MOST_KEPT", 10)
    monkeypatch.setattr(unknown_store, "_MOST_UNKNOWN", 20)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("batch", [1, 5, 100])
@pytest.mark.parametrize("reason", ["text", "id"])
async def test_a_flood_of_one_client_leaves_what_others_sent(
    unknown: UnknownOperations, database: Database, reason: str, batch: int
) -> None:
    for sent in "abc":
        unknown.add(sent, Client("app", "1"), "text", "{ a }")
    unknown.add("d", WEB, "hash", "")  # the same client, in another way
    for n in range(200):
        unknown.add(str(n), WEB, reason, "{ a }")
        if n % batch == 0:
            await unknown.flush()
    await unknown.flush()
    found = await listed(database)
    assert len(found) <= 20
    assert found.items() >= {("app", "a"): 1, ("app", "b"): 1, ("app", "c"): 1, ("web", "d"): 1}.items()
    assert ("web", "199") in found


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", ["web", "{}"], ids=["one name", "invented names"])
@pytest.mark.parametrize("batch", [1, 100])
async def test_a_flood_leaves_what_is_sent_often(
    unknown: UnknownOperations, database: Database, name: str, batch: int
) -> None:
    for n in range(200):
        if n % 3 == 0:
            unknown.add("often", WEB, "text", "{ a }")
        unknown.add(str(n), Client(name.format(n)), "text", "{ a }")
        if n % batch == 0:
            await unknown.flush()
    await unknown.flush()
    found = await listed(database)
    assert len(found) <= 20
    assert found["web", "often"] == 67
    assert (name.format(199), "199") in found


async def test_the_list_takes_exactly_its_maximum(
    unknown: UnknownOperations, database: Database, monkeypatch: pytest.MonkeyPatch, mongo_commands: list[str]
) -> None:
    monkeypatch.setattr(unknown_store, "_MOST_UNKNOWN", 20)
    for n in range(20):
        unknown.add(str(n), WEB, "text", "{ a }")
    await unknown.flush()
    assert len(await listed(database)) == 20
    mongo_commands.clear()
    unknown.add("20", WEB, "text", "{ a }")
    await unknown.flush()
    own = [command for command in mongo_commands if "unknownOperations" in command]
    assert [command.split()[0] for command in own] == ["update", "count", "aggregate", "find", "delete"]
    assert len(await listed(database)) == 18


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ('{ a(b: "secret") c }', "{ a(…) c }"),
        (r'{ a(b: "x \" ) secret") c }', "{ a(…) c }"),
        ('{ a(b: """secret \\""" " ) secret""") c }', "{ a(…) c }"),
        ('{ a(b: "secret', "{ a(…"),
        ('{ a(b: """secret', "{ a(…"),
        ("{ a(b: -12.5e3, c: 7, d: SECRET) d1 }", "{ a(…) d1 }"),
        ("{ a # secret\n b }", "{ a b }"),
        ("# secret\nquery A { b }", "query A { b }"),
        ("{ a\x00 }", "{ a"),
        ("{ a\n\tb }", "{ a b }"),
        (
            "query A($a: [Int!] = [5] @d(x: {y: 1})) @e { b: c(f: {g: $a}) { ...F ... on T { d } } }"
            " fragment F on T { e }",
            "query A(…) @e { b: c(…) { ...F ... on T { d } } } fragment F on T { e }",
        ),
        # of values that a client has not quoted
        ('query A { a(b: "by "Jane Doe" (Elm Street)") { c } }', "query A { a(…) { c } }"),
        ('query A { a(b: "line\n) Jane Doe") { c } }', "query A { a(…"),
        ("query A { a(b: 'jane@example.org') { c } }", "query A { a(…) { c } }"),
        ("query A { a(b: jane@example.org) { c } }", "query A { a(…) { c } }"),
        ("query A { a(b: {c: ) Jane Doe}) { c } }", "query A { a(…"),
        ("query A { a(b: hello :) Jane Doe) { c } }", "query A { a(…"),
        ('query A { a(b: "x\\"\n) Jane Doe") { c } }', "query A { a(…"),
        ("query A { a { b(c: 1) d(e: :) Jane) { f } } }", "query A { a { b(…) d(…"),
        ("query A # c\n, { a }", "query A , { a }"),
        ("{ a jane@example.org }", "{ a jane@example"),
        ("Jane Doe", ""),
        ("query about Jane Doe", ""),
        ("", ""),
    ],
)
def test_a_sample_has_no_values(text: str, sample: str) -> None:
    assert sample_of(text) == sample


@given(st.text(alphabet='{}()"\\# \n-1ax', max_size=60))
def test_no_text_makes_a_sample_longer_or_fail(text: str) -> None:
    assert len(sample_of(text)) <= len(text) + text.count("(")


def test_a_sample_is_bounded() -> None:
    assert len(sample_of("{" + "a" * 10**6)) == LONGEST_SAMPLE
    assert len(sample_of("{" * 10**6)) == LONGEST_SAMPLE
    assert sample_of('"' * 10**6) == ""


_BROKEN = st.text(alphabet="\"\n '(){}[],a1$@.:#\\", max_size=8)


@given(_BROKEN, _BROKEN)
def test_no_value_gets_into_a_sample_even_if_it_is_not_quoted(before: str, after: str) -> None:
    """Unless it has a pair of brackets that ends the argument and begins another."""
    text = f'query A {{ a(b: {{c: "{before}Jane{after}"}}) {{ d }} }}'
    assert "Jane" not in sample_of(text) or (")" in before and ("(" in after or "#" in after)), text


async def test_a_batch_that_is_being_stored_when_the_gateway_stops_is_not_lost(
    unknown: UnknownOperations, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(database: Database, sightings: Sequence[Sighting]) -> None:
        begun.set()
        await go_on.wait()
        await add_sightings(database, sightings)

    monkeypatch.setattr(unknown_operations, "_EVERY", 0.0)
    monkeypatch.setattr(unknown_operations, "add_sightings", slowly)
    unknown.add("a", WEB, "text", "{ a }")
    writing = asyncio.create_task(unknown.write())
    await begun.wait()
    writing.cancel()
    stopping = asyncio.create_task(unknown.flush())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert [one.hash for one in await recent_sightings(database, 10)] == ["a"]
