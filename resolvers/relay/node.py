"""Resolves the `node` and `nodes` fields, and the `id` field of every Node type."""

from collections.abc import Callable, Sequence

from bson import ObjectId

from loaders.collections import of_type
from loaders.model import Document
from loaders.mongo import Fields
from resolvers.access import visible
from resolvers.context import Context
from resolvers.errors import BadUserInputError
from resolvers.relay import ids

MOST_IDS = 100


async def nodes_by_id(ctx: Context, global_ids: Sequence[str], most: int = MOST_IDS) -> list[Document | None]:
    """Loads objects by their global IDs. Returns one entry per ID, in order.

    An entry is the document, with its type added as `__typename`, or None if the ID is invalid or unknown, or
    the object is hidden from the viewer. Sends one command per type to load the documents, and another if
    their visibility has to be looked up. Raises BadUserInputError if there are more than `most` IDs.
    """
    if len(global_ids) > most:
        message = f"`ids` has {len(global_ids)} entries, but at most {most} are allowed."
        raise BadUserInputError(message, "TOO_LONG", max=most)
    decoded = [ids.decode_id(global_id) for global_id in global_ids]
    found: dict[ids.GlobalId, Document | None] = {}
    for type_name in dict.fromkeys(key.type_name for key in decoded if key):
        keys = [key for key in decoded if key and key.type_name == type_name]
        documents = await _visible(ctx, type_name, [key.id for key in keys])
        found |= dict(zip(keys, documents, strict=True))
    return [found.get(key) if key else None for key in decoded]


def global_id(type_name: str) -> Callable[[Fields], str]:
    """Returns a function that encodes the global ID of any document of this type."""
    return ids.encoder(type_name)


async def _visible(ctx: Context, type_name: str, keys: Sequence[ObjectId]) -> list[Document | None]:
    """Loads documents of one type. A document that is missing or hidden from the viewer becomes None."""
    row = of_type(type_name)
    assert row is not None  # noqa: S101  # an ID of this type was decoded by its row
    found = await ctx.loaders.by_key(row.name)(keys)
    documents = await visible(ctx, row.name, found)
    return [{**d, "__typename": type_name} if d is not None else None for d in documents]
