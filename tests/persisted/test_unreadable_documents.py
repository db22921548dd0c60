"""Documents of another shape, and unexpected failures: the gateway serves what it can, and goes on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from structlog.testing import capture_logs

from app import background
from app.persisted import (
    TrustedOperations,
    automatic_queries,
    hash_of,
    trusted_operations,
    unknown_operations,
)
from loaders.mongo import Database
from loaders.persisted import (
    NewOperation,
    StoredTool,
    UnreadableError,
    VersionKey,
    find_text,
    push,
    recent_sightings,
    remove,
    versions,
)
from tests.persisted.conftest import WEB, Start, trust
from tests.persisted.test_commands import Run, run
from tests.persisted.test_over_http import TRUSTED, by_hash, code, known, until

__all__ = ["run"]

AT = datetime(2026, 1, 1, tzinfo=UTC)
OPERATION = {"_id": "x", "text": "{ __typename }", "name": "", "price": 1, "bytes": 14, "addedAt": AT}
VERSION = {"_id": {"client": "app", "version": "9"}, "ids": ["b"], "pushedAt": AT, "tools": []}
TOOL = {"name": "other", "operation": "b", "description": "", "variables": {}}


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {own: value for own, value in document.items() if own != name}


@pytest.mark.parametrize(
    ("collection", "document"),
    [
        *(("trustedOperations", without(OPERATION, name)) for name in ("text", "name", "price")),
        ("trustedOperations", OPERATION | {"text": 5}),
        ("trustedOperations", OPERATION | {"_id": 7}),
        ("trustedOperations", OPERATION | {"_id": {"a": ObjectId()}, "price": "1"}),
        *(("trustedVersions", without(VERSION, name)) for name in ("ids", "pushedAt")),
        ("trustedVersions", VERSION | {"_id": "app 9"}),
        ("trustedVersions", VERSION | {"_id": {"client": 1, "version": None}}),
        ("trustedVersions", VERSION | {"ids": "b"}),
        ("trustedVersions", VERSION | {"ids": [1]}),
        ("trustedVersions", VERSION | {"pushedAt": "2026"}),
    ],
)
async def test_a_document_that_cant_be_read_is_skipped_and_logged_once(
    database: Database, collection: str, document: dict[str, Any]
) -> None:
    await trust(database, {"b": TRUSTED})
    await database[collection].insert_one(document)
    operations = TrustedOperations(lambda: database, 10, 1_000)
    with capture_logs() as logged:
        for _ in range(3):
            await operations.refresh()
    assert operations.is_loaded
    assert operations.text_of("b") == TRUSTED
    assert len(operations) == 1
    (line,) = [line for line in logged if line["log_level"] == "error"]
    assert line["documents"] == [f"{collection} {document['_id']!r}"]


@pytest.mark.parametrize(
    ("tools", "readable"),
    [
        ([TOOL | {"added": "later"}], ["other"]),
        ([without(TOOL, "variables"), TOOL], ["other"]),
        ([TOOL | {"variables": {"a": 1}}, 5, "x", None], []),
        ("x", []),
        (None, []),
    ],
)
async def test_unknown_fields_are_ignored_and_other_tools_are_left_out(
    database: Database, tools: Any, readable: list[str]
) -> None:
    await trust(database, {"b": TRUSTED}, tools=[StoredTool("mine", "b", "", {})])
    await database["trustedVersions"].insert_one(VERSION | {"tools": tools, "later": 1, "usedAt": "never"})
    operations = TrustedOperations(lambda: database, 10, 1_000)
    await operations.refresh()
    assert [tool.name for tool in operations.tools] == [*readable, "mine"]


async def test_a_push_and_a_removal_name_the_document_that_cant_be_read(database: Database, run: Run) -> None:
    await trust(database, {"b": TRUSTED})
    await database["trustedVersions"].insert_one(without(VERSION, "ids"))
    await database["trustedOperations"].insert_one(without(OPERATION, "text"))
    assert [version.key for version in await versions(database)] == [WEB]
    with pytest.raises(UnreadableError, match=r"trustedVersions \{'client': 'app'"):
        await trust(database, {"c": TRUSTED}, VersionKey("app", "9"))
    done = run("remove", "--client", "web", "--version", "1")
    assert done.returncode == 1
    assert done.stderr == (
        "Nothing was changed, because this version of Lectern can't read trustedVersions {'client': 'app', "
        "'version': '9'}. Use the version that wrote it, or delete it."
    )
    listed = run("list", "--json")
    assert "trustedOperations 'x' can't be read, and is left out." in listed.stderr
    assert [one["id"] for one in json.loads(listed.stdout)] == ["b"]
    await database["trustedVersions"].delete_one({"_id": VERSION["_id"]})
    assert len((await remove(database, lambda one: one.key == WEB))[0]) == 1


async def test_a_push_next_to_documents_that_cant_be_read(database: Database) -> None:
    await database["trustedVersions"].insert_one(VERSION | {"tools": [without(TOOL, "variables"), "x"]})
    new, tool = [NewOperation("b", TRUSTED, "B", 1)], StoredTool("other", "b", "", {})
    pushed = await push(database, WEB, new, most=10, most_bytes=1_000, tools=[tool])
    assert pushed.is_changed  # nobody else offers a tool of this name


async def test_other_lists_skip_what_they_cant_read(database: Database) -> None:
    await database["persistedOperations"].insert_one(
        {"_id": hash_of("x"), "text": 5, "expiresAt": AT.replace(year=2100)}
    )
    assert await find_text(database, hash_of("x")) is None
    for document in ({"_id": "x"}, {"_id": {"hash": "a"}, "lastSeen": "never"}):
        await database["unknownOperations"].insert_one(document)
    assert await recent_sightings(database, 10) == []


async def test_a_gateway_survives_what_nobody_expects(
    start: Start, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its followers fails, and does its work later."""
    failing, failed = False, set[str]()

    def fails(name: str, original: Any) -> Any:
        async def call(*arguments: Any) -> Any:
            if failing:
                failed.add(name)
                raise RuntimeError("unexpected")
            return await original(*arguments)

        return call

    monkeypatch.setattr(background, "_PAUSE", 0.05)
    monkeypatch.setattr(unknown_operations, "_EVERY", 0.05)
    monkeypatch.setattr(automatic_queries, "_WRITE_EVERY", 0.05)
    monkeypatch.setattr(trusted_operations, "_WRITE_EVERY", 0.05)
    calls = {
        "add_sightings": unknown_operations,
        "store_texts": automatic_queries,
        "mark_used": trusted_operations,
        "current_revision": trusted_operations,
    }
    for name, module in calls.items():
        monkeypatch.setattr(module, name, fails(name, getattr(module, name)))
    await trust(database, {"b": TRUSTED})
    url, other = start(operations="trusted", operations_report=True), start()

    async def ask_all(name: str) -> None:
        text = f"query {name} {{ __typename }}"
        assert await code(url, by_hash(text, query=text)) == "OK"
        assert await code(url, {"id": "b"}) == "OK"

    async def have_all_failed() -> bool:
        await ask_all(f"A{len(failed)}")
        return failed == set(calls)

    async def all_was_done() -> bool:
        listed = {one.hash for one in await recent_sightings(database, 1_000)}
        is_stored = await known(other, "query Later { __typename }")
        is_marked = any(one.used_at for one in await versions(database))
        is_loaded = await code(url, {"id": "c"}) == "OK"
        return hash_of("query Later { __typename }") in listed and is_stored and is_marked and is_loaded

    failing = True
    await until(have_all_failed)
    failing = False
    await trust(database, {"c": "{ __typename }"})
    await ask_all("Later")
    await until(all_was_done)
