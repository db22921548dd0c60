"""The records of migrations in the database, which say what has been done, and where to resume.

There is one record for each migration that has begun, with the migration's number as `_id`.
"""

from datetime import datetime
from typing import Any, Literal, NamedTuple, TypedDict

from pymongo import UpdateOne

from loaders import audit
from loaders.migrations.lease import Holder, Lease, LeaseLostError, current_holder, durable
from loaders.migrations.migration import Migration
from loaders.migrations.ordered import MIGRATIONS
from loaders.mongo import Database, Transaction, find, find_one, now

State = Literal["pending", "running", "done"]


class Record(TypedDict):
    """The record of a migration. Times are those of the machine that ran it.

    position: the numbers of the pass and the step, and the `_id` of the last document that was processed,
    which is null at the start of a step. token: the token of the lease under which the record was last
    written.

    total: an estimate of the number of documents to examine. examined: the number examined since the
    migration began, or began again. changed: the number of documents changed. unusual: the number of
    documents in the latest pass from which nothing could be computed, because of their shape. unusualIds: the
    `_id`s of the first few of these.
    """

    _id: int
    state: Literal["running", "done"]
    startedAt: datetime
    updatedAt: datetime
    token: str
    position: tuple[int, int, Any]  # Any: an `_id` can have any BSON type
    total: int
    examined: int
    changed: int
    unusual: int
    unusualIds: list[Any]


class Status(NamedTuple):
    """A migration, its record if it has begun, and the process that runs it now, if any."""

    migration: Migration
    record: Record | None
    holder: Holder | None

    @property
    def state(self) -> State:
        return self.record["state"] if self.record else "pending"


async def read_records(database: Database) -> dict[int, Record]:
    """Returns the records of migrations by migration number. Sends one command."""
    query = {"_id": {"$type": "number"}}
    found: list[Record] = await find(database["migrations"], query, size=1_000)
    return {record["_id"]: record for record in found}


async def statuses(database: Database) -> list[Status]:
    """Returns the status of every migration, in the order in which migrations run."""
    records, holder = await read_records(database), await current_holder(database)
    found = [Status(migration, records.get(migration.number), None) for migration in MIGRATIONS]
    return [status._replace(holder=holder) if status.state == "running" else status for status in found]


async def pending(database: Database) -> list[Migration]:
    """Returns the migrations that are not done, in the order in which they run. Sends one command."""
    records = await read_records(database)
    return [m for m in MIGRATIONS if m.number not in records or records[m.number]["state"] != "done"]


async def baseline(database: Database) -> None:
    """Records all migrations as done if the database has no documents for them to change.

    Call it before documents are written to a database that may be new.
    """
    if await read_records(database):
        return
    for collection in {step.collection for migration in MIGRATIONS for step in migration.steps}:
        if await find_one(database[collection], {}, projection={"_id": 1}):
            return
    done = [
        UpdateOne({"_id": migration.number}, {"$setOnInsert": _new(migration.number, "done")}, upsert=True)
        for migration in MIGRATIONS
    ]
    await durable(database["migrations"]).bulk_write(done, ordered=False)


async def begin(database: Database, migration: Migration, lease: Lease, *, passes: int, count: int) -> Record:
    """Records that a migration runs under this lease. Returns the record, with the stored position.

    A migration that is already done begins again with its last pass. passes: the number of passes. count: the
    estimated number of documents in a pass, from which the record's `total` is computed.
    """
    records, number = await read_records(database), migration.number
    record = records.get(number) or {**_new(number, "running"), "total": passes * count}
    if record["state"] == "done":
        again = {"changed": record["changed"], "position": (passes - 1, 0, None), "total": count}
        record = {**_new(number, "running"), **again}  # type: ignore[typeddict-item]  # keys of a Record
    record |= {"token": lease.token, "updatedAt": now()}
    await durable(database["migrations"]).replace_one({"_id": number}, record, upsert=True)
    return record


async def save(database: Database, record: Record, lease: Lease) -> None:
    """Stores a record. Raises LeaseLostError if another process has written the record since `begin`."""
    record["updatedAt"] = now()
    written = await durable(database["migrations"]).replace_one(
        {"_id": record["_id"], "token": lease.token}, record
    )
    if not written.matched_count:
        raise LeaseLostError


async def finish(tx: Transaction, record: Record) -> None:
    """Records that a migration is done, and adds an entry to the audit log."""
    own = {"_id": record["_id"], "token": record["token"]}
    record |= {"state": "done", "updatedAt": tx.now}
    await tx.set("migrations", own, {"state": "done", "updatedAt": tx.now})
    await audit.record(tx, "migrate up", audit.OPERATOR, "")


def _new(number: int, state: Literal["running", "done"]) -> Record:
    moment = now()
    return {
        "_id": number, "state": state, "startedAt": moment, "updatedAt": moment, "token": "",
        "position": (0, 0, None), "total": 0, "examined": 0, "changed": 0, "unusual": 0, "unusualIds": [],
    }  # fmt: skip
