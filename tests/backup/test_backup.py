"""`write_backup` and `restore_backup`: nothing is lost, memory is bounded, what is damaged is refused."""

import asyncio
import gzip
import json
import os
import re
import stat
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
    decode_all,
    encode,
)

from loaders import indexes
from loaders.backup import BackupError, SnapshotError, restore_backup, write_backup
from loaders.backup.snapshot import Snapshot, open_snapshot
from loaders.collections import COLLECTIONS
from loaders.mongo import Database
from tests import factories
from tests.backup.conftest import Pair
from tests.backup.contents import all_indexes, documents
from tests.factories import store

VERSION = "0.2.0"

#: A value of each type of BSON, and values that JSON or Python would change.
VALUES = [
    1.5, float("nan"), float("-inf"), -0.0, 5.0, "é\0", {"b": 1, "a": {}}, [1, [2]], Binary(b"\0\xff", 0),
    Binary(b"0123456789abcdef", 4), Binary(b"x", 128), ObjectId(), True, datetime(2026, 1, 1, tzinfo=UTC),
    DatetimeMS(2**62), DatetimeMS(-(2**62)), None, Regex("^a", "im"), DBRef("courses", 1), Code("f()"),
    Code("f()", {"a": 1}), 7, Int64(7), Timestamp(5, 6), Decimal128("1.10"), Decimal128("NaN"), MinKey(),
    MaxKey(), {"$date": "not one"}, {"": ""},
]  # fmt: skip


class StopError(Exception):
    """Stops a backup or a restore."""


def stop_at(collection: str) -> Callable[[str], None]:
    def stop(name: str) -> None:
        if name == collection:
            raise StopError

    return stop


async def small(database: Database) -> None:
    course = factories.course()
    await store(
        database, courses=[course], students=[factories.student() for _ in range(2_500)],
        reviews=[factories.review(course)],
    )  # fmt: skip
    await indexes.ensure(database)


async def test_every_type_of_value_comes_back_byte_for_byte(databases: Pair, tmp_path: Path) -> None:
    ids = [1, 1.5, "1", {"a": 1}, None, ObjectId(), Int64(2**40), *range(100, 200)]
    every = [{"_id": n, "value": value} for n, value in zip(ids, [*VALUES, *VALUES * 3], strict=False)]
    for name, row in COLLECTIONS.items():
        if row.backed_up:
            await databases.source[name].insert_many(every)
    before = await documents(databases.source)
    assert sorted(map(len, before["courses"])) == sorted(len(encode(document)) for document in every)
    manifest = await write_backup(databases.source, tmp_path / "b", VERSION)
    assert {contents.documents for contents in manifest.collections.values()} == {len(every)}
    await restore_backup(databases.target, tmp_path / "b", VERSION)
    assert await documents(databases.target) == before


async def test_sessions_and_login_attempts_are_left_out(databases: Pair, tmp_path: Path) -> None:
    for name in COLLECTIONS:
        await databases.source[name].insert_one({"_id": 1})
    await write_backup(databases.source, tmp_path / "b", VERSION)
    await restore_backup(databases.target, tmp_path / "b", VERSION)
    left_out = COLLECTIONS.keys() - (await documents(databases.target)).keys()
    temporary = {
        "sessions",
        "accountTokens",
        "attempts",
        "budgets",
        "persistedOperations",
        "unknownOperations",
    }
    assert left_out == temporary | {"restores", "outbox", "devMail"}


async def test_only_the_owner_can_read_the_files(databases: Pair, tmp_path: Path) -> None:
    await small(databases.source)
    await write_backup(databases.source, tmp_path / "b", VERSION)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "b").iterdir()} == {0o600}


