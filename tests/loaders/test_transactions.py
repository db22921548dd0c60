"""Transactions: they are atomic, retried after transient errors, and see their own writes."""

from asyncio import Event, create_task, gather
from datetime import UTC, datetime
from time import monotonic

import pytest
from bson import ObjectId
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from loaders.mongo import Change, Document, Scope, current_scope, find, take_time
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction

A, B = ObjectId(), ObjectId()
#: A collection with another unique index than that of `_id`.
UNIQUE = "accounts"


async def stored(database: Database, collection: str = "things") -> list[Document]:
    """All documents of a collection."""
    return [document async for document in database[collection].find(sort=[("_id", 1)])]


async def test_all_writes_of_a_transaction_are_kept(database: Database) -> None:
    async def work(tx: Transaction) -> str:
        made = await tx.insert("things", {"_id": A, "n": 1})
        await tx.patch("things", made, n=2)
        await tx.insert("things", {"_id": B})
        return "done"

    assert await transaction(database, work) == "done"
    assert await stored(database) == [{"_id": A, "n": 2}, {"_id": B}]


@pytest.mark.parametrize("error", [ValueError, OperationFailure, KeyboardInterrupt])
async def test_nothing_of_a_failed_transaction_is_kept(
    database: Database, error: type[BaseException]
) -> None:
    attempts: list[Transaction] = []

    async def work(tx: Transaction) -> None:
        attempts.append(tx)
        await tx.insert("things", {"_id": A})
        raise error("no")

    with pytest.raises(error):
        await transaction(database, work)
    assert await stored(database) == []
    assert len(attempts) == 1


@pytest.mark.parametrize("failures", [1, 4])
async def test_a_transient_failure_is_retried(database: Database, failures: int) -> None:
    attempts: list[Transaction] = []

    async def work(tx: Transaction) -> None:
        attempts.append(tx)
        assert tx.changes == []
        await tx.insert("things", {"_id": A})
        if len(attempts) <= failures:
            raise PyMongoError("again", error_labels=["TransientTransactionError"])

    await transaction(database, work)
    assert len(attempts) == len({id(tx) for tx in attempts}) == failures + 1
    assert await stored(database) == [{"_id": A}]


async def test_transactions_that_read_and_write_one_document_are_serialised(database: Database) -> None:
    await database["things"].insert_one({"_id": A, "n": 0})

    async def work(tx: Transaction) -> None:
        thing = await tx.get("things", A)
        await tx.patch("things", thing, n=thing["n"] + 1)

    await gather(*(transaction(database, work) for _ in range(20)))
    assert await stored(database) == [{"_id": A, "n": 20}]


@pytest.mark.parametrize("key", [{"_id": A}, {"email": "a@b.c"}])
async def test_of_two_that_insert_the_same_key_the_second_finds_it(database: Database, key: Document) -> None:
    """Both look for the key before either inserts it. The second has a write conflict and is retried; it
    never gets a duplicate key error, which would not be retried.
    """
    ready, found = [Event(), Event()], []

    async def add(n: int) -> None:
        async def work(tx: Transaction) -> None:
            if await tx.find_one(UNIQUE, key):
                found.append(n)
                return
            ready[n].set()
            await gather(*(event.wait() for event in ready))
            await tx.insert(UNIQUE, {"email": f"{n}", **key})

        await transaction(database, work)

    await gather(add(0), add(1))
    assert len(found) == 1
    assert await database[UNIQUE].count_documents({}) == 1


@pytest.mark.parametrize("key", [{"_id": A}, {"email": "a@b.c"}])
async def test_a_key_inserted_after_a_transaction_s_snapshot_is_a_write_conflict(
    database: Database, key: Document
) -> None:
    attempts: list[Document | None] = []

    async def work(tx: Transaction) -> None:
        attempts.append(await tx.find_one(UNIQUE, key))
        if len(attempts) == 1:
            await database[UNIQUE].insert_one({"email": "other", **key})
        if attempts[-1] is None:
            await tx.insert(UNIQUE, {"email": "own", **key})

    await transaction(database, work)
    assert [bool(attempt) for attempt in attempts] == [False, True]


async def test_an_insert_without_a_look_up_raises_a_duplicate_key_error(database: Database) -> None:
    await database["things"].insert_one({"_id": A})
    with pytest.raises(DuplicateKeyError):
        await transaction(database, lambda tx: tx.insert("things", {"_id": A}))


async def test_of_two_that_put_the_same_key_at_once_one_document_remains(database: Database) -> None:
    ready = [Event(), Event()]

    async def put(n: int) -> None:
        async def work(tx: Transaction) -> None:
            await tx.find_one("things", {})
            ready[n].set()
            await gather(*(event.wait() for event in ready))
            await tx.put("things", {"_id": {"viewer": "v", "key": "k"}, "n": n})

        await transaction(database, work)

    await gather(put(0), put(1))
    assert len(await stored(database)) == 1


