"""Runs migrations: in batches, with a stored position, beside gateways of any version that go on writing.

Each migration makes two passes over its documents. Gateways of the version before may write documents by
their own rules behind the position of the first pass; the second pass finds them. It reads as much as the
first, because nothing in a document says who wrote it last, but it only writes what differs.

After each batch it pauses for as long as the batch took. So it takes at most half of one connection's time,
and the more a loaded MongoDB delays its commands, the longer are the pauses.
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
_ATTEMPTS = 20  # per batch, at documents that others change meanwhile
_BACKOFF = 0.02  # seconds, times the number of the attempt
_LONGEST_PAUSE = 5.0  # seconds after a batch
_WAITED = 1.0  # seconds between looks at a migration that another process runs
_DUPLICATE_KEY = 11000  # MongoDB's error code
_MOST_NAMED = 5  # unusual documents whose `_id`s a record keeps


class MigrationError(Exception):
    """A document can't be changed. The message names it and says why."""


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
    """Runs the pending migrations in their order, and returns their records. Resumes an interrupted one.

    If nothing is pending, sends one command. pace: the length of the pause after a batch, as a multiple of
    the batch's own time. again: whether to run the last pass of those that are done, too. report: called
    after each batch. waiting: called if another process holds the lease, which may be dead.

    Raises LeaseHeldError if another process runs the migrations, LeaseLostError if it has taken over from
    this one, and MigrationError.
    """
    if not again and not await pending(database):
        return []
    async with held_lease(database, waiting) as lease:
        await indexes.ensure(database)  # the look-up of slugs needs them
        chosen = MIGRATIONS if again else await pending(database)
        return [await _run(database, migration, lease, pace, report) for migration in chosen]


async def migrate_unattended(database: Database) -> None:
    """Runs the pending migrations at full speed; if another process runs them, waits until they are done."""
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
    """Returns the number of documents in the collections of a migration, from their metadata."""
    collections = [database[step.collection] for step in migration.steps]
    return sum([await estimated_count(collection) for collection in collections])


async def _run_batch(database: Database, migration: Migration, record: Record) -> None:
    """Brings the next batch to the new form, and moves the record's position and counts on."""
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
    """Returns the documents that follow an `_id`, and whether they are the last.

    The lower bound is one of the index, and not `$gt`, which would only find `_id`s of the same type.
    """
    options: dict[str, Option] = {"sort": [("_id", 1)], "limit": step.size}
    if after is not None:
        options |= {"min": {"_id": after}, "hint": [("_id", 1)], "limit": step.size + 1}
    found = await _found(database, step, {}, **options)
    is_last = len(found) < options["limit"]
    return (found[1:] if found and after is not None and found[0]["_id"] == after else found), is_last


async def _change(database: Database, step: Step, documents: list[Document]) -> tuple[int, list[Value]]:
    """Changes the documents that differ. Returns how many, and the `_id`s of unusual documents.

    A document that somebody else changes meanwhile is read again.
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
    raise MigrationError(
        f"{step.collection} {documents[0]['_id']}: can't be changed: others change it all the time, or a"
        " unique index refuses its new values. Run the same command again: it resumes here."
    )


async def _write(database: Database, step: Step, outdated: Sequence[tuple[Document, Fields]]) -> int:
    """Sets the fields of those documents that are still as they were read. Returns their number."""
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
            if failed["code"] != _DUPLICATE_KEY:  # otherwise somebody else has taken the slug meanwhile
                document, _ = outdated[failed["index"]]
                raise MigrationError(
                    f"{step.collection} {document['_id']}: MongoDB refuses its new values: {failed['errmsg']}"
                ) from None
        return int(error.details["nMatched"])
    return written.matched_count


async def _found(database: Database, step: Step, query: Filter, **options: Option) -> list[Document]:
    projection = dict.fromkeys(("_id", *sorted(step.sources | step.reads)), 1)
    return await find(database[step.collection], query, size=step.size + 1, projection=projection, **options)
