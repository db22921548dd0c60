"""Hides fetched documents that the viewer is not allowed to see."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from loaders.collections import COLLECTIONS, EVERYONE
from loaders.reading import NOBODY, Owners, owners_by_id
from resolvers.access import permissions
from resolvers.access.permissions import AnyDocument
from resolvers.context import Context


async def visible(
    ctx: Context, collection: str, documents: Sequence[Any]
) -> list[Any]:  # Any: the TypedDict varies
    """Returns documents in order, with None in place of each one that the viewer is not allowed to see.

    Sends one command if the visibility of a document depends on its owner or on the status of its course, and
    none if everyone may see the documents.
    """
    if COLLECTIONS[collection].seen_by == EVERYONE:
        return list(documents)
    viewer, nobody = ctx.viewer, NOBODY
    undecided = [d for d in documents if d is not None and not permissions.sees(viewer, collection, d)]
    if not undecided:
        return list(documents)
    owners = await _owners(ctx, collection, undecided)
    return [
        d if d is not None and permissions.sees(viewer, collection, d, owners.get(d["_id"], nobody)) else None
        for d in documents
    ]


async def _owners(
    ctx: Context, collection: str, documents: Sequence[AnyDocument]
) -> Mapping[ObjectId, Owners]:
    """Loads the owners and course statuses that decide who may see the documents, keyed by `_id`."""
    if permissions.may_own(ctx.viewer, *permissions.rules_of(collection)):
        ids = [document["_id"] for document in documents]
        return await owners_by_id(ctx.loaders.database[collection], ids)
    if not COLLECTIONS[collection].seen_by.with_course:
        return {}
    courses = await ctx.loaders.course_status_by_id([document["courseId"] for document in documents])
    return {
        document["_id"]: Owners(course_status=course["status"])
        for document, course in zip(documents, courses, strict=True)
        if course is not None
    }
