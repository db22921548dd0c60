"""Runs migrations in batches, while gateways of any version continue to write.

The position is stored, so that an interrupted migration can be resumed.

Each migration makes two passes over its documents. During the first, gateways of the earlier version may
write documents in the earlier form behind its position. The second pass finds these documents. It reads as
many documents as the first, because nothing in a document says which version wrote it last, but it changes
only the documents in the earlier form.

After each batch, the migration pauses for as long as the batch took. So it uses at most half of one
connection's time, and when MongoDB is busy and answers slowly, the pauses become longer.
"""

from asyncio import sleep
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import NamedTuple

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from loaders import indexes
from loaders.migrations.lease import Holder, Lease, LeaseHeldError, durable, held_lease
from loaders.migrations.migration import Migration, Step
from loaders.migrations.ordered import MIGRATIONS
from loaders.migrations.records import Record, begin, finish, pending, save
from loaders.mongo import (
    Database,
    Document,
    Fields,
    Filter,
    Option,
    Value,
    estimated_count,
    find,
    transaction,
)

PASSES = 2
_ATTEMPTS = 20  # maximum number of attempts per batch, if other processes keep changing its documents
_BACKOFF = 0.02  # seconds; after the nth failed attempt, the runner waits n - 1 times as long
_LONGEST_PAUSE = 5.0  # maximum pause after a batch, in seconds
_WAITED = 1.0  # seconds between checks of whether another process has finished
_DUPLICATE_KEY = 11000  # MongoDB's error code for a duplicate key
_MOST_NAMED = 5  # maximum number of `_id`s in a record's `unusualIds`


class MigrationError(Exception):
    """A document can't be changed. The message says which document, and why."""


class Progress(NamedTuple):
    migration: Migration
    record: Record


Report = Callable[[Progress], None]


async def migrate(
    database: Database,
    *,
    pace: float = 1.0,
    again: bool = False,
    report: Report = lambda _: None,
    waiting: Callable[[Holder], None] = lambda _: None,
) -> list[Record]:
    """Runs the pending migrations in order, and returns their records. Resumes an interrupted migration.

    If nothing is pending, sends one command. pace: the length of the pause after a batch, as a multiple of
    the time that the batch took. again: whether to repeat the last pass of migrations that are done. report:
    called after each batch. waiting: called if another process holds the lease; that process may be dead.

    Raises LeaseHeldError if another process runs the migrations, LeaseLostError if another process has taken
    over from this one, and MigrationError if a document can't be changed.
    """
    if not again and not await pending(database):
        return []
    async with held_lease(database, waiting) as lease:
        await indexes.ensure(database)  # slugs are looked up, which needs indexes
        chosen = MIGRATIONS if again else await pending(database)
        return [await _run(database, migration, lease, pace, report) for migration in chosen]


async def migrate_unattended(database: Database) -> None:
    """Runs the pending migrations without pauses; if another process runs them, waits until they are done."""
    while await pending(database):
        try:
            await migrate(database, pace=0)
        except LeaseHeldError:
            await sleep(_WAITED)


async def _run(database: Database, migration: Migration, lease: Lease, pace: float, report: Report) -> Record:
    count = await _count(database, migration)
    record = await begin(database, migration, lease, passes=PASSES, count=count)
    while record["position"][0] < PASSES:
        began = monotonic()
        await _run_batch(database, migration, record)
        lease.check()
        await save(database, record, lease)
        report(Progress(migration, record))
        await sleep(min((monotonic() - began) * pace, _LONGEST_PAUSE))
    await transaction(database, partial(finish, record=record))
    return record


async def _count(database: Database, migration: Migration) -> int:
    """Returns the number of documents in a migration's collections, as estimated by MongoDB."""
    collections = [database[step.collection] for step in migration.steps]
    return sum([await estimated_count(collection) for collection in collections])


