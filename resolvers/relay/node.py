"""Node: anything by its global ID, and the global IDs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loaders.collections import of_type
from resolvers.access import visible
from resolvers.context import Context
from resolvers.errors import BadUserInputError
from resolvers.relay import ids

MOST_IDS = 100


async def nodes_by_id(
    ctx: Context, global_ids: Sequence[str], most: int = MOST_IDS
) -> list[dict[str, Any] | None]:
    """One entry per ID, in order: the document with its type under `__typename`, or None for what is unknown,
    foreign or hidden from the viewer. One command for each type, and what `visible` takes.

    Raises BadUserInputError for more than 100 IDs.
    """
    if len(global_ids) > most:
        raise BadUserInputError(f"`ids` has {len(global_ids)} entries: it takes at most {most}.")
    decoded = [ids.decode_id(global_id) for global_id in global_ids]
    found: dict[ids.GlobalId, dict[str, Any] | None] = {}
    for type_name in dict.fromkeys(key.type_name for key in decoded if key):
        keys = [key for key in decoded if key and key.type_name == type_name]
        documents = await _visible(ctx, type_name, [key.id for key in keys])
        found |= dict(zip(keys, documents, strict=True))
    return [found.get(key) if key else None for key in decoded]


def global_id(type_name: str) -> Callable[[Mapping[str, Any]], str]:
    """The function that gives the global ID of a document of a type."""
    return ids.encoder(type_name)


async def _visible(ctx: Context, type_name: str, keys: Sequence[Any]) -> list[dict[str, Any] | None]:
    row = of_type(type_name)
    assert row is not None  # noqa: S101  # an ID was decoded by its row
    found = await ctx.loaders.by_key(row.name)(keys)
    documents = await visible(ctx, row.name, found)
    return [{**d, "__typename": type_name} if d is not None else None for d in documents]
