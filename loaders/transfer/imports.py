"""Batched writes of documents that come from elsewhere, told apart by their external ids.

A document is made when it isn't there, changed where a supplied field differs, and left alone otherwise:
the same batch again does nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from loaders.collections import COLLECTIONS, KEEP, complete, derived
from loaders.model import MOST_OF_COURSE, summarise
from loaders.mongo import Collection, Database, find, now
from loaders.text import slugify, unique_slugs
from loaders.transfer.seen_keys import Seen

#: (source, id) of an external id, or an `_id` for what has none.
Key = tuple[str, str] | ObjectId
StorageError = PyMongoError  #: what is raised when MongoDB can't go on
Kind = Literal["created", "updated", "unchanged", "duplicate", "rejected"]


@dataclass(slots=True)
class Incoming:
    """A document to be stored. `fields` holds what its source supplies, by stored names, with null where
    the source has nothing; `new` what is stored with it only when it is made.
    """

    row: int
    key: Key
    fields: dict[str, Any]
    new: dict[str, Any] = field(default_factory=dict)


class Outcome(NamedTuple):
    kind: Kind
    reason: str = ""


_Doc = Mapping[str, Any]
_NO_COURSE = ObjectId("0" * 24)
_CREATED, _UPDATED, _UNCHANGED, _DUPLICATE = (
    Outcome(kind) for kind in ("created", "updated", "unchanged", "duplicate")
)


class Plan(NamedTuple):
    """What a batch comes to."""

    batch: Sequence[Incoming]
    outcomes: list[Outcome]
    create: list[int]  # indexes into the batch
    update: list[tuple[int, UpdateOne]]
    first: dict[Key, Incoming]  # by key: later ones are repetitions


class Importer:
    """Imports into one collection. It remembers the keys it has met: a later row with the same key is a
    duplicate if it says the same, and rejected if it doesn't, so that the order of rows can't make an
    import change what it has just written.

    With `write` off nothing is written, and what would be is told. (A key that repeats in another batch
    counts as a duplicate then, whatever it says.)
    """

    def __init__(self, database: Database, collection: str, *, write: bool = True) -> None:
        self._name = collection
        self._collection: Collection = database[collection]
        self._write = write
        self._seen = Seen()
        self._writing: asyncio.Task[list[Outcome]] | None = None

    async def upsert(self, batch: Sequence[Incoming]) -> list[Outcome]:
        """One outcome for each, in order."""
        return await self.write(await self.plan(batch))

    async def plan(self, batch: Sequence[Incoming]) -> Plan:
        """What there is to write. The next batch can be planned while one is being written."""
        for incoming in batch:
            _without_nulls(incoming.fields, COLLECTIONS[self._name].not_null or {})
            if self._name == "courses":
                _shorten(incoming.fields)
        met = [self._seen.row(incoming.key) for incoming in batch]
        if self._writing and any(met):
            await self._writing  # what repeats is compared with what an earlier batch stores
        stored = await self._stored(batch)
        plan = Plan(batch, [], [], [], {})
        for index, (incoming, row) in enumerate(zip(batch, met, strict=True)):
            plan.outcomes.append(self._place(incoming, index, row, stored.get(incoming.key), plan))
        for incoming in plan.first.values():
            self._seen.add(incoming.key, incoming.row)
        return plan

    def write(self, plan: Plan) -> asyncio.Task[list[Outcome]]:
        """Start to write a plan, once the one before is written. The task gives one outcome for each
        document of the batch, in order.
        """
        self._writing = asyncio.create_task(self._written(plan))
        return self._writing

    async def _written(self, plan: Plan) -> list[Outcome]:
        if self._write:
            await self._insert(plan)
            await self._update(plan)
        return plan.outcomes

    def _place(
        self, incoming: Incoming, index: int, met: int | None, there: _Doc | None, plan: Plan
    ) -> Outcome:
        if met is not None:
            return _repeated(incoming, met, differs=bool(there and _changes(there, incoming.fields)))
        first = plan.first.setdefault(incoming.key, incoming)
        if first is not incoming:
            return _repeated(incoming, first.row, differs=first.fields != incoming.fields)
        if there is None:
            plan.create.append(index)
            return _CREATED
        if not (changes := _changes(there, incoming.fields)):
            return _UNCHANGED
        plan.update.append((index, UpdateOne({"_id": there["_id"]}, {"$set": self._set(there, changes)})))
        return _UPDATED

    async def _stored(self, batch: Sequence[Incoming]) -> dict[Key, _Doc]:
        """The documents of the batch that are there, with the fields that will be compared."""
        names = {name for incoming in batch for name in incoming.fields}
        if names & COLLECTIONS[self._name].derived_from:
            names |= COLLECTIONS[self._name].derived_from
        if "importedRating" in names:
            names.add("ratingStars")
        if "importedHelpfulCount" in names:
            names |= {"helpfulCount", "unhelpfulCount"}
        projection = dict.fromkeys((*names, "externalId"), 1)
        found: dict[Key, _Doc] = {}
        for query in _queries(batch):
            for document in await find(self._collection, query, size=len(batch), projection=projection):
                external = document.get("externalId")
                found[(external["source"], external["id"]) if external else document["_id"]] = document
        return found

    def _set(self, there: _Doc, changes: dict[str, Any]) -> dict[str, Any]:
        """The changes with all that follows from them; votes beside those that were imported stay."""
        if "importedHelpfulCount" in changes:
            votes = there["helpfulCount"] - there.get("importedHelpfulCount", 0)
            changes["helpfulCount"] = changes["importedHelpfulCount"] + votes
        if changes.keys() & COLLECTIONS[self._name].derived_from:
            changes |= derived(self._name, {**there, **changes})
        if "importedRating" in changes:
            changes |= summarise(there["ratingStars"], changes["importedRating"])
        if self._name == "courses":
            changes.setdefault("updatedAt", now())
        return changes

    async def _insert(self, plan: Plan) -> None:
        """In the order of courses: their index entries lie together, which spares MongoDB a third of its
        work. The ids are made before, so that theirs is the order of the rows.
        """
        if not plan.create:
            return
        if self._name == "courses":
            await self._give_slugs([plan.batch[i] for i in plan.create])
        made = [(index, _new(self._name, plan.batch[index])) for index in plan.create]
        made.sort(key=lambda pair: pair[1].get("courseId", _NO_COURSE))
        try:
            await self._collection.insert_many([document for _, document in made], ordered=False)
        except BulkWriteError as error:
            _refuse(error, [index for index, _ in made], plan.outcomes)

    async def _update(self, plan: Plan) -> None:
        if not plan.update:
            return
        try:
            await self._collection.bulk_write([operation for _, operation in plan.update], ordered=False)
        except BulkWriteError as error:
            _refuse(error, [index for index, _ in plan.update], plan.outcomes)

    async def _give_slugs(self, courses: Sequence[Incoming]) -> None:
        wanted = [
            (
                c.new.get("slug") or slugify(c.fields["title"]),
                c.key[1] if isinstance(c.key, tuple) else "",
            )
            for c in courses
        ]
        for course, slug in zip(courses, await unique_slugs(self._collection, wanted), strict=True):
            course.new["slug"] = slug


def _queries(batch: Sequence[Incoming]) -> list[dict[str, Any]]:
    """By source, since the index begins with it; and by `_id`."""
    sources: dict[str, list[str]] = {}
    ids = []
    for incoming in batch:
        if isinstance(incoming.key, tuple):
            sources.setdefault(incoming.key[0], []).append(incoming.key[1])
        else:
            ids.append(incoming.key)
    queries: list[dict[str, Any]] = [
        {"externalId.source": source, "externalId.id": {"$in": found}} for source, found in sources.items()
    ]
    return queries + ([{"_id": {"$in": ids}}] if ids else [])


def _changes(stored: _Doc, fields: _Doc) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if stored.get(name) != value}


def _without_nulls(fields: dict[str, Any], not_null: Mapping[str, Any]) -> None:
    for name, instead in not_null.items():
        if name in fields and fields[name] is None:
            if instead is KEEP:
                del fields[name]
            else:
                fields[name] = instead


def _shorten(fields: dict[str, Any]) -> None:
    for name, size in MOST_OF_COURSE.items():
        if fields.get(name):
            fields[name] = fields[name][:size]


def _repeated(incoming: Incoming, row: int, *, differs: bool) -> Outcome:
    if not differs:
        return _DUPLICATE
    name = incoming.key[1] if isinstance(incoming.key, tuple) else incoming.key
    return Outcome("rejected", f"the id “{name}” stands in row {row} with other values")


def _new(collection: str, incoming: Incoming) -> dict[str, Any]:
    document = {"_id": ObjectId(), **complete(collection, {**incoming.new, **incoming.fields})}
    if isinstance(incoming.key, tuple):
        document["externalId"] = {"source": incoming.key[0], "id": incoming.key[1]}
    return document


def _refuse(error: BulkWriteError, indexes: Sequence[int], outcomes: list[Outcome]) -> None:
    """MongoDB took the others."""
    for failed in error.details["writeErrors"]:
        outcomes[indexes[failed["index"]]] = Outcome("rejected", f"MongoDB refused it: {failed['errmsg']}")
