"""One transaction: its reads and writes, and what it leaves for the commit."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from bson import ObjectId
from motor.core import AgnosticBase
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import OperationFailure

from loaders.mongo import commands
from loaders.mongo.bson_types import (
    Document,
    DriverCall,
    DriverObject,
    Fields,
    Filter,
    Option,
    Result,
    Stored,
    Value,
    differ,
    now,
)
from loaders.mongo.commands import Pipeline
from loaders.mongo.database import Database
from loaders.mongo.key_locks import locks_of

#: What remains to be done at the end of a transaction (see Transaction.before_commit).
LastWork: TypeAlias = Callable[["Transaction", Sequence[Any]], Awaitable[None]]  # Any: items of any kind

TRANSIENT = "TransientTransactionError"
_WRITE_CONFLICT = 112  # MongoDB's error code for a write conflict


class Change(NamedTuple):
    """A document before and after a write. For a patch, each contains only the fields that the patch set.

    before: None if the document is new. after: None if the document was deleted.
    """

    collection: str
    id: Value
    before: Fields | None
    after: Fields | None


class Transaction:
    """The commands of one transaction, with snapshot isolation.

    All reads see the database as of the same moment. A document that the transaction writes can't have been
    changed by others since that moment, so it is safe to write a value computed from an earlier read.

    A value that is computed from several documents (a course's rating from its reviews) must be set with
    `hold`. Otherwise, two transactions that write different reviews of a course wouldn't conflict, and
    neither would see what the other has written.

    now: the transaction's time, which is the same for all its writes. changes: what `insert`, `patch` and
    `delete` did, in order. keys: the keys of the documents that the transaction has locked
    (loaders/mongo/key_locks.py). After a write conflict, the contended document's key is added, so that the
    next attempt locks it too. has_begun: whether a command may have been sent. The first command
    begins the transaction. fit: a function that takes the name of a collection, documents that were read from
    it and their projection, and returns the documents in their declared shape. If it is None, documents are
    returned as they are stored.
    """

    fit: Callable[[str, list[Stored], Option], list[Stored]] | None = None

    def __init__(self, database: Database, session: DriverObject, keys: set[str]) -> None:
        self.database = database
        self._keys = keys
        self.now = now()
        self.changes: list[Change] = []
        self._cache: dict[str, dict[str, Document | None]] = {}
        self._last_work: dict[LastWork, list[Any]] = {}  # Any: items of any kind
        self._on_commit: list[Callable[[], None]] = []
        self._session = session.delegate if isinstance(session, AgnosticBase) else session
        self.has_begun = False

    @property
    def session(self) -> DriverObject:
        """PyMongo's session, which every command of the transaction must be sent with."""
        self.has_begun = True
        return self._session

    async def get(self, collection: str, id: Value) -> Stored:
        """Returns a document by its `_id`, or None.

        Each document is read only once. The result includes this transaction's writes.
        """
        cached, key = self._cache_of(collection), str(id)
        if key not in cached:
            cached[key] = await self.find_one(collection, {"_id": {"$eq": id}})
        return cached[key]

    async def find_one(self, collection: str, query: Filter, **options: Option) -> Stored:
        """Returns the first document that matches a query, or None."""
        found = await commands.find_one(self.database[collection], query, session=self.session, **options)
        if found is None or self.fit is None:
            return found
        return next(iter(self.fit(collection, [found], options.get("projection"))), None)

    async def find(self, collection: str, query: Filter, *, size: int, **options: Option) -> list[Stored]:
        """Returns all documents that match a query. size: the maximum number of documents that can match."""
        found = await commands.find(
            self.database[collection], query, size=size, session=self.session, **options
        )
        return self.fit(collection, found, options.get("projection")) if self.fit else found

    async def aggregate(self, collection: str, pipeline: Pipeline, *, size: int) -> list[Document]:
        """Returns all results of a pipeline. size: the maximum number of results."""
        return await commands.aggregate(self.database[collection], pipeline, size=size, session=self.session)

    async def insert(self, collection: str, document: Fields) -> Stored:
        """Inserts a document and returns it. Adds an `_id` if the document lacks one.

        Raises DuplicateKeyError if a unique index already contains the document's key; the transaction can't
        continue after that. To prevent this, look for the key in the transaction first. If another
        transaction then adds the key, there is a write conflict, and this transaction is retried.
        """
        new = {"_id": ObjectId(), **document}
        await self._send(
            collection,
            "insert",
            document.get("_id"),
            lambda target: target.insert_one(new, session=self.session),
        )
        self.changes.append(Change(collection, new["_id"], None, new))
        self._cache_of(collection)[str(new["_id"])] = new
        return new

    async def insert_all(self, collection: str, documents: Sequence[Fields]) -> None:
        """Inserts new documents with one command, without recording them in `changes`."""
        new = [{"_id": ObjectId(), **document} for document in documents]
        await self._send(
            collection, "insert", None, lambda target: target.insert_many(new, session=self.session)
        )

    async def insert_missing(self, collection: str, documents: Sequence[Fields], *, stamped: str) -> None:
        """Like `insert_all`, but leaves out documents whose `_id` is already taken.

        stamped: the name of a field that gets the time of MongoDB's clock.
        """
        inserts = [
            UpdateOne({"_id": document["_id"]}, _if_missing(document, stamped), upsert=True)
            for document in documents
        ]
        await self._send(
            collection, "update", None, lambda target: target.bulk_write(inserts, session=self.session)
        )

    async def patch(self, collection: str, document: Fields, **fields: Value) -> Stored:
        """Sets fields of a document that this transaction has read or inserted; returns the new document."""
        return (await self.patch_all(collection, [document], **fields))[0]

    async def patch_all(self, collection: str, documents: Sequence[Fields], **fields: Value) -> list[Stored]:
        """Like `patch`, but sets the same fields of several documents.

        Sends one command, or none if nothing changes.
        """
        new = {
            name: value
            for name, value in fields.items()
            if any(differ(document.get(name), value) for document in documents)
        }
        ids = [document["_id"] for document in documents]
        if new:
            query = {"_id": ids[0] if len(ids) == 1 else {"$in": ids}}
            await self._send(
                collection,
                "update",
                ids[0],
                lambda target: target.update_many(query, {"$set": new}, session=self.session),
            )
            for document in documents:
                before = {name: document.get(name) for name in new}
                self.changes.append(Change(collection, document["_id"], before, new))
        patched = [{**document, **new} for document in documents]
        self._cache_of(collection).update(zip(map(str, ids), patched, strict=True))
        return patched

    async def hold(self, collection: str, id: Value, **fields: Value) -> None:
        """Sets fields that are computed from other documents, without recording this in `changes`.

        If two concurrent transactions hold the same document, one of them is retried, even if neither changes
        a value.
        """
        await self._send(
            collection,
            "update",
            id,
            lambda target: target.update_one({"_id": id}, _holding(fields), session=self.session),
        )
        if cached := self._cache_of(collection).get(str(id)):
            self._cache_of(collection)[str(id)] = {**cached, **fields}

    async def hold_all(self, collection: str, fields: Iterable[tuple[Value, Fields]]) -> None:
        """Like `hold`, but sets different fields for each `_id`, in one command."""
        updates = [UpdateOne({"_id": key}, _holding(values)) for key, values in fields]
        await self._send(
            collection, "update", None, lambda target: target.bulk_write(updates, session=self.session)
        )
        self._cache.pop(collection, None)

    async def delete(self, collection: str, *documents: Fields) -> None:
        """Deletes documents that this transaction has read, with one command."""
        ids = [document["_id"] for document in documents]
        await self.delete_all(collection, {"_id": ids[0] if len(ids) == 1 else {"$in": ids}})
        for document in documents:
            self.changes.append(Change(collection, document["_id"], document, None))
            self._cache_of(collection)[str(document["_id"])] = None

    async def put(self, collection: str, document: Fields) -> None:
        """Inserts a document or replaces the one with the same `_id`, without recording this in `changes`."""
        query = {"_id": document["_id"]}
        await self._send(
            collection,
            "update",
            document["_id"],
            lambda target: target.replace_one(query, document, upsert=True, session=self.session),
        )
        self._cache.pop(collection, None)

    async def put_all(self, collection: str, documents: Sequence[Fields]) -> None:
        """Like `put`, but for several documents, in one command."""
        puts = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents]
        await self._send(
            collection, "update", None, lambda target: target.bulk_write(puts, session=self.session)
        )
        self._cache.pop(collection, None)

    async def set(self, collection: str, query: Filter, fields: Fields) -> None:
        """Sets fields of all documents that match a query, without recording this in `changes`."""
        await self._send(
            collection,
            "update",
            query.get("_id"),
            lambda target: target.update_many(query, {"$set": fields}, session=self.session),
        )
        self._cache.pop(collection, None)

    async def delete_all(self, collection: str, query: Filter) -> None:
        """Deletes all documents that match a query, without recording this in `changes`."""
        await self._send(
            collection,
            "delete",
            query.get("_id"),
            lambda target: target.delete_many(query, session=self.session),
        )
        self._cache.pop(collection, None)

    def before_commit(self, work: LastWork, *items: Any) -> None:  # Any: items of any kind
        """Has `work` called once, right before the commit, with all the items that were passed for it."""
        self._last_work.setdefault(work, []).extend(items)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Has a function called once the transaction is known to have been committed."""
        self._on_commit.append(call)

    async def finish(self) -> None:
        """Does the work that was left for the end."""
        for work, items in self._last_work.items():
            await work(self, items)

    def committed(self) -> None:
        """Calls the functions that wait for the commit."""
        for call in self._on_commit:
            call()

    async def _send(self, collection: str, kind: str, id: Value, call: DriverCall) -> Result:
        """Sends a write. If there is a write conflict, the transaction's next attempt will lock the document.

        id: the `_id` of the document to write, or of the first of several; None if nothing should be locked.
        """
        key = f"{self.database.name}.{collection} {id}" if id else None
        try:
            if key and key not in self._keys and locks_of(self.database.client).is_locked(key):
                raise OperationFailure(
                    "Another transaction holds the document's lock.",
                    _WRITE_CONFLICT,
                    {"errorLabels": [TRANSIENT]},
                )
            return await commands.send(self.database[collection], kind, call)
        except OperationFailure as error:
            if key and error.code == _WRITE_CONFLICT:
                self._keys.add(key)
            raise

    def _cache_of(self, collection: str) -> dict[str, Document | None]:
        """Returns a collection's cached documents.

        Their keys are `str(_id)`, because the `_id` of a vote is not hashable.
        """
        return self._cache.setdefault(collection, {})


def _if_missing(document: Fields, stamped: str) -> list[Fields]:
    """Returns an update that stores a document with the time of MongoDB's clock, unless there is one."""
    new = {"$mergeObjects": [{"$literal": document}, {stamped: "$$NOW"}]}
    is_new = {"$eq": [{"$type": f"${stamped}"}, "missing"]}
    return [{"$replaceWith": {"$cond": [is_new, new, "$$ROOT"]}}]


def _holding(fields: Fields) -> Document:
    """Returns an update that sets fields. It changes the document even if no field gets a new value.

    MongoDB would not detect a conflict between updates that change nothing.
    """
    return {"$set": fields, "$inc": {"revision": 1}}
