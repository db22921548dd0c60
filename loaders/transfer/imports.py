"""Writes documents from other systems in idempotent batches. Documents are identified by external id.

A document is created if it is missing, updated if a supplied field differs, and otherwise left unchanged.
Importing the same batch again changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from loaders.collections import COLLECTIONS, KEEP, complete, derived
from loaders.model import MOST_OF_COURSE, Document, summarise
from loaders.mongo import Collection, Database, Fields, find, now
from loaders.text import slugify, unique_slugs, used_slugs
from loaders.transfer.run_changes import RunChangeError, checked
from loaders.transfer.seen_keys import Seen
from loaders.transfer.touched import Touched

#: The external id as (source, id), or the `_id` of a document without an external id.
Key = tuple[str, str] | ObjectId
#: A reference to a document. A string is an id within the import's own source, a pair is an exact (source,
#: id), and an ObjectId is an `_id`.
Reference = str | tuple[str, str] | ObjectId
StorageError = PyMongoError  # raised when a failure of MongoDB ends the import
Kind = Literal["created", "updated", "unchanged", "duplicate", "rejected"]


@dataclass(slots=True)
class Incoming:
    """A document to be imported.

    fields: the values that the source supplies, by stored name; null where the source has no value. new:
    further fields, which are stored only if the document is created. prerequisites: references to a course's
    prerequisites, which are stored later (loaders.transfer.prerequisites); None if the source has no column
    for them.
    """

    row: int
    key: Key
    fields: Document
    new: Document = field(default_factory=dict)
    prerequisites: Sequence[Reference] | None = None


class Outcome(NamedTuple):
    kind: Kind
    reason: str = ""


_PARENTS = {"reviews": ("courseId", "studentId"), "enrollments": ("courseId",), "courseRuns": ("courseId",)}
#: The field from which new documents get their slugs, and the slug of a document whose field has no letters.
_TITLES = {"courses": ("title", "course"), "instructors": ("name", "instructor")}
_NO_COURSE = ObjectId("0" * 24)
_AT_A_TIME = 500  # maximum number of documents that one command inserts
_ATTEMPTS = 3  # how often the insertion of a document is tried whose slug is taken each time
_DUPLICATE_KEY = 11000  # MongoDB's error code
_CREATED, _UPDATED, _UNCHANGED, _DUPLICATE = (
    Outcome(kind) for kind in ("created", "updated", "unchanged", "duplicate")
)


class Plan(NamedTuple):
    """The writes for one batch, and the outcome of each document in it."""

    batch: Sequence[Incoming]
    outcomes: list[Outcome]
    create: list[int]  # indexes into the batch
    update: list[tuple[int, UpdateOne]]
    first: dict[Key, Incoming]  # for each key, the first document in the batch that has it
    stored: dict[int, Fields]  # the current state of the documents to update, by their index in the batch


class Importer:
    """Imports into one collection, and remembers every key that it has seen.

    A row that repeats the key of an earlier row is a duplicate if its values are the same, and is rejected if
    they differ. An import therefore never overwrites what it has just written, regardless of the order of its
    rows.

    If `first_wins`, a row that repeats a key is a duplicate even if its values differ.

    If `write` is False, nothing is written; the outcomes say what would have been written. A key that repeats
    in a later batch then counts as a duplicate, regardless of its values.
    """

    def __init__(
        self,
        database: Database,
        collection: str,
        touched: Touched,
        *,
        write: bool = True,
        first_wins: bool = False,
    ) -> None:
        self.notes: Counter[str] = Counter()  # counts the changes that couldn't be made, by reason
        self._touched = touched
        self._name, self._first_wins = collection, first_wins
        self._collection: Collection = database[collection]
        self._write = write
        self._seen = Seen()
        self._writing: asyncio.Task[list[Outcome]] | None = None

    async def upsert(self, batch: Sequence[Incoming]) -> list[Outcome]:
        """Writes a batch. Returns one outcome per document, in the order of the batch."""
        return await self.write(await self.plan(batch))

    async def plan(self, batch: Sequence[Incoming]) -> Plan:
        """Decides what to write. A batch can be planned while the previous one is being written."""
        for incoming in batch:
            _replace_nulls(incoming.fields, COLLECTIONS[self._name].not_null or {})
            if self._name == "courses":
                _truncate_lists(incoming.fields)
            if self._name == "students":
                _lower_email(incoming.fields)
        seen_rows = [self._seen.row(incoming.key) for incoming in batch]
        if self._writing and any(seen_rows):
            await self._writing  # a row with a repeated key is compared with the stored document
        stored = await self._stored(batch)
        plan = Plan(batch, [], [], [], {}, {})
        for index, (incoming, seen_row) in enumerate(zip(batch, seen_rows, strict=True)):
            plan.outcomes.append(self._decide(incoming, index, seen_row, stored.get(incoming.key), plan))
        for incoming in plan.first.values():
            self._seen.add(incoming.key, incoming.row)
            if incoming.prerequisites is not None:
                self._seen.add((incoming.key, *incoming.prerequisites), incoming.row)
        return plan

    def write(self, plan: Plan) -> asyncio.Task[list[Outcome]]:
        """Starts writing a plan's documents to the database, and returns the task that does it.

        The previous task must have ended. The task's result is one outcome per document, in the order of the
        plan's batch.
        """
        self._writing = asyncio.create_task(self._execute(plan))
        return self._writing

    async def _execute(self, plan: Plan) -> list[Outcome]:
        if self._write:
            await self._touched.add(_touched(self._name, plan))
            await self._insert(plan)
            await self._update(plan)
        return plan.outcomes

    def _decide(
        self,
        incoming: Incoming,
        index: int,
        seen_row: int | None,
        stored: Fields | None,
        plan: Plan,
    ) -> Outcome:
        if seen_row is not None:
            differs = bool(stored and _changes(stored, incoming.fields))
            if incoming.prerequisites is not None:
                differs = differs or self._seen.row((incoming.key, *incoming.prerequisites)) is None
            return _repeated(incoming, seen_row, differs=differs and not self._first_wins)
        first = plan.first.setdefault(incoming.key, incoming)
        if first is not incoming:
            differs = first.fields != incoming.fields or first.prerequisites != incoming.prerequisites
            return _repeated(incoming, first.row, differs=differs and not self._first_wins)
        if stored is None:
            plan.create.append(index)
            return _CREATED
        try:
            changes = self._permitted(stored, _changes(stored, incoming.fields))
        except RunChangeError as error:
            return Outcome("rejected", str(error))
        if not changes:
            return _UNCHANGED
        update = {"$set": self._with_derived(stored, changes)}
        plan.update.append((index, UpdateOne({"_id": stored["_id"]}, update)))
        plan.stored[index] = stored
        return _UPDATED

    def _permitted(self, stored: Fields, changes: Document) -> Document:
        """Returns the changes that can be made. Counts the other changes in `notes`, by reason."""
        if self._name != "courseRuns":
            return changes
        permitted, note = checked(stored, changes)
        if note:
            self.notes[note] += 1
        return permitted

    async def _stored(self, batch: Sequence[Incoming]) -> dict[Key, Fields]:
        """Returns the batch's existing documents, with the fields that will be compared."""
        names = {name for incoming in batch for name in incoming.fields}
        if names & COLLECTIONS[self._name].derived_from:
            names |= COLLECTIONS[self._name].derived_from
        if "importedRating" in names:
            names.add("ratingStars")
        if "importedHelpfulCount" in names:
            names |= {"helpfulCount", "unhelpfulCount"}
        if "seats" in names:
            names.add("seatsTaken")
        projection = dict.fromkeys((*names, *_PARENTS.get(self._name, ()), "externalId"), 1)
        found: dict[Key, Fields] = {}
        for query in _queries(batch):
            for document in await find(self._collection, query, size=len(batch), projection=projection):
                external = document.get("externalId")
                found[(external["source"], external["id"]) if external else document["_id"]] = document
        return found

    def _with_derived(self, stored: Fields, changes: Document) -> Document:
        """Adds the fields that are computed from the changed fields.

        The new `helpfulCount` of a review is the imported count plus the number of votes cast in Lectern.
        """
        if "importedHelpfulCount" in changes:
            votes = stored["helpfulCount"] - stored.get("importedHelpfulCount", 0)
            changes["helpfulCount"] = changes["importedHelpfulCount"] + votes
        if changes.keys() & COLLECTIONS[self._name].derived_from:
            changes |= derived(self._name, {**stored, **changes})
        if "importedRating" in changes:
            changes |= summarise(stored["ratingStars"], changes["importedRating"])
        if self._name == "courses":
            changes.setdefault("updatedAt", now())
        return changes

    async def _insert(self, plan: Plan) -> None:
        """Inserts the new documents, sorted by course, with at most _AT_A_TIME documents per command.

        Sorting places the index entries of a course next to each other, which saves MongoDB a third of its
        work. The `_id`s are assigned before sorting, so they follow the order of the rows. While MongoDB
        executes one command, the documents of the next are completed.
        """
        if not plan.create:
            return
        if self._name in _TITLES:
            await self._assign_slugs([plan.batch[i] for i in plan.create])
        ids = [(index, ObjectId()) for index in plan.create]
        ids.sort(key=lambda pair: plan.batch[pair[0]].fields.get("courseId", _NO_COURSE))
        inserting = []
        for start in range(0, len(ids), _AT_A_TIME):
            some = ids[start : start + _AT_A_TIME]
            new = [(index, _new(self._name, plan.batch[index], own_id)) for index, own_id in some]
            inserting.append(asyncio.create_task(self._insert_many(new, plan)))
            await asyncio.sleep(0)  # lets the task start
        await asyncio.gather(*inserting)

    async def _insert_many(
        self, new: Sequence[tuple[int, Document]], plan: Plan, attempts: int = _ATTEMPTS
    ) -> None:
        """Inserts documents. Those whose slug somebody else has taken in the meantime get another one."""
        try:
            await self._collection.insert_many([document for _, document in new], ordered=False)
        except BulkWriteError as error:
            taken = [new[failed["index"]] for failed in slug_conflicts(error)] if attempts > 1 else []
            indexes = {index for index, _ in taken}
            _reject_refused(error, [index for index, _ in new], plan.outcomes, except_for=indexes)
            if taken:
                await self._assign_slugs([plan.batch[index] for index, _ in taken])
                again = [(i, _new(self._name, plan.batch[i], document["_id"])) for i, document in taken]
                await self._insert_many(again, plan, attempts - 1)

    async def _update(self, plan: Plan) -> None:
        if not plan.update:
            return
        try:
            await self._collection.bulk_write([operation for _, operation in plan.update], ordered=False)
        except BulkWriteError as error:
            _reject_refused(error, [index for index, _ in plan.update], plan.outcomes)

    async def _assign_slugs(self, batch: Sequence[Incoming]) -> None:
        """Gives new courses and instructors slugs made from their titles and names."""
        title, default = _TITLES[self._name]
        wanted = [
            (
                one.new.get("slug") or slugify(one.fields[title]),
                one.key[1] if isinstance(one.key, tuple) else "",
            )
            for one in batch
        ]
        for one, slug in zip(batch, await unique_slugs(self._collection, wanted, default), strict=True):
            one.new["slug"] = slug
        await drop_used_old_slugs(self._collection, [one.new for one in batch])