async def test_of_two_that_hold_a_document_one_is_retried(database: Database) -> None:
    """Even if neither changes a value."""
    await database["things"].insert_one({"_id": A, "sum": 0})
    ready, attempts = [Event(), Event()], []

    async def count(n: int) -> None:
        async def work(tx: Transaction) -> None:
            attempts.append(n)
            parts = await tx.find("parts", {}, size=10)
            ready[n].set()
            await gather(*(event.wait() for event in ready))
            await tx.insert("parts", {"n": 0})
            await tx.hold("things", A, sum=sum(part["n"] for part in parts), parts=len(parts) + 1)

        await transaction(database, work)

    await gather(count(0), count(1))
    assert len(attempts) == 3
    (thing,) = await stored(database)
    assert (thing["parts"], thing["revision"]) == (2, 2)


async def test_a_read_document_shows_the_transaction_s_own_writes(
    database: Database, mongo_commands: list[str]
) -> None:
    vote = {"_id": {"reviewId": A, "studentId": B}}
    await database["things"].insert_many([{"_id": A, "n": 1}, {"_id": B, "n": 1}])
    mongo_commands.clear()

    async def work(tx: Transaction) -> None:
        thing = await tx.get("things", A)
        assert await tx.get("things", A) is thing
        await tx.patch("things", thing, n=2)
        assert (await tx.get("things", A))["n"] == 2
        await tx.hold("things", A, n=3)
        assert (await tx.get("things", A))["n"] == 3
        await tx.set("things", {}, {"n": 4})
        assert [(await tx.get("things", key))["n"] for key in (A, B)] == [4, 4]
        await tx.hold_all("things", [(A, {"n": 5}), (B, {"n": 6})])
        assert [(await tx.get("things", key))["n"] for key in (A, B)] == [5, 6]
        assert await tx.get("votes", vote["_id"]) is None
        await tx.insert("votes", vote)
        assert await tx.get("votes", vote["_id"]) == vote
        await tx.delete("votes", vote)
        assert await tx.get("votes", vote["_id"]) is None
        await tx.delete_all("things", {"_id": A})
        assert await tx.get("things", A) is None

    await transaction(database, work)
    assert mongo_commands.count("find things") == 1 + 2 + 2 + 1
    assert mongo_commands.count("find votes") == 1
    assert [document["n"] for document in await stored(database)] == [6]


async def test_changes_have_the_values_before_and_after(database: Database) -> None:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    await database["things"].insert_many([{"_id": A, "n": 1, "at": then}, {"_id": B, "n": 2, "at": then}])
    changes: list[Change] = []

    async def work(tx: Transaction) -> None:
        one, two = [await tx.get("things", key) for key in (A, B)]
        await tx.patch("things", one, n=1, at=then.replace(tzinfo=None))  # changes nothing
        await tx.patch_all("things", [one, two], n=2, m=3, gone=None, none=[])
        await tx.hold("things", A, sum=1)
        await tx.delete("things", await tx.get("things", B))
        changes.extend(tx.changes)

    await transaction(database, work)
    assert [(change.id, change.before, change.after) for change in changes] == [
        (A, {"n": 1, "m": None}, {"n": 2, "m": 3}),
        (B, {"n": 2, "m": None}, {"n": 2, "m": 3}),
        (B, {"_id": B, "n": 2, "at": then, "m": 3}, None),
    ]


@pytest.mark.parametrize("failures", [0, 1, 3])
async def test_a_scope_counts_only_the_attempt_that_is_committed(database: Database, failures: int) -> None:
    attempts: list[Transaction] = []

    async def work(tx: Transaction) -> None:
        attempts.append(tx)
        await tx.insert("things", {"_id": A})
        if len(attempts) <= failures:
            raise OperationFailure("again", 0, {"errorLabels": ["TransientTransactionError"]})

    scope = Scope(monotonic() + 60)
    outer = current_scope.set(scope)
    try:
        await find(database["things"], {}, size=1)
        await transaction(database, work)
    finally:
        current_scope.reset(outer)
    assert len(attempts) == failures + 1
    assert scope.sent == 1 + 2  # the find, the insert and the commit


@pytest.mark.parametrize("counted", [True, False])
async def test_work_with_a_time_of_its_own_counts_for_its_request_unless_told_otherwise(
    database: Database, counted: bool
) -> None:
    async def work(tx: Transaction) -> None:
        await tx.insert("things", {"_id": A})

    async def apart() -> None:
        take_time(60, counted=counted)
        await transaction(database, work)  # which gives its commit a time of its own, too

    scope = Scope(monotonic() + 60)
    outer = current_scope.set(scope)
    try:
        await create_task(apart())
    finally:
        current_scope.reset(outer)
    assert scope.sent == (2 if counted else 0)
