"""What a viewer sees of documents that were fetched."""

from collections.abc import Mapping, Sequence
from typing import Any

from loaders.collections import COLLECTIONS, EVERYONE
from loaders.reading import NOBODY, Owners, owners_by_id
from resolvers.access import permissions
from resolvers.context import Context


async def visible(ctx: Context, collection: str, found: Sequence[Any]) -> list[Any]:
    """Those of a collection's documents that the viewer sees; None in the places of the others.

    One command where it depends on whose a document is, or on the course that it is hidden with; none for
    what everyone sees.
    """
    if COLLECTIONS[collection].seen_by == EVERYONE:
        return list(found)
    viewer, nobody = ctx.viewer, NOBODY
    unseen = [d for d in found if d is not None and not permissions.sees(viewer, collection, d)]
    if not unseen:
        return list(found)
    owners = await _owners(ctx, collection, unseen)
    return [
        d if d is not None and permissions.sees(viewer, collection, d, owners.get(d["_id"], nobody)) else None
        for d in found
    ]


async def _owners(ctx: Context, collection: str, documents: Sequence[Any]) -> Mapping[Any, Owners]:
    """What the viewer's seeing a document depends on, by its `_id`."""
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
