"""Sends `find` through the blocking driver as a bare command; and look-ups, which can share a `find`.

A bare command bypasses the driver's cursors, because a single reply doesn't need a cursor.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple, TypeAlias

from bson import ObjectId
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from loaders.mongo.bson_types import Document, DriverObject, Filter, Option, Result, Stored, Value

#: Error codes after which a read is retried. They are the codes in MongoDB's retryable reads specification
#: that the driver doesn't raise as AutoReconnect.
_RETRIED = frozenset((6, 7, 89, 134, 262, 9001))
_OPTIONS = frozenset(("projection", "sort", "limit"))

Projection: TypeAlias = Mapping[str, int] | None

#: Fetches documents by a field. Takes a collection of the driver, the field, its values and the projection.
ByKeys: TypeAlias = Callable[[DriverObject, str, Sequence[Value], Projection], Result]

#: Python and MongoDB agree on which of these values are equal. On numbers they don't: True is 1 in Python.
_COMPARABLE = {str, ObjectId}


class Lookup(NamedTuple):
    """What a command looks up: the documents of a collection whose unique field has one of these keys.

    Commands of several requests whose look-ups are alike can be sent as one.
    """

    collection: DriverObject
    by_keys: ByKeys
    field: str
    keys: Sequence[Value]
    projection: Projection

    def kind(self) -> Hashable:
        """Returns a value that is the same for all look-ups that are alike; None if no other is like this."""
        if not {type(key) for key in self.keys} <= _COMPARABLE:
            return None
        projection = self.projection if self.projection is None else tuple(self.projection.items())
        return id(self.collection), self.field, projection

    def fetch(self, raw: DriverObject) -> Result:
        """Sends the look-up. raw: the driver's collection."""
        return self.by_keys(raw, self.field, self.keys, self.projection)

    def together(self, others: Iterable["Lookup"]) -> "Lookup":
        """Returns a look-up of all keys of this one and of others that are like it."""
        keys = dict.fromkeys(chain(self.keys, *(other.keys for other in others)))
        return self._replace(keys=list(keys))

    def own(self, found: Mapping[Value, Stored]) -> list[Stored]:
        """Returns the documents with this look-up's keys. found: documents by their keys."""
        return [found[key] for key in dict.fromkeys(self.keys) if key in found]


def keyed(asked: Lookup, documents: Sequence[Stored]) -> dict[Value, Stored] | None:
    """Maps keys to their documents; returns None if a document has none of the keys that were asked for.

    A field that holds a list matches a key that is in the list.
    """
    found: dict[Value, Stored] = {}
    keys = set(asked.keys)
    for document in documents:
        key = document.get(asked.field)
        if type(key) not in _COMPARABLE or key not in keys:
            return None
        found.setdefault(key, document)
    return found


def by_keys(
    collection: DriverObject, field: str, keys: Sequence[Value], projection: Projection
) -> list[Stored]:
    """Looks up documents through the blocking driver."""
    options = {"projection": projection}
    if len(keys) > 1:
        return find(collection, {field: {"$in": keys}}, len(keys), options)
    # The driver and MongoDB have a fast path for a single document. $eq keeps a key from being read as an
    # operator.
    one = find_one(collection, {field: {"$eq": keys[0]}}, options)
    return [one] if one is not None else []


async def by_keys_async(
    collection: DriverObject, field: str, keys: Sequence[Value], projection: Projection
) -> list[Stored]:
    """Looks up documents through PyMongo's async client, as `by_keys` does."""
    if len(keys) > 1:
        found = collection.find({field: {"$in": keys}}, projection=projection, batch_size=len(keys) + 1)
        documents: list[Stored] = await found.to_list(None)
        return documents
    one = await collection.find_one({field: {"$eq": keys[0]}}, projection=projection)
    return [one] if one is not None else []


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
