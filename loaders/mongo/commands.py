"""The few functions that talk to MongoDB. They are the same for Motor and PyMongo's async client."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from inspect import isawaitable
from operator import attrgetter
from time import perf_counter
from typing import Any, TypeAlias

from bson import ObjectId
from motor.core import AgnosticBase, AgnosticCollection
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConnectionFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from loaders.mongo import circuit, find_commands
from loaders.mongo.async_commands import Awaited
from loaders.mongo.command_errors import ClientGoneError, DatabaseAwayError, DeadlineError
from loaders.mongo.filters import Filter
from loaders.mongo.queue import running
from loaders.mongo.scope import CommandSent, OnCommand, Scope, current_scope, note_read
from loaders.mongo.threads import Call

_Document: TypeAlias = dict[str, Any]  # what BSON holds

#: Motor's classes have the same methods (app.database says where they differ), so these types stand for both.
Database = AsyncDatabase[_Document]
Collection = AsyncCollection[_Document]

_Client: TypeAlias = Any  # Motor's or PyMongo's: they share no base class
_Target: TypeAlias = Any  # a collection, a database or a session of either client
_Raw: TypeAlias = Any  # what a command is called on: the target; for Motor, the blocking object within it
_Result: TypeAlias = Any  # whatever the command returns; its caller knows

_Command: TypeAlias = Callable[[_Raw], _Result]
_Sent: TypeAlias = Coroutine[Any, Any, _Result]  # what `async def` returns

_COLLECTIONS = (AgnosticCollection, AsyncCollection)
_READS = frozenset(("find", "aggregate", "count"))

Pipeline: TypeAlias = Sequence[Mapping[str, Any]]  # aggregation stages, of nested operators

#: The twelve bytes of an ObjectId.
id_bytes: Callable[[ObjectId], bytes] = attrgetter("binary")


async def aggregate(
    target: Collection | Database, pipeline: Pipeline, *, size: int, **options: object
) -> list[_Document]:
    """Returns all results of a pipeline.

    size: the most results there can be. It becomes the batch size, so that one round trip is enough.
    """

    def results(raw: _Raw) -> _Result:
        cursor = raw.aggregate(pipeline, batchSize=size + 1, **options)
        return _listed(cursor) if isawaitable(cursor) else cursor.to_list(None)

    found: list[_Document] = await send(target, "aggregate", results)
    return found


async def find(collection: Collection, query: Filter, *, size: int, **options: object) -> list[Any]:
    """Returns all documents of a query, which are at most `size`, in one round trip."""
    if isinstance(collection, AgnosticCollection):
        call: _Command = lambda raw: find_commands.find(raw, query, size, options)  # noqa: E731
    else:
        call = lambda raw: raw.find(query, batch_size=size + 1, **options).to_list(None)  # noqa: E731
    found: list[Any] = await send(collection, "find", call)  # typed by the caller, which knows the collection
    return found


def find_one(collection: Collection, query: Filter, **options: object) -> _Sent:
    """Returns the first document of a query, or None."""
    if isinstance(collection, AgnosticCollection):
        return send(collection, "find", lambda raw: find_commands.find_one(raw, query, options))
    return send(collection, "find", lambda raw: raw.find_one(query, **options))


async def count(collection: Collection, query: Filter) -> int:
    """Counts the documents that match."""
    number: int = await send(collection, "aggregate", lambda raw: raw.count_documents(query))
    return number


async def estimated_count(collection: Collection) -> int:
    """Returns the number of documents in a collection, from its metadata."""
    number: int = await send(collection, "count", lambda raw: raw.estimated_document_count())
    return number


async def _listed(cursor: Awaitable[Any]) -> list[_Document]:  # Any: PyMongo's async cursor
    documents: list[_Document] = await (await cursor).to_list(None)
    return documents


def send(target: _Target, kind: str, call: _Command) -> _Sent:
    """Sends a command, and returns its result.

    call: makes the command on a collection, a database or a session of PyMongo. For Motor, it is called in
    one of our threads, on the blocking object within Motor's. (Motor does the same in a roundabout way, with
    a cursor of its own, document by document.)
    kind: the name of the MongoDB command, for listeners.

    In a scope, raises DeadlineError past its deadline, DatabaseAwayError if no primary can be reached, and
    ClientGoneError once its client has disconnected.
    """
    scope = current_scope.get()
    if scope is not None and scope.reads is not None and kind in _READS and isinstance(target, _COLLECTIONS):
        note_read(target.name)
    if scope is None or scope.on_command is None:
        return _called(target, call)
    return _observed(target, kind, call, scope.on_command)


async def _observed(target: _Target, kind: str, call: _Command, on_command: OnCommand) -> _Result:
    """Sends a command like `_called`, and notifies a listener.

    (A CommandListener of the driver would add a tenth to the time of every command, needed or not.)
    """
    began = ended = perf_counter()
    documents: int | None = None

    def timed(raw: _Raw) -> _Result:
        nonlocal began, ended
        began = perf_counter()  # anew, because the command may have waited for a thread
        try:
            return call(raw)
        finally:
            ended = perf_counter()

    try:
        result = await _called(target, timed)
        if kind in {"find", "aggregate"}:
            documents = len(result) if isinstance(result, list) else int(result is not None)
        return result
    finally:
        ms = ((ended if isinstance(target, AgnosticBase) else perf_counter()) - began) * 1000
        name = target.name if isinstance(target, _COLLECTIONS) else ""
        on_command(CommandSent(kind, name, ms, documents))


async def _called(target: _Target, call: _Command) -> _Result:
    """Queues a command, and awaits its result until the deadline of its request."""
    scope, client, queue = current_scope.get(), client_of(target), running()
    if isinstance(target, AgnosticBase):
        command: Call | Awaited = Call(scope, client, queue, call, target.delegate)
    else:
        command = Awaited(scope, client, queue, call, target)
    if scope is None:
        queue.submit(command)
        return await command.outcome()
    if isinstance(command, Awaited):
        circuit.check(client)  # at once: the driver would look for a primary until the same deadline
    if circuit.troubled:
        await circuit.passed(client, scope.deadline)
    if scope.gone:
        raise ClientGoneError
    if scope.remaining <= 0:
        raise DeadlineError
    try:
        queue.enter(command, scope)
        return await command.outcome()
    except PyMongoError as error:
        request_error = _request_error(error, scope, client)
        if request_error is error:
            raise
        raise request_error from error
    except CancelledError:
        command.stop(ClientGoneError())
        raise
    finally:
        queue.leave(command)


def client_of(target: _Target) -> _Client:
    """The client of a collection, a database or a session."""
    return target.database.client if isinstance(target, _COLLECTIONS) else target.client


def _request_error(error: PyMongoError, scope: Scope, client: _Client) -> Exception:
    """The error that a request gets for the error of its command."""
    if scope.gone:
        return ClientGoneError()
    if isinstance(error, ConnectionFailure) and not isinstance(error, WaitQueueTimeoutError):
        circuit.suspect(client)
    if isinstance(error, ServerSelectionTimeoutError):
        return DatabaseAwayError(str(error))
    if error.timeout or (scope.remaining <= 0 and not isinstance(error, ConnectionFailure)):
        return DeadlineError()
    return error
