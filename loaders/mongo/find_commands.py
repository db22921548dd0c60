"""Finds of the blocking driver, sent as commands: what comes in one reply needs no cursor of it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError

#: Codes of errors after which a read is tried again: those of the specification of retryable reads that the
#: driver doesn't raise as AutoReconnect.
_RETRIED = frozenset((6, 7, 89, 134, 262, 9001))
_OPTIONS = frozenset(("projection", "sort", "limit"))


def find(own: Any, query: Mapping[str, Any], size: int, options: Mapping[str, Any]) -> list[Any]:
    """All documents of a query, of which there are at most `size`. own: PyMongo's blocking collection.

    options: projection, sort and limit; with others, or for a collection with a read concern, by a cursor.
    """
    reply = _reply(own, {"filter": query, "batchSize": size + 1}, options)
    if reply is None:
        return own.find(query, batch_size=size + 1, **options).to_list(None)  # type: ignore[no-any-return]
    cursor = reply["cursor"]
    if cursor["id"]:  # more than fits into one reply of MongoDB
        with suppress(PyMongoError):
            own.database.command("killCursors", own.name, cursors=[cursor["id"]])
        return own.find(query, batch_size=size + 1, **options).to_list(None)  # type: ignore[no-any-return]
    return cursor["firstBatch"]  # type: ignore[no-any-return]


def find_one(own: Any, query: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The first document of a query, or None, as `find`."""
    reply = _reply(own, {"filter": query, "limit": 1, "singleBatch": True}, options)
    if reply is None:
        return own.find_one(query, **options)
    batch = reply["cursor"]["firstBatch"]
    return batch[0] if batch else None


def _reply(own: Any, arguments: dict[str, Any], options: Mapping[str, Any]) -> Any:
    """None where it is the cursor's: what the command can't be, and a second try."""
    if not options.keys() <= _OPTIONS or own.read_concern.level:
        return None
    command = {"find": own.name, **arguments}
    if sort := options.get("sort"):
        command["sort"] = dict(sort)
    if projection := options.get("projection"):
        is_names = not isinstance(projection, Mapping)
        command["projection"] = dict.fromkeys(projection, 1) if is_names else projection
    if limit := options.get("limit"):
        command["limit"] = limit
    try:
        return own.database.command(
            command, read_preference=own.read_preference, codec_options=own.codec_options
        )
    except (AutoReconnect, OperationFailure) as error:
        if not own.database.client.options.retry_reads or not _may_succeed(error):
            raise
        return None


def _may_succeed(error: PyMongoError) -> bool:
    """Whether the read is to be tried again; without a server for it, it was tried long enough."""
    if isinstance(error, OperationFailure):
        return error.code in _RETRIED
    return not isinstance(error, ServerSelectionTimeoutError)
