"""Checks that a slug is free."""

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.mongo import Transaction
from loaders.text import slug_is_taken
from resolvers.errors import RefusedError, refusal

_MESSAGES = {
    "now": "Another {noun} has this slug.",
    "formerly": "Another {noun} used to have this slug, and old links still lead to that {noun}.",
}


async def slug_refusal(
    tx: Transaction, collection: str, slug: str, own_id: ObjectId | None = None
) -> RefusedError | None:
    """Returns the refusal of a slug that another document of the collection has or had; None if it is free.

    own_id: the `_id` of the document that gets the slug, if it exists already.
    """
    taken = await slug_is_taken(tx, collection, slug, own_id)
    noun = COLLECTIONS[collection].noun
    return refusal("DUPLICATE", _MESSAGES[taken].format(noun=noun), "slug") if taken else None
