"""The newest reviews that courses and students carry, against the listing of reviews."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bson import ObjectId

from loaders import newest_reviews, packed_ids
from loaders.differences import Difference, batches, compared, mended
from loaders.mongo.commands import Database
from loaders.mongo.transactions import Transaction, transaction
from loaders.review import ReviewParent


async def differences(database: Database, *, fix: bool) -> AsyncIterator[list[Difference]]:
    """In batches, mended with `fix`."""
    for collection, parent in newest_reviews.CARRIERS.items():
        async for ids in batches(database, collection):
            check = partial(_listed, collection=collection, parent=parent, ids=ids, fix=fix)
            yield await transaction(database, check)


async def _listed(
    tx: Transaction, *, collection: str, parent: ReviewParent, ids: Sequence[ObjectId], fix: bool
) -> list[Difference]:
    carriers = await tx.find(collection, {"_id": {"$in": ids}}, size=len(ids), projection=["newestReviewIds"])
    true = await newest_reviews.ids_by_parent(tx.database, parent, [c["_id"] for c in carriers], tx.session)
    found = [
        difference
        for carrier, listed in zip(carriers, true, strict=True)
        for difference in compared(collection, carrier, {"newestReviewIds": packed_ids.packed(listed)})
    ]
    return await mended(tx, found, fix=fix)
