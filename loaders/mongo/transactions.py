"""Transactions: all of a write or nothing of it, retried where MongoDB says that it may be."""

import random
from asyncio import sleep
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from inspect import isawaitable
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from bson import ObjectId
from motor.core import AgnosticBase
from pymongo import UpdateOne
from pymongo.errors import OperationFailure, PyMongoError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from loaders.mongo import circuit, commands, detached, key_locks
from loaders.mongo.command_errors import INTERRUPTED, DatabaseAwayError, DeadlineError, OutcomeUnknownError
from loaders.mongo.commands import Pipeline
from loaders.mongo.database import Database
from loaders.mongo.moments import now, utc
from loaders.mongo.scope import current_scope, take_time

T = TypeVar("T")

Document = dict[str, Any]

#: Seconds for all attempts outside of a request: an election of a new primary takes ten or so.
_LONGEST = 20.0
_COMMIT = 10.0  # seconds for each time that a commit is sent
_FOLLOWED_UP = 60.0  # seconds until a commit is given up whose outcome is not known
_ABORT = 5.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.3

_MAJORITY = {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority")}
_TRANSIENT = "TransientTransactionError"
_UNKNOWN = "UnknownTransactionCommitResult"
_WRITE_CONFLICT = 112  # MongoDB's error code


class Change(NamedTuple):
    """A document before and after: of a patch, the keys that it set. None: it was not there, or is gone."""

    collection: str
    id: Any
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Transaction:
    """The commands of one transaction. All it reads is of one moment, and what it changes nobody else has
    changed since: a document may be read, and set to what was computed from it.

    What follows from several documents (a course's rating from its reviews) is set with `hold`: two
    transactions that each write another of these documents would not hinder each other, and neither would
    see what the other wrote.

    now: the time of it, the same for all it writes. changes: what `insert`, `patch` and `delete` did, in
    order. session: the driver's own. keys: those that it has the turn at (loaders/mongo/key_locks.py); one
    that it needs is added.
    """

    def __init__(self, database: Database, session: Any, keys: set[str]) -> None:
        self.database = database
        self._keys = keys
        self.now = now()
        self.changes: list[Change] = []
        self._seen: dict[str, dict[str, Document | None]] = {}
        self.session = session.delegate if isinstance(session, AgnosticBase) else session

    async def get(self, collection: str, id: Any) -> Any:
        """A document by its `_id`, or None: read once, and as `patch` left it."""
        seen, key = self._seen_of(collection), str(id)
        if key not in seen:
            seen[key] = await self.find_one(collection, {"_id": {"$eq": id}})
        return seen[key]

    async def find_one(self, collection: str, query: Mapping[str, Any], **options: Any) -> Any:
        """The first document of a query, or None."""
        return await commands.find_one(self.database[collection], query, session=self.session, **options)

    async def find(
        self, collection: str, query: Mapping[str, Any], *, size: int, **options: Any
    ) -> list[Any]:
        """All documents of a query, at most `size` of them."""
        return await commands.find(
            self.database[collection], query, size=size, session=self.session, **options
        )

    async def aggregate(self, collection: str, pipeline: Pipeline, *, size: int) -> list[Any]:
        """All results of a pipeline, at most `size` of them."""
        return await commands.aggregate(self.database[collection], pipeline, size=size, session=self.session)

    async def insert(self, collection: str, document: Mapping[str, Any]) -> Document:
        """The new document, with an `_id`.

        Raises DuplicateKeyError where a unique index has its key already: the transaction is over then. Who
        has looked for the key before never gets there: one that another transaction adds is a conflict, after
        which this one begins again.
        """
        new = {"_id": ObjectId(), **document}
        await self._sent(
            collection, "insert", document.get("_id"), lambda own: own.insert_one(new, session=self.session)
        )
        self.changes.append(Change(collection, new["_id"], None, new))
        self._seen_of(collection)[str(new["_id"])] = new
        return new

    async def insert_all(self, collection: str, documents: Sequence[Mapping[str, Any]]) -> None:
        """Inserts documents whose `_id`s are new; it leaves no change. One command."""
        new = [{"_id": ObjectId(), **document} for document in documents]
        await self._sent(collection, "insert", None, lambda own: own.insert_many(new, session=self.session))

    async def patch(self, collection: str, document: Mapping[str, Any], **fields: Any) -> Document:
        """Sets fields of a document that was read or made in this transaction; gives it as it is then."""
        return (await self.patch_all(collection, [document], **fields))[0]

    async def patch_all(
        self, collection: str, documents: Sequence[Mapping[str, Any]], **fields: Any
    ) -> list[Document]:
        """As `patch`, the same fields of each. One command."""
        new = {
            name: value
            for name, value in fields.items()
            if any(_differ(document.get(name, ...), value) for document in documents)
        }
        ids = [document["_id"] for document in documents]
        if new:
            query = {"_id": ids[0] if len(ids) == 1 else {"$in": ids}}
            await self._sent(
                collection,
                "update",
                ids[0],
                lambda own: own.update_many(query, {"$set": new}, session=self.session),
            )
            for document in documents:
                before = {name: document.get(name) for name in new}
                self.changes.append(Change(collection, document["_id"], before, new))
        patched = [{**document, **new} for document in documents]
        self._seen_of(collection).update(zip(map(str, ids), patched, strict=True))
        return patched

    async def hold(self, collection: str, id: Any, **fields: Any) -> None:
        """Sets fields of a document that follow from other documents; it leaves no change. Of two
        transactions that hold one at once, one begins again, even where neither changes anything.
        """
        await self._sent(
            collection,
            "update",
            id,
            lambda own: own.update_one({"_id": id}, _holding(fields), session=self.session),
        )
        if seen := self._seen_of(collection).get(str(id)):
            self._seen_of(collection)[str(id)] = {**seen, **fields}

    async def hold_all(self, collection: str, fields: Iterable[tuple[Any, Mapping[str, Any]]]) -> None:
        """As `hold`, the fields of each `_id`. One command."""
        held = [UpdateOne({"_id": key}, _holding(own)) for key, own in fields]
        await self._sent(collection, "update", None, lambda own: own.bulk_write(held, session=self.session))
        self._seen.pop(collection, None)

    async def delete(self, collection: str, document: Mapping[str, Any]) -> None:
        """Deletes a document that was read in this transaction."""
        await self.delete_all(collection, {"_id": document["_id"]})
        self.changes.append(Change(collection, document["_id"], document, None))
        self._seen_of(collection)[str(document["_id"])] = None

    async def put(self, collection: str, document: Mapping[str, Any]) -> None:
        """Inserts a document, or replaces the one that has its `_id`; it leaves no change."""
        query = {"_id": document["_id"]}
        await self._sent(
            collection,
            "update",
            document["_id"],
            lambda own: own.replace_one(query, document, upsert=True, session=self.session),
        )
        self._seen.pop(collection, None)

    async def set(self, collection: str, query: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """Sets fields of all documents of a query; it leaves no change."""
        await self._sent(
            collection,
            "update",
            query.get("_id"),
            lambda own: own.update_many(query, {"$set": fields}, session=self.session),
        )
        self._seen.pop(collection, None)

    async def delete_all(self, collection: str, query: Mapping[str, Any]) -> None:
        """Deletes all documents of a query; it leaves no change."""
        await self._sent(
            collection, "delete", query.get("_id"), lambda own: own.delete_many(query, session=self.session)
        )
        self._seen.pop(collection, None)

    async def _sent(self, collection: str, kind: str, id: Any, call: Callable[[Any], Any]) -> Any:
        """id: of what is written, the first of several; None where it is not what others would name."""
        key = f"{collection} {id}" if id else None
        try:
            if key and key not in self._keys and key_locks.is_taken(key):
                raise OperationFailure(
                    "It is another's turn.", _WRITE_CONFLICT, {"errorLabels": [_TRANSIENT]}
                )
            return await commands.send(self.database[collection], kind, call)
        except OperationFailure as error:
            if key and error.code == _WRITE_CONFLICT:
                self._keys.add(key)
            raise

    def _seen_of(self, collection: str) -> dict[str, Document | None]:
        """By `_id` as text: that of a vote has no hash."""
        return self._seen.setdefault(collection, {})


def _differ(stored: Any, value: Any) -> bool:
    if isinstance(stored, datetime) and isinstance(value, datetime):
        return utc(stored) != utc(value)
    return bool(stored != value)


def _holding(fields: Mapping[str, Any]) -> Document:
    """MongoDB takes an update that changes nothing for none; this one always does."""
    return {"$set": fields, "$inc": {"revision": 1}}


async def transaction(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """What `work` gives, once all it wrote is with a majority of the replica set. It may be called several
    times, each time with a transaction in which nothing has happened.

    Raises what `work` raises, when nothing of it is kept; PyMongoError when MongoDB stays unreachable. In a
    scope: DatabaseAwayError then; DeadlineError past the deadline; OutcomeUnknownError where a commit was
    under way by then.
    """
    scope = current_scope.get()
    deadline, pause = scope.deadline if scope else monotonic() + _LONGEST, _FIRST_PAUSE
    keys: set[str] = set()
    while True:
        known = len(keys)
        if scope:
            await circuit.has_primary(database.client, deadline)
        try:
            async with key_locks.taken(keys, deadline):
                return await _attempt(database, keys, work, deadline)
        except (PyMongoError, DatabaseAwayError) as error:
            if not _is_transient(error):
                raise
            if monotonic() > deadline:
                raise (DeadlineError() if scope else error) from error
        if len(keys) == known:  # otherwise it waits for its turn
            await sleep(pause * random.random())  # noqa: S311 # so that two that collide don't again
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
    session: Any = database.client.start_session()
    if isawaitable(session):
        session = await session
    started = (session.delegate if isinstance(session, AgnosticBase) else session).start_transaction(
        **_MAJORITY
    )
    if isawaitable(started):
        await started
    try:
        result = await work(Transaction(database, session, keys))
    except BaseException:
        with suppress(DeadlineError):
            await detached.outcome(detached.start_detached(_ended(session)), deadline)
        raise
    await _committed(session, deadline)
    return result


async def _committed(session: Any, deadline: float) -> None:
    """Commits, whatever the time. Raises OutcomeUnknownError at the deadline."""
    scope, commit = current_scope.get(), detached.start_detached(_commit(session))
    try:
        await detached.outcome(commit, deadline, "commit")
    except DeadlineError:
        raise OutcomeUnknownError(commit) from None
    finally:
        if scope:
            scope.wrote = True


async def _commit(session: Any) -> None:
    """Until the outcome is known, also when nobody waits for it any more: an abandoned commit would keep its
    locks in MongoDB. One that was made once stays made once.
    """
    until = monotonic() + _FOLLOWED_UP
    try:
        while True:
            take_time(_COMMIT)
            try:
                await commands.send(session, "commitTransaction", lambda own: own.commit_transaction())
            except (PyMongoError, DeadlineError, DatabaseAwayError) as error:
                if isinstance(error, PyMongoError) and not _may_be_made(error):
                    raise
                if monotonic() > until:
                    await _kill(session)
                    raise
                await sleep(_FIRST_PAUSE)
            else:
                return
    finally:
        await _ended(session)


def _may_be_made(error: PyMongoError) -> bool:
    """Whether a commit that failed so may have been made: that is not known, or a majority has it not yet."""
    return (
        error.has_error_label(_UNKNOWN)
        or isinstance(error, WriteConcernError)
        or getattr(error, "code", None) == INTERRUPTED
    )


async def _ended(session: Any) -> None:
    """Aborts what isn't committed. Where that fails, app.background ends it."""
    take_time(_ABORT)
    with suppress(PyMongoError, DeadlineError, DatabaseAwayError):
        await commands.send(session, "abortTransaction", lambda own: own.end_session())


async def _kill(session: Any) -> None:
    take_time(_ABORT)
    ids = [session.session_id]
    with suppress(PyMongoError, DeadlineError, DatabaseAwayError):
        admin = session.client["admin"]
        await commands.send(admin, "killSessions", lambda own: own.command("killSessions", ids))
