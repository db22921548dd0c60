"""Migrations: batches with a stored position, by one process at a time; what others write is not lost."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from bson import ObjectId

import loaders.migrations
from app.database import connect
from app.settings import Settings
from loaders.collections import derived
from loaders.migrations import (
    MIGRATIONS,
    LeaseHeldError,
    LeaseLostError,
    Migration,
    MigrationError,
    Progress,
    Step,
    baseline,
    migrate,
    migrate_unattended,
    pending,
    records,
    runner,
    statuses,
)
from loaders.migrations.lease import Lease
from loaders.migrations.migration import each
from loaders.mongo import Database, Document, Fields
from tests import factories
from tests.factories import outdated, store

#: Documents by collection, and by their `_id`s as text.
Documents: TypeAlias = dict[str, dict[str, Document]]

_FOLDER = Path(loaders.migrations.__file__).parent


@pytest.fixture(autouse=True)
def only_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs only the first migration, which has several steps and batches."""
    for module in (runner, records):
        monkeypatch.setattr(module, "MIGRATIONS", MIGRATIONS[:1])


class StopError(Exception):
    """Stops a migration."""


def test_the_registry_has_every_module_in_the_order_of_their_numbers() -> None:
    names = sorted(path.stem for path in _FOLDER.glob("*.py") if re.match(r"m\d", path.stem))
    modules = [import_module(f"loaders.migrations.{name}") for name in names]
    assert [module.MIGRATION for module in modules] == list(MIGRATIONS)
    assert [migration.number for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    for name, migration in zip(names, MIGRATIONS, strict=True):
        assert re.fullmatch(rf"m{migration.number:04}_[a-z0-9_]+", name)
        assert 0 < len(migration.description) <= 80
        assert "\n" not in migration.description


@pytest.fixture
async def damaged(database: Database, only_the_first: None) -> Documents:
    """Stores courses and students with wrong keys, in several batches. Returns what they should become."""
    ids: list[Any] = [*(ObjectId() for _ in range(118)), "a", "b", 7, 1.5, {"a": 1}]
    courses = [factories.course(f"Learn Go {n}", _id=id_, codes=[f"GO-{n}"]) for n, id_ in enumerate(ids)]
    students = [factories.student(f"Zoë {n}") for n in range(510)]
    right = {"courses": courses, "students": students}
    for collection, documents in right.items():
        await database[collection].insert_many([outdated(collection, document) for document in documents])
    return {name: {str(d["_id"]): d for d in documents} for name, documents in right.items()}


async def stored(database: Database) -> Documents:
    return {
        name: {str(document["_id"]): document async for document in database[name].find()}
        for name in ("courses", "students")
    }


async def test_every_document_gets_its_derived_keys_and_nothing_else_changes(
    database: Database, damaged: Documents
) -> None:
    (record,) = await migrate(database, pace=0)
    assert await stored(database) == damaged
    assert (record["changed"], record["examined"]) == (633, 2 * 633)
    assert [status.state for status in await statuses(database)] == ["done"]
    entry = await database["auditLog"].find_one({})
    assert entry is not None
    assert (entry["action"], entry["actor"]["subject"]) == ("migrate up", "command line")


@pytest.mark.usefixtures("damaged")
async def test_a_second_run_sends_one_command_and_another_check_writes_nothing(
    database: Database, mongo_commands: list[str]
) -> None:
    await migrate(database, pace=0)
    mongo_commands.clear()
    assert await migrate(database, pace=0) == []
    assert mongo_commands == ["find migrations"]
    mongo_commands.clear()
    (record,) = await migrate(database, pace=0, again=True)
    assert (record["changed"], record["examined"]) == (633, 633)
    written = {command for command in mongo_commands if not command.startswith(("find", "count"))}
    assert not {"update courses", "update students"} & written
    assert mongo_commands.count("find courses") == 3
    assert mongo_commands.count("find students") == 2


def stop_after(batches: int) -> Callable[[Progress], None]:
    left = [batches]

    def report(_: Progress) -> None:
        left[0] -= 1
        if not left[0]:
            raise StopError

    return report


@pytest.mark.parametrize("batches", range(1, 13))
async def test_an_interrupted_migration_resumes_at_its_position(
    database: Database, damaged: Documents, mongo_commands: list[str], batches: int
) -> None:
    """Six batches a pass: one of categories, three of courses, two of students."""
    with pytest.raises(StopError):
        await migrate(database, pace=0, report=stop_after(batches))
    (status,) = await statuses(database)
    assert (status.state, status.holder) == ("running", None)
    assert [m.number for m in await pending(database)] == [1]
    mongo_commands.clear()
    (record,) = await migrate(database, pace=0)
    read = re.compile("find (categories|courses|students)")
    found = [command for command in mongo_commands if read.fullmatch(command)]
    one_pass = ["find categories", *["find courses"] * 3, *["find students"] * 2]
    assert found == (2 * one_pass)[batches:]
    assert record["examined"] == 2 * 633
    assert await stored(database) == damaged


async def test_what_others_write_behind_the_position_is_found_by_the_last_pass(
    database: Database, damaged: Documents
) -> None:
    """As gateways of an earlier version do: new documents, and changed ones, with keys by their rules."""
    late = factories.course("Late", _id=0)
    changed = next(iter(damaged["courses"]))
    written: list[asyncio.Task[None]] = []

    async def write_late() -> None:
        await database["courses"].insert_one(outdated("courses", late))
        await database["courses"].update_one(
            {"_id": ObjectId(changed)}, {"$set": {"title": "Changed", "sortTitle": "?"}}
        )

    def report(progress: Progress) -> None:
        if tuple(progress.record["position"][:2]) == (0, 2) and not written:
            written.append(asyncio.create_task(write_late()))

    await migrate(database, pace=0.1, report=report)
    await written[0]
    found = (await stored(database))["courses"]
    assert (found["0"], found[changed]["title"]) == (late, "Changed")
    assert all(derived("courses", course).items() <= course.items() for course in found.values())


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Step], Migration]:
    """Makes a migration of one step the only one."""

    def register(step: Step) -> Migration:
        migration = Migration(1, "one step", [step])
        for module in (runner, records):
            monkeypatch.setattr(module, "MIGRATIONS", [migration])
        return migration

    return register