async def test_a_backup_is_complete_or_does_not_exist(databases: Pair, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def stop(name: str) -> None:
        seen.append([path.name for path in tmp_path.iterdir()])
        if name == "reviews":
            raise StopError

    with pytest.raises(StopError):
        await write_backup(databases.source, tmp_path / "b", VERSION, stop)
    assert all(re.fullmatch(r"b\.part-\w+", name) for (name,) in seen)
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_memory_is_bounded_by_a_batch(databases: Pair, tmp_path: Path) -> None:
    size, count = 1_000_000, 240
    for n in range(count):
        await databases.source["auditLog"].insert_one({"_id": n, "text": str(n % 10) * size})
    tracemalloc.start()
    try:
        await write_backup(databases.source, tmp_path / "b", VERSION)
        _, writing = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        await restore_backup(databases.target, tmp_path / "b", VERSION)
        _, restoring = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert await databases.target["auditLog"].count_documents({}) == count
    assert max(writing, restoring) < size * count / 2


async def test_a_snapshot_that_mongodb_no_longer_keeps_says_so(database: Database) -> None:
    """The shared mongod keeps snapshots for 5 seconds."""
    await database["students"].insert_one(factories.student())
    async with open_snapshot(database) as snapshot:
        assert [batch async for batch in snapshot.batches("students")] != []
        with pytest.raises(SnapshotError, match="minSnapshotHistoryWindowInSeconds"):
            await read_until_it_fails(database, snapshot)


async def read_until_it_fails(database: Database, snapshot: Snapshot) -> None:
    """Reads the students again and again. The snapshot always has one, while more are written."""
    for _ in range(120):
        await database["students"].insert_one(factories.student())
        await asyncio.sleep(0.5)
        (batch,) = [batch async for batch in snapshot.batches("students")]
        assert len(decode_all(batch)) == 1


@pytest.mark.parametrize("collection", ["categories", "students", "reviews", "migrations"])
async def test_an_interrupted_restore_is_completed_by_the_same_command(
    databases: Pair, tmp_path: Path, collection: str
) -> None:
    await small(databases.source)
    await write_backup(databases.source, tmp_path / "b", VERSION)
    await write_backup(databases.source, tmp_path / "another", VERSION)
    with pytest.raises(StopError):
        await restore_backup(databases.target, tmp_path / "b", VERSION, stop_at(collection))
    with pytest.raises(BackupError, match=r"The restore of another backup .* was interrupted"):
        await restore_backup(databases.target, tmp_path / "another", VERSION)
    # A batch of which MongoDB has written only some documents:
    if half := await databases.source[collection].find().to_list(1_700):
        await databases.target[collection].insert_many(half)
    await restore_backup(databases.target, tmp_path / "b", VERSION)
    assert await documents(databases.target) == await documents(databases.source)
    assert await all_indexes(databases.target) == await all_indexes(databases.source)
    assert "restores" not in await databases.target.driver.list_collection_names()


@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_a_database_with_any_document_is_refused(
    databases: Pair, tmp_path: Path, collection: str
) -> None:
    await write_backup(databases.source, tmp_path / "b", VERSION)
    await databases.target[collection].insert_one({"_id": 1})
    with pytest.raises(BackupError, match=rf"^The database \w+ isn't empty: it has {collection}\. Restore"):
        await restore_backup(databases.target, tmp_path / "b", VERSION)
    assert list(await documents(databases.target)) == [collection]


async def test_what_others_write_during_a_restore_is_noticed(databases: Pair, tmp_path: Path) -> None:
    await small(databases.source)
    await write_backup(databases.source, tmp_path / "b", VERSION)
    with pytest.raises(StopError):
        await restore_backup(databases.target, tmp_path / "b", VERSION, stop_at("reviews"))
    await databases.target["courses"].insert_one(factories.course())
    with pytest.raises(BackupError, match=r"^courses has 2 documents, but the backup has 1\. Something else"):
        await restore_backup(databases.target, tmp_path / "b", VERSION)


def truncate(backup: Path) -> None:
    file = backup / "students.bson.gz"
    file.write_bytes(file.read_bytes()[:-100])


def flip_a_bit(backup: Path) -> None:
    file = backup / "students.bson.gz"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def delete(backup: Path) -> None:
    (backup / "votes.bson.gz").unlink()


def exchange(backup: Path) -> None:
    (backup / "students.bson.gz").replace(backup / "courses.bson.gz")


def change(**values: Any) -> Callable[[Path], None]:
    def changed(backup: Path) -> None:
        manifest = json.loads((backup / "manifest.json").read_text())
        (backup / "manifest.json").write_text(json.dumps(manifest | values))

    return changed


def replace(name: str, text: str) -> Callable[[Path], None]:
    def replaced(backup: Path) -> None:
        (backup / name).write_text(text)

    return replaced


def empty(backup: Path) -> None:
    for path in backup.iterdir():
        path.unlink()


def remove(backup: Path) -> None:
    empty(backup)
    backup.rmdir()


DAMAGE = [
    (truncate, r"students\.bson\.gz is damaged: its checksum isn't the one in the manifest\. Nothing was"),
    (flip_a_bit, r"students\.bson\.gz is damaged: "),
    (exchange, r"courses\.bson\.gz is damaged: "),
    (delete, r"votes\.bson\.gz is missing\. Nothing was restored\."),
    (empty, r"b isn't a backup: it has no manifest\.json\. `lectern restore` needs a directory that"),
    (remove, r"b does not exist\."),
    (replace("manifest.json", '{"format": 1, "lec'), r"manifest\.json is damaged, or is not the manifest of"),
    (replace("manifest.json", '{"name": "an app"}'), r"manifest\.json is damaged, or is not the manifest"),
    (replace("manifest.json", "[1]"), r"manifest\.json is damaged, or is not the manifest"),
    (change(collections=5), r"manifest\.json is damaged, or is not the manifest"),
    (change(collections={}), r"manifest\.json is damaged, or is not the manifest"),
    (change(begun="2026-11-28T01:02:03"), r"manifest\.json is damaged, or is not the manifest"),
    (change(lectern=f"{'9' * 5_000}.0.0"), r"manifest\.json is damaged, or is not the manifest"),
    (change(lectern="later"), r"manifest\.json is damaged, or is not the manifest"),
    (change(format=2), r"b is a backup in format 2, but this version of Lectern reads only format 1\."),
    (
        change(lectern="0.10.0"),
        r"b was written by Lectern 0\.10\.0\. Restore it with that version or a later",
    ),
    (
        change(collections={"halls": {"documents": 0, "sha256": ""}}),
        r"b has collections that Lectern 0\.2\.0",
    ),
    (change(collections={"../courses": {"documents": 0, "sha256": ""}}), r"b has collections that Lectern"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE)
async def test_a_damaged_or_foreign_backup_is_refused_before_anything_is_written(
    databases: Pair, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    await small(databases.source)
    await write_backup(databases.source, tmp_path / "b", VERSION)
    damage(tmp_path / "b")
    with pytest.raises(BackupError, match=message) as refused:
        await restore_backup(databases.target, tmp_path / "b", VERSION)
    assert "\n" not in str(refused.value)
    assert await databases.target.driver.list_collection_names() == []


async def test_an_earlier_versions_backup_is_restored(databases: Pair, tmp_path: Path) -> None:
    await small(databases.source)
    await write_backup(databases.source, tmp_path / "b", VERSION)
    await restore_backup(databases.target, tmp_path / "b", "0.2.1")
    assert await documents(databases.target) == await documents(databases.source)


@pytest.mark.parametrize("text", [b"", b"\x10\0\0\0", b"\xff\xff\xff\x7f12345", b"plain"])
async def test_a_file_that_is_not_bson_is_refused(databases: Pair, tmp_path: Path, text: bytes) -> None:
    """Only a manifest that was changed too gets so far."""
    await write_backup(databases.source, tmp_path / "b", VERSION)
    file = tmp_path / "b" / "courses.bson.gz"
    file.write_bytes(text if text == b"plain" else gzip.compress(text))
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    manifest["collections"]["courses"] = {"documents": 1, "sha256": sha256(file.read_bytes()).hexdigest()}
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match=r"courses\.bson\.gz can't be read|courses has 0 documents"):
        await restore_backup(databases.target, tmp_path / "b", VERSION)


async def test_duplicates_that_the_database_had_come_back(databases: Pair, tmp_path: Path) -> None:
    """Indexes are created last, so that a unique one doesn't keep documents out."""
    twice = [factories.course(slug="same") for _ in range(2)]
    await databases.source["courses"].insert_many(twice)
    await write_backup(databases.source, tmp_path / "b", VERSION)
    restored = await restore_backup(databases.target, tmp_path / "b", VERSION)
    assert await documents(databases.target) == await documents(databases.source)
    assert any(str(problem).startswith("courses.slug_1") for problem in restored.problems)
