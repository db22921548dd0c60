"""Hides fetched documents that the viewer is not allowed to see."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from bson import ObjectId

from loaders.collections import COLLECTIONS, EVERYONE
from loaders.mongo import Fields
from loaders.reading import NO_OWNERS, Owners, owners_by_id
from resolvers.access import permissions
from resolvers.context import Context


async def visible(
    ctx: Context, collection: str, documents: Sequence[Any]
) -> list[Any]:  # Any, because each collection has its own TypedDict
    """Returns documents in order, with None in place of each document that the viewer may not see.

    Sends at most one command, to look up owners and the status of courses if visibility depends on them.
    """
    if COLLECTIONS[collection].seen_by == EVERYONE:
        return list(documents)
    viewer = ctx.viewer
    undecided = [d for d in documents if d is not None and not permissions.sees(viewer, collection, d)]
    if not undecided:
        return list(documents)
    owners = await _owners(ctx, collection, undecided)
    return [
        d
        if d is not None and permissions.sees(viewer, collection, d, owners.get(d["_id"], NO_OWNERS))
        else None
        for d in documents
    ]


async def runs_with_visible_roster(ctx: Context, ids: Sequence[ObjectId]) -> Set[ObjectId]:
    """Returns the runs whose enrolments the viewer may see.

    Sends at most one command, to look up who teaches the runs if it depends on that.
    """
    viewer, rule = ctx.viewer, "CourseRun.enrollments"
    if permissions.allows(viewer, rule):
        return set(ids)
    if not permissions.may_own(viewer, rule):
        return set()
    owners = await owners_by_id(ctx.loaders.database["courseRuns"], list(dict.fromkeys(ids)))
    return {
        run
        for run, owned in owners.items()
        if permissions.allows(viewer, rule, instructor_ids=owned.instructor_ids)
    }


async def _owners(ctx: Context, collection: str, documents: Sequence[Fields]) -> Mapping[ObjectId, Owners]:
    """Maps each document's `_id` to its owners and its course's status.

    Looks up only what can affect whether the viewer may see the documents.
    """
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