async def drop_used_old_slugs(collection: Collection, documents: Sequence[Document]) -> None:
    """Removes former slugs from new documents if they already lead to another document.

    Sends at most one command.
    """
    old = {slug for document in documents for slug in document.get("oldSlugs") or ()}
    if not old:
        return
    present = {document["slug"] for document in documents if "slug" in document}
    used = await used_slugs(collection, old) | present
    for document in documents:
        if document.get("oldSlugs"):
            document["oldSlugs"] = [slug for slug in document["oldSlugs"] if slug not in used]
            used |= set(document["oldSlugs"])


def slug_conflicts(error: BulkWriteError) -> list[Document]:
    """Returns those of a command's write errors that say that another document has the slug."""
    return [
        failed
        for failed in error.details["writeErrors"]
        if failed["code"] == _DUPLICATE_KEY and failed.get("keyPattern") == {"slug": 1}
    ]


def _queries(batch: Sequence[Incoming]) -> list[Document]:
    """Returns the queries that find a batch's documents in the database.

    A document is found by its external id, or by its `_id` if it has no external id. External ids need
    one query per source, because the index on external ids starts with the source.
    """
    sources: dict[str, list[str]] = {}
    ids = []
    for incoming in batch:
        if isinstance(incoming.key, tuple):
            sources.setdefault(incoming.key[0], []).append(incoming.key[1])
        else:
            ids.append(incoming.key)
    queries: list[Document] = [
        {"externalId.source": source, "externalId.id": {"$in": names}} for source, names in sources.items()
    ]
    return queries + ([{"_id": {"$in": ids}}] if ids else [])


