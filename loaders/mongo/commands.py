"""The functions that send commands to MongoDB, through Motor or PyMongo's async client."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from inspect import isawaitable
from operator import attrgetter
from time import perf_counter
from typing import Any, TypeAlias

from bson import ObjectId
from motor.core import AgnosticBase, AgnosticCollection
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    ConnectionFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from loaders.mongo import circuit, finds
from loaders.mongo.async_commands import Awaited
from loaders.mongo.bson_types import (
    Document,
    DriverCall,
    DriverObject,
    Expression,
    Filter,
    Option,
    Result,
    Stored,
    Value,
)
from loaders.mongo.command_errors import ClientGoneError, DatabaseAwayError, DeadlineError
from loaders.mongo.database import Collection, DriverDatabase
from loaders.mongo.finds import Lookup
from loaders.mongo.queue import queue_of
from loaders.mongo.scope import (
    CommandSent,
    OnCommand,
    Scope,
    current_level,
    current_scope,
    note_joined,
    note_read,
)
from loaders.mongo.threads import Call

_COLLECTIONS = (AgnosticCollection, AsyncCollection)
_READS = frozenset(("find", "aggregate", "count"))

Pipeline: TypeAlias = Sequence[Expression]

#: Returns the twelve bytes of an ObjectId. It is called for almost every id in a response, so it reads the
#: slot behind the property `binary`, which saves a call.
id_bytes: Callable[[ObjectId], bytes] = attrgetter("_ObjectId__id")


async def aggregate(
    target: Collection | DriverDatabase,
    pipeline: Pipeline,
    *,
    size: int,
    collection: str = "",
    **options: Option,
) -> list[Document]:
    """Returns all results of a pipeline.

    size: the maximum number of results. It becomes the batch size, so that one round trip is enough.
    collection: the name of the collection that the pipeline reads. Listeners need it if the target is a
    database.
    """

    def results(raw: DriverObject) -> Result:
        cursor = raw.aggregate(pipeline, batchSize=size + 1, **options)
        return _listed(cursor) if isawaitable(cursor) else cursor.to_list(None)

    note_joined(pipeline)
    found: list[Document] = await send(target, "aggregate", results, collection)
    return found


async def find(collection: Collection, query: Filter, *, size: int, **options: Option) -> list[Stored]:
    """Returns all documents that match a query, in one round trip.

    size: the maximum number of documents that can match.
    """
    if isinstance(collection, AgnosticCollection):
        call: DriverCall = lambda raw: finds.find(raw, query, size, options)  # noqa: E731
    else:
        call = lambda raw: raw.find(query, batch_size=size + 1, **options).to_list(None)  # noqa: E731
    found: list[Stored] = await send(collection, "find", call)
    return found


def lookup(
    collection: Collection, field: str, keys: Sequence[Value], projection: Mapping[str, int] | None
) -> Coroutine[Any, Any, list[Stored]]:
    """Returns the documents whose unique field has one of these keys, in any order.

    If the command is queued, it may be merged with look-ups that differ only in their keys.
    """
    is_motor = isinstance(collection, AgnosticCollection)
    by_keys = finds.by_keys if is_motor else finds.by_keys_async
    asked = Lookup(collection, by_keys, field, keys, projection)
    return send(collection, "find", asked.fetch, lookup=asked)


def find_one(collection: Collection, query: Filter, **options: Option) -> Coroutine[Any, Any, Result]:
    """Returns the first document that matches a query, or None."""
    if isinstance(collection, AgnosticCollection):
        return send(collection, "find", lambda raw: finds.find_one(raw, query, options))
    return send(collection, "find", lambda raw: raw.find_one(query, **options))


async def count(collection: Collection, query: Filter) -> int:
    """Counts the documents that match a query."""
    number: int = await send(collection, "aggregate", lambda raw: raw.count_documents(query))
    return number


async def estimated_count(collection: Collection) -> int:
    """Returns the number of documents in a collection, from its metadata."""
    number: int = await send(collection, "count", lambda raw: raw.estimated_document_count())
    return number


async def _listed(cursor: Awaitable[Any]) -> list[Document]:  # Any: PyMongo's async cursor
    documents: list[Document] = await (await cursor).to_list(None)
    return documents


def send(
    target: DriverObject,
    kind: str,
    call: DriverCall,
    collection: str = "",
    lookup: Lookup | None = None,
) -> Coroutine[Any, Any, Result]:
    """Sends a command and returns its result.

    call: sends the command through a PyMongo object. If `target` belongs to Motor, `call` runs in a thread,
    with the blocking object that `target` wraps. Motor's own `to_list` isn't used, because it collects the
    documents one by one on the event loop.
    kind: the name of the MongoDB command, for listeners.
    collection: the name of the collection, for listeners, if `target` isn't a collection.
    lookup: what `call` looks up, if the command may be merged with others.

    In a request's scope, raises DeadlineError after the deadline, DatabaseAwayError if no primary can be
    reached, and ClientGoneError once the client has disconnected.
    """
    scope = current_scope.get()
    if scope is not None and scope.reads is not None and kind in _READS and isinstance(target, _COLLECTIONS):
        note_read(target)
    if scope is None:
        return _called(target, call, lookup)
    (scope.counted_by or scope).sent += 1
    if scope.on_command is None:
        return _called(target, call, lookup)
    return _observed(target, kind, call, collection, lookup, scope.on_command)


async def _called(target: DriverObject, call: DriverCall, lookup: Lookup | None) -> Result:
    command = _command(target, call, lookup)
    return await _outcome(command)


async def _observed(
    target: DriverObject,
    kind: str,
    call: DriverCall,
    collection: str,
    lookup: Lookup | None,
    on_command: OnCommand,
) -> Result:
    """Sends a command as `_called` does, and notifies a listener afterwards.

    The driver's own CommandListener isn't used, because it would make every command a tenth slower, even
    when there is no listener to notify.
    """
    command = _command(target, call, lookup)
    documents: int | None = None
    failure = ""
    try:
        result = await _outcome(command)
        if kind in {"find", "aggregate"}:
            documents = len(result) if isinstance(result, list) else int(result is not None)
        return result
    except BaseException as error:
        failure = type(error).__name__
        raise
    finally:
        end = command.ended or perf_counter()  # the command goes on if it is interrupted
        # A command that was cancelled in the queue took no time.
        start = (command.carrier or command).sent or end
        ms = (end - start) * 1000
        name = target.name if isinstance(target, _COLLECTIONS) else collection
        level = current_level.get()
        on_command(CommandSent(kind, name, ms, documents, start, level, failure, command.is_merged))


def _command(target: DriverObject, call: DriverCall, lookup: Lookup | None) -> Call | Awaited:
    scope, client = current_scope.get(), client_of(target)
    if isinstance(target, AgnosticBase):
        return Call(scope, client, queue_of(client), call, target.delegate, lookup)
    return Awaited(scope, client, queue_of(client), call, target, lookup)


async def _outcome(command: Call | Awaited) -> Result:
    """Queues a command and waits for its result, at most until the request's deadline."""
    scope, client, queue = command.scope, command.client, command.queue
    if scope is None:
        queue.submit(command)
        return await command.outcome()
    if isinstance(command, Awaited):
        # If there is no primary, this check makes the command fail fast. Without the check, the driver would
        # look for a primary until the request's deadline.
        circuit.check(client)
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


def client_of(target: DriverObject) -> DriverObject:
    """Returns the client of a collection, a database or a session."""
    return target.database.client if isinstance(target, _COLLECTIONS) else target.client


def _request_error(error: PyMongoError, scope: Scope, client: DriverObject) -> Exception:
    """Converts a command's error to the error that the request raises."""
    if scope.gone:
        return ClientGoneError()
    if isinstance(error, ConnectionFailure) and not isinstance(error, WaitQueueTimeoutError):
        circuit.suspect(client)
    if isinstance(error, ServerSelectionTimeoutError):
        return DatabaseAwayError(str(error))
    if error.timeout or (scope.remaining <= 0 and not isinstance(error, ConnectionFailure)):
        return DeadlineError()
    return error
