"""The few ways Lectern talks to MongoDB, the same with Motor and with PyMongo's async client."""

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

from loaders.mongo import circuit, find_commands
from loaders.mongo.async_commands import Awaited
from loaders.mongo.command_errors import ClientGoneError, DatabaseAwayError, DeadlineError
from loaders.mongo.database import Collection, DriverDatabase
from loaders.mongo.queue import queue_of
from loaders.mongo.scope import CommandSent, OnCommand, Scope, current_scope, note_read
from loaders.mongo.threads import Call

_COLLECTIONS = (AgnosticCollection, AsyncCollection)
_READS = frozenset(("find", "aggregate", "count"))

Pipeline: TypeAlias = Sequence[Mapping[str, Any]]

#: The twelve bytes of an ObjectId.
id_bytes: Callable[[ObjectId], bytes] = attrgetter("binary")


async def aggregate(
    target: Collection | DriverDatabase, pipeline: Pipeline, *, size: int, **options: Any
) -> list[dict[str, Any]]:
    """All results of a pipeline. `size` is the most that can come back: it becomes the batch size, so that
    the answer takes one round trip.
    """

    def results(own: Any) -> Any:
        cursor = own.aggregate(pipeline, batchSize=size + 1, **options)
        return _listed(cursor) if isawaitable(cursor) else cursor.to_list(None)

    found: list[dict[str, Any]] = await send(target, "aggregate", results)
    return found


async def find(collection: Collection, query: Mapping[str, Any], *, size: int, **options: Any) -> list[Any]:
    """All documents of a query, at most `size` of them, in one round trip."""
    if isinstance(collection, AgnosticCollection):
        call: Callable[[Any], Any] = lambda own: find_commands.find(own, query, size, options)  # noqa: E731
    else:
        call = lambda own: own.find(query, batch_size=size + 1, **options).to_list(None)  # noqa: E731
    found: list[Any] = await send(collection, "find", call)
    return found


def find_one(collection: Collection, query: Mapping[str, Any], **options: Any) -> Coroutine[Any, Any, Any]:
    """The first document of a query, or None."""
    if isinstance(collection, AgnosticCollection):
        return send(collection, "find", lambda own: find_commands.find_one(own, query, options))
    return send(collection, "find", lambda own: own.find_one(query, **options))


async def count(collection: Collection, query: Mapping[str, Any]) -> int:
    """How many documents match."""
    number: int = await send(collection, "aggregate", lambda own: own.count_documents(query))
    return number


async def estimated_count(collection: Collection) -> int:
    """How many documents a collection has, by its metadata."""
    number: int = await send(collection, "count", lambda own: own.estimated_document_count())
    return number


async def _listed(cursor: Awaitable[Any]) -> Any:
    return await (await cursor).to_list(None)


def send(target: Any, kind: str, call: Callable[[Any], Any]) -> Coroutine[Any, Any, Any]:
    """Sends a command: what `call` returns for a collection, a database or a session of PyMongo. For Motor,
    that is the blocking object within, called in one of our threads. (Motor does the same by longer ways,
    with a cursor of its own, document by document.)

    kind: the name of MongoDB's command, for listeners.

    In a scope: raises DeadlineError past its deadline, DatabaseAwayError where no primary can be reached, and
    ClientGoneError once its client has disconnected.
    """
    scope = current_scope.get()
    if scope is not None and scope.reads is not None and kind in _READS and isinstance(target, _COLLECTIONS):
        note_read(target)
    if scope is None or scope.on_command is None:
        return _called(target, call)
    return _observed(target, kind, call, scope.on_command)


async def _observed(target: Any, kind: str, call: Callable[[Any], Any], on_command: OnCommand) -> Any:
    """As `_called`, with a report of the command. (A CommandListener of the driver costs every command a
    tenth of its time, needed or not.)
    """
    began = ended = perf_counter()
    documents: int | None = None

    def timed(own: Any) -> Any:
        nonlocal began, ended
        began = perf_counter()  # a thread may have been waited for
        try:
            return call(own)
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


async def _called(target: Any, call: Callable[[Any], Any]) -> Any:
    """In its turn, until its request's deadline."""
    scope, client = current_scope.get(), client_of(target)
    queue = queue_of(client)
    if isinstance(target, AgnosticBase):
        command: Call | Awaited = Call(scope, client, queue, call, target.delegate)
    else:
        command = Awaited(scope, client, queue, call, target)
    if scope is None:
        queue.submit(command)
        return await command.outcome()
    if isinstance(command, Awaited):
        circuit.check(client)  # its deadline is the driver's, too, which would look for a primary until then
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
        judged = _judged(error, scope, client)
        if judged is error:
            raise
        raise judged from error
    except CancelledError:
        command.stop(ClientGoneError())
        raise
    finally:
        queue.leave(command)


def client_of(target: Any) -> Any:
    """The client of a collection, a database or a session."""
    return target.database.client if isinstance(target, _COLLECTIONS) else target.client


def _judged(error: PyMongoError, scope: Scope, client: Any) -> Exception:
    """What a command's error means for its request."""
    if scope.gone:
        return ClientGoneError()
    if isinstance(error, ConnectionFailure) and not isinstance(error, WaitQueueTimeoutError):
        circuit.suspect(client)
    if isinstance(error, ServerSelectionTimeoutError):
        return DatabaseAwayError(str(error))
    if error.timeout or (scope.remaining <= 0 and not isinstance(error, ConnectionFailure)):
        return DeadlineError()
    return error