def _touched(collection: str, plan: Plan) -> dict[str, set[ObjectId]]:
    """Returns the ids of the documents whose aggregates a plan's writes can affect, by collection."""
    indexes = [*plan.create, *(index for index, _ in plan.update)]
    written: list[Fields] = [*(plan.batch[index].fields for index in indexes), *plan.stored.values()]
    if collection == "courses":  # new courses already have the right aggregates
        return {"courses": {stored["_id"] for stored in plan.stored.values()}}
    touched = {"courses": {fields["courseId"] for fields in written if fields.get("courseId")}}
    if collection == "courseRuns":
        touched["courseRuns"] = {stored["_id"] for stored in plan.stored.values()}
    if collection == "reviews":
        touched["students"] = {fields["studentId"] for fields in written if fields.get("studentId")}
    return touched


def _changes(stored: Fields, fields: Fields) -> Document:
    return {name: value for name, value in fields.items() if stored.get(name) != value}


def _replace_nulls(fields: Document, not_null: Fields) -> None:
    for name, default in not_null.items():
        if name in fields and fields[name] is None:
            if default is KEEP:
                del fields[name]
            else:
                fields[name] = default


def _lower_email(fields: Document) -> None:
    """Converts an e-mail address to lower case, as those of accounts are."""
    if isinstance(email := fields.get("email"), str):
        fields["email"] = email.strip().lower()