async def _run_batch(database: Database, migration: Migration, record: Record) -> None:
    """Migrates the next batch of documents, and updates the position and counts in the record."""
    pass_, number, after = record["position"]
    step = migration.steps[number]
    documents, is_last = await _next_batch(database, step, after)
    changed, unusual = await _change(database, step, documents)
    if number == 0 and after is None:
        record |= {"unusual": 0, "unusualIds": []}
    record["examined"] += len(documents)
    record["changed"] += changed
    record["unusual"] += len(unusual)
    record["unusualIds"] = [*record["unusualIds"], *unusual][:_MOST_NAMED]
    if not is_last:
        record["position"] = (pass_, number, documents[-1]["_id"])
    elif number + 1 < len(migration.steps):
        record["position"] = (pass_, number + 1, None)
    else:
        record["position"] = (pass_ + 1, 0, None)


async def _next_batch(database: Database, step: Step, after: Value) -> tuple[list[Document], bool]:
    """Returns the next documents, with `_id`s greater than `after`, and whether they are the last.

    The lower bound is set by MongoDB's option `min`, because `$gt` would find only `_id`s of the same type.
    """
    options: dict[str, Option] = {"sort": [("_id", 1)], "limit": step.size}
    if after is not None:
        options |= {"min": {"_id": after}, "hint": [("_id", 1)], "limit": step.size + 1}
    found = await _found(database, step, {}, **options)
    is_last = len(found) < options["limit"]
    return (found[1:] if found and after is not None and found[0]["_id"] == after else found), is_last


async def _change(database: Database, step: Step, documents: list[Document]) -> tuple[int, list[Value]]:
    """Changes documents where necessary. Returns the number changed, and the `_id`s of unusual documents.

    If another process changes a document in the meantime, reads the document and tries again.
    """
    changed: int = 0
    unusual: list[Value] = []
    for attempt in range(_ATTEMPTS):
        changes = await step.changes(database, documents)
        pairs = list(zip(documents, changes, strict=True))
        unusual += [document["_id"] for document, fields in pairs if fields is None]
        outdated = [(document, fields) for document, fields in pairs if fields]
        written = await _write(database, step, outdated)
        changed += written
        if written == len(outdated):
            return changed, unusual
        await sleep(_BACKOFF * attempt)
        ids = [document["_id"] for document, _ in outdated]
        documents = await _found(database, step, {"_id": {"$in": ids}})
    changes = await step.changes(database, documents)
    stuck = next((document for document, fields in zip(documents, changes, strict=True) if fields), None)
    if stuck is None:
        return changed, unusual
    raise MigrationError(
        f"{step.collection} {stuck['_id']}: can't be changed, because other processes keep changing it"
        " or a unique index rejects the document's new values. Run the same command again to resume here."
    )


async def _write(database: Database, step: Step, outdated: Sequence[tuple[Document, Fields]]) -> int:
    """Sets fields in those documents that haven't changed since they were read, and returns how many."""
    if not outdated:
        return 0
    updates = [
        UpdateOne(
            {name: {"$eq": document.get(name)} for name in ("_id", *sorted(step.sources))}, {"$set": fields}
        )
        for document, fields in outdated
    ]
    try:
        written = await durable(database[step.collection]).bulk_write(updates, ordered=False)
    except BulkWriteError as error:
        for failed in error.details["writeErrors"]:
            # A duplicate slug has just been taken by another process. The next attempt chooses a different
            # slug.
            if failed["code"] != _DUPLICATE_KEY:
                document, _ = outdated[failed["index"]]
                raise MigrationError(
                    f"{step.collection} {document['_id']}: MongoDB rejected the document's new values: "
                    f"{failed['errmsg']}"
                ) from None
        return int(error.details["nMatched"])
    return written.matched_count


async def _found(database: Database, step: Step, query: Filter, **options: Option) -> list[Document]:
    projection = dict.fromkeys(("_id", *sorted(step.sources | step.reads)), 1)
    return await find(database[step.collection], query, size=step.size + 1, projection=projection, **options)