async def test_a_document_that_others_change_meanwhile_is_computed_again(
    database: Database, registered: Callable[[Step], Migration]
) -> None:
    """Right before each of the first three writes, somebody changes the source."""
    await store(database, courses=[factories.course("A", summary=None), factories.course("B")])
    titles = iter("XYZ")

    async def shout(_: Database, documents: Sequence[Document]) -> list[Fields | None]:
        if title := next(titles, None):
            await database["courses"].update_one({"_id": documents[0]["_id"]}, {"$set": {"title": title}})
        return [{"loud": d["title"] + "!"} if d.get("loud") != d["title"] + "!" else {} for d in documents]

    registered(Step("courses", frozenset(("title",)), frozenset(("loud",)), shout, 50))
    (record,) = await migrate(database, pace=0)
    found = [(c["title"], c["loud"]) async for c in database["courses"].find(sort=[("_id", 1)])]
    assert found == [("Z", "Z!"), ("B", "B!")]
    assert record["changed"] == 2


async def test_documents_that_are_deleted_in_the_meantime_need_no_change(
    database: Database, registered: Callable[[Step], Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if they are deleted during the last attempt."""
    monkeypatch.setattr(runner, "_BACKOFF", 0)
    await store(database, courses=[factories.course(title="A", slug="a")])
    attempts = iter(range(1, 1_000))

    async def shout(_: Database, documents: Sequence[Document]) -> list[Fields | None]:
        attempt = next(attempts)
        await database["courses"].update_many({}, {"$set": {"title": f"A{attempt}"}})
        if attempt == runner._ATTEMPTS:
            await database["courses"].delete_many({})
        return [{"loud": "!"} for _ in documents]

    registered(Step("courses", frozenset(("title",)), frozenset(("loud",)), shout, 50))
    (record,) = await migrate(database, pace=0)
    assert record["changed"] == 0


async def test_a_document_that_can_not_be_changed_is_named(
    database: Database, registered: Callable[[Step], Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_BACKOFF", 0)
    first, second = factories.course(slug="a"), factories.course(slug="b")
    await store(database, courses=[first, second])
    slugs = each(lambda course: {} if course["slug"] == "a" else {"slug": "a"})
    registered(Step("courses", frozenset(("slug",)), frozenset(), slugs, 50))
    with pytest.raises(MigrationError, match=rf"^courses {second['_id']}: can't be changed, because "):
        await migrate(database, pace=0)
    # An index can't have two fields that are arrays.
    unindexable = each(lambda course: {"instructorIds": [1, 2], "status": ["A", "B"]})
    registered(Step("courses", frozenset(("slug",)), frozenset(), unindexable, 1))
    with pytest.raises(
        MigrationError, match=rf"^courses {first['_id']}: MongoDB rejected the document's new values: "
    ):
        await migrate(database, pace=0)


@pytest.mark.usefixtures("only_the_first")
async def test_documents_of_another_shape_are_left_alone_and_named(database: Database) -> None:
    wrong: list[Document] = [
        {"codes": 5}, {"title": None}, {"title": 5}, {"slug": 5}, {"oldSlugs": 5}, {"externalId": 5},
    ]  # fmt: skip
    odd = [{**factories.course(), "_id": n, **fields} for n, fields in enumerate(wrong)]
    odd.append({"_id": 6})
    good = factories.course("Good")
    await database["courses"].insert_many([*odd, outdated("courses", good)])
    for _ in range(2):
        (record,) = await migrate(database, pace=0, again=True)
        assert (record["changed"], record["unusual"]) == (1, 7)
        assert record["unusualIds"] == [0, 1, 2, 3, 4]
    found = await stored(database)
    assert [found["courses"][str(d["_id"])] for d in (*odd, good)] == [*odd, good]


# -- One process at a time


async def test_a_second_process_is_told_who_runs_the_migrations(
    database: Database,
    damaged: Documents,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loaders.migrations.lease._RENEWED", 0.2)
    async with connect(settings) as other:
        waited: list[Any] = []
        begun = asyncio.Event()
        first = asyncio.create_task(migrate(database, pace=20, report=lambda _: begun.set()))
        await begun.wait()
        with pytest.raises(LeaseHeldError) as raised:
            await migrate(other, pace=0, waiting=waited.append)
        assert waited == [raised.value.holder]
        assert re.fullmatch(r".+ \(process \d+\)", raised.value.holder.name)
        unattended = asyncio.create_task(migrate_unattended(other))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await unattended
    assert await stored(database) == damaged
    assert await database["migrations"].count_documents({"_id": "lease"}) == 0


async def test_a_lease_that_is_released_during_an_attempt_is_acquired(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Lease(database), Lease(database)
    await first.acquire(lambda _: None)

    class Releasing:
        """The second process's collection: the first process releases the lease before its first look-up."""

        update_one = staticmethod(second._collection.update_one)

        @staticmethod
        async def find_one(query: Document) -> Any:
            await first.release()
            return await database["migrations"].find_one(query)

    monkeypatch.setattr(second, "_collection", Releasing)
    await second.acquire(lambda _: None)
    stored_lease = await database["migrations"].find_one({"_id": "lease"})
    assert stored_lease is not None
    assert stored_lease["token"] == second.token


async def test_the_lease_of_a_dead_process_expires(
    database: Database, damaged: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.migrations.lease._LASTS", 1.5)
    await Lease(database).acquire(lambda _: None)  # which nobody renews
    began = asyncio.get_running_loop().time()
    waited: list[Any] = []
    await migrate(database, pace=0, waiting=waited.append)
    assert len(waited) == 1
    assert asyncio.get_running_loop().time() - began > 1
    assert await stored(database) == damaged


@pytest.mark.usefixtures("damaged")
async def test_a_process_that_lost_its_lease_moves_no_position(database: Database) -> None:
    """It was suspended for longer than the lease lasts; meanwhile another process has begun."""

    with pytest.raises(LeaseLostError):
        await migrate(database, pace=1, report=take_over_of(database))
    (status,) = await statuses(database)
    assert status.record is not None
    assert (status.record["token"], status.record["examined"]) == ("another's", 50)


def take_over_of(database: Database) -> Callable[[Progress], None]:
    tasks: list[asyncio.Task[Any]] = []

    def report(progress: Progress) -> None:
        if progress.record["examined"] == 50:
            update = {"$set": {"token": "another's"}}
            tasks.append(asyncio.ensure_future(database["migrations"].update_one({"_id": 1}, update)))

    return report


async def test_concurrent_processes_get_one_lease(database: Database) -> None:
    leases = [Lease(database) for _ in range(8)]
    for _ in range(5):
        await asyncio.gather(*(lease._attempt() for lease in leases))
        found = await database["migrations"].find_one({"_id": "lease"})
        assert found is not None
        (holder,) = [lease for lease in leases if lease.token == found["token"]]
        assert found["expiresAt"] - found["since"] == timedelta(seconds=15)
        await holder.release()


# -- New databases


async def test_a_new_database_needs_no_migration(database: Database) -> None:
    assert await pending(database) == list(MIGRATIONS[:1])
    await baseline(database)
    assert await pending(database) == []
    await database["courses"].insert_one(factories.course())
    assert await migrate(database) == []


@pytest.mark.parametrize("collection", ["courses", "students"])
async def test_a_database_with_documents_needs_them(database: Database, collection: str) -> None:
    await database[collection].insert_one({"_id": 1})
    await baseline(database)
    assert await pending(database) == list(MIGRATIONS[:1])
