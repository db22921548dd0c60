"""Transactions: all of a write or nothing of it, retried where MongoDB says that it may be."""

import random
from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from bson import ObjectId
from motor.core import AgnosticBase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from loaders import mongo
from loaders.creation import now
from loaders.mongo import Database, Pipeline

T = TypeVar("T")

Document = dict[str, Any]

#: Seconds for all attempts: an election of a new primary takes ten or so.
_LONGEST = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.3

_MAJORITY = {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority")}
_TRANSIENT = "TransientTransactionError"
_UNKNOWN = "UnknownTransactionCommitResult"


class Change(NamedTuple):
    """A document before and after: of a patch, the keys that it set. None: it was not there, or is gone."""

    collection: str
    id: Any
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Transaction:
    """The commands of one transaction. All it reads is of one moment, and what it changes nobody else has
    changed since: a document may be read, and set to what was computed from it.

    now: the time of it, the same for all it writes. changes: what `insert`, `patch` and `delete` did, in
    order. session: the driver's own.
    """

    def __init__(self, database: Database, session: Any) -> None:
        self.database = database
        self.now = now()
        self.changes: list[Change] = []
        self._seen: dict[tuple[str, Any], Document | None] = {}
        self.session = session.delegate if isinstance(session, AgnosticBase) else session

    async def get(self, collection: str, id: Any) -> Any:
        """A document by its `_id`, or None: read once, and as `patch` left it."""
        if (collection, id) not in self._seen:
            self._seen[collection, id] = await self.find_one(collection, {"_id": {"$eq": id}})
        return self._seen[collection, id]

    async def find_one(self, collection: str, query: Mapping[str, Any], **options: Any) -> Any:
        """The first document of a query, or None."""
        return await mongo.find_one(self.database[collection], query, session=self.session, **options)

    async def find(
        self, collection: str, query: Mapping[str, Any], *, size: int, **options: Any
    ) -> list[Any]:
        """All documents of a query, at most `size` of them."""
        return await mongo.find(self.database[collection], query, size=size, session=self.session, **options)

    async def aggregate(self, collection: str, pipeline: Pipeline, *, size: int) -> list[Any]:
        """All results of a pipeline, at most `size` of them."""
        return await mongo.aggregate(self.database[collection], pipeline, size=size, session=self.session)

    async def insert(self, collection: str, document: Mapping[str, Any]) -> Document:
        """The new document, with an `_id`.

        Raises DuplicateKeyError where a unique index has its key: the transaction is over then.
        """
        new = {"_id": ObjectId(), **document}
        await self._sent(collection, lambda own: own.insert_one(new, session=self.session))
        self.changes.append(Change(collection, new["_id"], None, new))
        self._seen[collection, new["_id"]] = new
        return new

    async def patch(self, collection: str, document: Mapping[str, Any], **fields: Any) -> Document:
        """Sets fields of a document that was read or made in this transaction; gives it as it is then."""
        new = {name: value for name, value in fields.items() if document.get(name, ...) != value}
        if new:
            await self.set(collection, {"_id": document["_id"]}, new)
            before = {name: document.get(name) for name in new}
            self.changes.append(Change(collection, document["_id"], before, new))
        patched = self._seen[collection, document["_id"]] = {**document, **new}
        return patched

    async def delete(self, collection: str, document: Mapping[str, Any]) -> None:
        """Deletes a document that was read in this transaction."""
        await self.delete_all(collection, {"_id": document["_id"]})
        self.changes.append(Change(collection, document["_id"], document, None))
        self._seen[collection, document["_id"]] = None

    async def put(self, collection: str, document: Mapping[str, Any]) -> None:
        """Inserts a document, or replaces the one that has its `_id`; it leaves no change."""
        query = {"_id": document["_id"]}
        await self._sent(
            collection, lambda own: own.replace_one(query, document, upsert=True, session=self.session)
        )

    async def set(self, collection: str, query: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """Sets fields of all documents of a query; it leaves no change."""
        await self._sent(
            collection, lambda own: own.update_many(query, {"$set": fields}, session=self.session)
        )

    async def delete_all(self, collection: str, query: Mapping[str, Any]) -> None:
        """Deletes all documents of a query; it leaves no change."""
        await self._sent(collection, lambda own: own.delete_many(query, session=self.session))

    async def bulk(self, collection: str, operations: Sequence[Any]) -> None:
        """Many updates at once; they leave no change."""
        await self._sent(collection, lambda own: own.bulk_write(operations, session=self.session))

    async def _sent(self, collection: str, call: Callable[[Any], Any]) -> Any:
        return await mongo.send(self.database[collection], call)


async def transaction(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """What `work` gives, once all it wrote is with a majority of the replica set. It may be called several
    times, each time with a transaction in which nothing has happened.

    Raises what `work` raises, when nothing of it is kept; PyMongoError when MongoDB stays unreachable.
    """
    deadline, pause = monotonic() + _LONGEST, _FIRST_PAUSE
    session = database.client.start_session()
    if isawaitable(session):
        session = await session
    try:
        while True:
            try:
                return await _attempt(database, session, work, deadline)
            except PyMongoError as error:
                if not error.has_error_label(_TRANSIENT) or monotonic() > deadline:
                    raise
            await sleep(pause * random.random())  # noqa: S311 # so that two that collide don't again
            pause = min(pause * 1.5, _LONGEST_PAUSE)
    finally:
        await mongo.send(session, lambda own: own.end_session())


async def _attempt(
    database: Database, session: Any, work: Callable[[Transaction], Awaitable[T]], deadline: float
) -> T:
    started = (session.delegate if isinstance(session, AgnosticBase) else session).start_transaction(
        **_MAJORITY
    )
    if isawaitable(started):
        await started
    try:
        result = await work(Transaction(database, session))
    except BaseException:
        if session.in_transaction:
            await mongo.send(session, lambda own: own.abort_transaction())
        raise
    await _commit(session, deadline)
    return result


async def _commit(session: Any, deadline: float) -> None:
    """Again, where the answer was lost: a commit that was made once stays made once."""
    while True:
        try:
            await mongo.send(session, lambda own: own.commit_transaction())
        except PyMongoError as error:
            if not error.has_error_label(_UNKNOWN) or monotonic() > deadline:
                raise
            await sleep(_FIRST_PAUSE)
        else:
            return
