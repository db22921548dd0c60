"""Transactions: either all of their writes take effect or none do; transient errors are retried."""

import random
from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from inspect import isawaitable
from time import monotonic
from typing import Any, NamedTuple, TypeAlias, TypeVar

from bson import ObjectId
from motor.core import AgnosticBase
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import OperationFailure, PyMongoError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from loaders.mongo import circuit, commands, detached
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
from loaders.mongo.command_errors import INTERRUPTED, DatabaseAwayError, DeadlineError, OutcomeUnknownError
from loaders.mongo.commands import Pipeline
from loaders.mongo.database import Database
from loaders.mongo.key_locks import locks_of
from loaders.mongo.scope import OnTransaction, current_scope, take_time

T = TypeVar("T")
#: What remains to be done at the end of a transaction (see Transaction.before_commit).
LastWork: TypeAlias = Callable[["Transaction", Sequence[Any]], Awaitable[None]]  # Any: items of any kind

#: Time limit for a transaction and its retries, in seconds. Used only outside requests, because a request has
#: its own deadline. The limit leaves time for the election of a new primary, which takes about ten seconds.
_LONGEST = 20.0
_COMMIT = 10.0  # time limit for each attempt to commit, in seconds
_FOLLOWED_UP = 60.0  # seconds after which a commit with an unknown outcome is no longer retried
_ABORT = 5.0  # time limit for aborting a transaction, in seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.3  # initial and maximum backoff between attempts, in seconds

_MAJORITY = {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority")}
_TRANSIENT = "TransientTransactionError"
_UNKNOWN = "UnknownTransactionCommitResult"
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
                    {"errorLabels": [_TRANSIENT]},
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


async def transaction(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Runs `work` in a transaction; returns its result once a majority of the replica set has the writes.

    `work` can be called several times, each time with a fresh transaction. If it raises an error, nothing is
    written, and the error is passed on.

    If MongoDB stays unreachable, raises PyMongoError. During a request, raises DatabaseAwayError instead.

    If a request's deadline passes, raises DeadlineError, or OutcomeUnknownError if a commit was in flight at
    the deadline.
    """
    notify = scope.on_transaction if (scope := current_scope.get()) and scope.on_transaction else _ignore
    try:
        result = await _retried(database, work, notify)
    except BaseException as error:
        notify("unknown" if isinstance(error, OutcomeUnknownError) else "aborted")
        raise
    notify("committed")
    return result


def _ignore(_: str) -> None: ...


async def _retried(
    database: Database, work: Callable[[Transaction], Awaitable[T]], notify: OnTransaction
) -> T:
    """Attempts a transaction until it succeeds or fails for good."""
    scope = current_scope.get()
    deadline, pause = scope.deadline if scope else monotonic() + _LONGEST, _FIRST_PAUSE
    keys: set[str] = set()
    counter = (scope.counted_by or scope) if scope else None
    sent_before = counter.sent if counter else 0
    while True:
        known = len(keys)
        if counter:
            counter.sent = sent_before
        if scope:
            await circuit.has_primary(database.client, deadline)
        try:
            async with locks_of(database.client).acquired(keys, deadline):
                return await _attempt(database, keys, work, deadline)
        except (PyMongoError, DatabaseAwayError) as error:
            if not _is_transient(error):
                raise
            if monotonic() > deadline:
                raise (DeadlineError() if scope else error) from error
        notify("retried")
        # If `keys` has grown, no pause is needed, because the next attempt waits until it has the new key's
        # lock.
        if len(keys) == known:
            await sleep(pause * random.random())  # noqa: S311 # jitter, so that two retries don't conflict again
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _is_transient(error: PyMongoError | DatabaseAwayError) -> bool:
    return (
        isinstance(error, DatabaseAwayError)
        or error.has_error_label(_TRANSIENT)
        or getattr(error, "code", None) == INTERRUPTED
    )


async def _attempt(
    database: Database, keys: set[str], work: Callable[[Transaction], Awaitable[T]], deadline: float
) -> T:
    session: DriverObject = database.client.start_session()
    if isawaitable(session):
        session = await session
    started = (session.delegate if isinstance(session, AgnosticBase) else session).start_transaction(
        **_MAJORITY
    )
    if isawaitable(started):
        await started
    tx = Transaction(database, session, keys)
    try:
        result = await work(tx)
        await tx.finish()
    except BaseException:
        await _aborted(session, deadline, has_begun=tx.has_begun)
        raise
    if tx.has_begun:
        await _committed(session, deadline)
        tx.committed()
    else:
        await _aborted(session, deadline, has_begun=False)
    return result


async def _aborted(session: DriverObject, deadline: float, *, has_begun: bool) -> None:
    """Aborts the transaction, and waits for the abort, at most until the deadline.

    After the deadline, the abort continues in the background.
    """
    with suppress(DeadlineError):
        await detached.outcome(detached.start_detached(_ended(session, sends=has_begun)), deadline)


async def _committed(session: DriverObject, deadline: float) -> None:
    """Commits, and waits for the commit until the deadline.

    At the deadline, raises OutcomeUnknownError, but the commit continues in the background.
    """
    scope, commit = current_scope.get(), detached.start_detached(_commit(session))
    try:
        await detached.outcome(commit, deadline, "commit")
    except DeadlineError:
        raise OutcomeUnknownError(commit) from None
    finally:
        if scope:
            scope.wrote = True


async def _commit(session: DriverObject) -> None:
    """Commits, and retries until the outcome is known, even if nobody waits for it any more.

    An abandoned commit would keep its locks in MongoDB. Retrying is safe, because a commit is idempotent.
    """
    until = monotonic() + _FOLLOWED_UP
    try:
        while True:
            take_time(_COMMIT)
            try:
                await commands.send(session, "commitTransaction", lambda target: target.commit_transaction())
            except (PyMongoError, DeadlineError, DatabaseAwayError) as error:
                if isinstance(error, PyMongoError) and not _may_have_committed(error):
                    raise
                if monotonic() > until:
                    await _kill(session)
                    raise
                if scope := current_scope.get():
                    (scope.counted_by or scope).sent -= 1
                await sleep(_FIRST_PAUSE)
            else:
                return
    finally:
        await _ended(session, sends=session.in_transaction)


def _may_have_committed(error: PyMongoError) -> bool:
    """Returns whether a commit that raised this error may have succeeded or may still reach a majority."""
    return (
        error.has_error_label(_UNKNOWN)
        or isinstance(error, WriteConcernError)
        or getattr(error, "code", None) == INTERRUPTED
    )


async def _ended(session: DriverObject, *, sends: bool) -> None:
    """Ends the session, which aborts its transaction unless the transaction has been committed.

    If ending the session fails, app.background aborts the transaction later. sends: whether ending the
    session sends a command to MongoDB. If not, listeners are not notified.
    """
    take_time(_ABORT, observed=sends)
    with suppress(PyMongoError, DeadlineError, DatabaseAwayError):
        await commands.send(session, "abortTransaction", lambda target: target.end_session())


async def _kill(session: DriverObject) -> None:
    take_time(_ABORT)
    ids = [session.session_id]
    with suppress(PyMongoError, DeadlineError, DatabaseAwayError):
        admin = session.client["admin"]
        await commands.send(admin, "killSessions", lambda target: target.command("killSessions", ids))