def _truncate_lists(fields: Document) -> None:
    for name, size in MOST_OF_COURSE.items():
        if fields.get(name):
            fields[name] = fields[name][:size]


def _repeated(incoming: Incoming, row: int, *, differs: bool) -> Outcome:
    if not differs:
        return _DUPLICATE
    name = incoming.key[1] if isinstance(incoming.key, tuple) else incoming.key
    return Outcome("rejected", f"row {row} has the same id “{name}” but different values")


def _new(collection: str, incoming: Incoming, object_id: ObjectId) -> Document:
    document: Document = {"_id": object_id, **complete(collection, {**incoming.new, **incoming.fields})}
    if isinstance(incoming.key, tuple):
        document["externalId"] = {"source": incoming.key[0], "id": incoming.key[1]}
    return document


def _reject_refused(
    error: BulkWriteError, indexes: Sequence[int], outcomes: list[Outcome], except_for: Set[int] = frozenset()
) -> None:
    """Marks the documents that MongoDB refused as rejected. MongoDB has stored the other documents.

    indexes: of the documents of the command, into `outcomes`. except_for: of those to leave as they are.
    """
    for failed in error.details["writeErrors"]:
        if (index := indexes[failed["index"]]) not in except_for:
            outcomes[index] = Outcome("rejected", f"MongoDB refused it: {failed['errmsg']}")
