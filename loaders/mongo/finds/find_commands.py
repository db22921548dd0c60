"""Sends `find` through the blocking driver as a bare command.

It bypasses the driver's cursors, because a single reply doesn't need a cursor.
"""

from collections.abc import Mapping
from contextlib import suppress

from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from loaders.mongo.bson_types import Document, DriverObject, Filter, Option, Stored, Value

#: Error codes after which a read is retried. They are the codes in MongoDB's retryable reads specification
#: that the driver doesn't raise as AutoReconnect.
_RETRIED = frozenset((6, 7, 89, 134, 262, 9001))
_OPTIONS = frozenset(("projection", "sort", "limit"))


def find(collection: DriverObject, query: Filter, size: int, options: Mapping[str, Option]) -> list[Stored]:
    """Returns all documents that match a query. Avoids the driver's cursor where possible.

    The cursor is used if the collection has a read concern, or if there are options other than projection,
    sort and limit. collection: a collection of PyMongo's blocking client. size: the maximum number of
    documents that can match.
    """
    reply = _reply(collection, {"filter": query, "batchSize": size + 1}, options)
    if reply is not None:
        cursor = reply["cursor"]
        if not cursor["id"]:
            batch: list[Stored] = cursor["firstBatch"]
            return batch
        # The documents don't fit into one reply. Close this cursor, and start again with the driver's `find`.
        with suppress(PyMongoError):
            collection.database.command("killCursors", collection.name, cursors=[cursor["id"]])
    found: list[Stored] = collection.find(query, batch_size=size + 1, **options).to_list(None)
    return found


def find_one(collection: DriverObject, query: Filter, options: Mapping[str, Option]) -> Stored:
    """Returns the first document that matches a query, or None. See `find` for the parameters."""
    reply = _reply(collection, {"filter": query, "limit": 1, "singleBatch": True}, options)
    if reply is None:
        return collection.find_one(query, **options)
    batch = reply["cursor"]["firstBatch"]
    return batch[0] if batch else None


def _reply(collection: DriverObject, arguments: Document, options: Mapping[str, Option]) -> Value:
    """Sends the command and returns MongoDB's reply.

    Returns None if the options or the read concern are not supported here, or if the command failed but can
    be retried. The caller must then use the driver's own method.
    """
    if not options.keys() <= _OPTIONS or collection.read_concern.level:
        return None
    command = {"find": collection.name, **arguments}
    if sort := options.get("sort"):
        command["sort"] = dict(sort)
    if projection := options.get("projection"):
        is_names = not isinstance(projection, Mapping)
        command["projection"] = dict.fromkeys(projection, 1) if is_names else projection
    if limit := options.get("limit"):
        command["limit"] = limit
    try:
        return collection.database.command(
            command, read_preference=collection.read_preference, codec_options=collection.codec_options
        )
    except (AutoReconnect, OperationFailure) as error:
        if not collection.database.client.options.retry_reads or not _may_succeed(error):
            raise
        return None


def _may_succeed(error: PyMongoError) -> bool:
    """Returns whether a failed read should be retried.

    If no server was found, a retry is pointless, because the driver has already looked for one until its
    timeout.
    """
    if isinstance(error, OperationFailure):
        return error.code in _RETRIED
    return not isinstance(error, ServerSelectionTimeoutError)
