"""Makes room in a collection whose size is bounded."""

from collections.abc import Sequence

from loaders.mongo import Collection, Filter, find, send


async def evict(collection: Collection, query: Filter, order: Sequence[tuple[str, int]], number: int) -> int:
    """Deletes the first of the matching documents in an order. Sends two commands.

    number: the maximum number of documents. Returns how many were deleted.
    """
    found = await find(collection, query, size=number, sort=list(order), limit=number, projection=["_id"])
    ids = {"_id": {"$in": [one["_id"] for one in found]}}
    deleted: int = (await send(collection, "delete", lambda target: target.delete_many(ids))).deleted_count
    return deleted
