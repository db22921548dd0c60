"""What a viewer sees of documents that were fetched."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from loaders.reading import ownership
from loaders.reading.ownership import Owners
from resolvers.access import permissions
from resolvers.context import Context


class _Seen(NamedTuple):
    """Who sees a document, and the rules that tell."""

    by: Callable[..., bool]
    rules: Sequence[str]


#: The collections that not everyone sees all of.
_SEEN: Mapping[str, _Seen] = {
    "auditLog": _Seen(permissions.sees_audit_entry, ["Query.auditLog"]),
    "courses": _Seen(permissions.sees_course, ["Course.draft"]),
    "courseRuns": _Seen(permissions.sees_course_run, ["Course.draft"]),
    "enrollments": _Seen(permissions.sees_enrollment, ["Enrollment"]),
    "reviews": _Seen(permissions.sees_review, ["Course.draft", "Review.unpublished"]),
}
_HIDDEN_WITH_COURSE = {"courseRuns", "reviews"}


async def visible(ctx: Context, collection: str, found: Sequence[Any]) -> list[Any]:
    """Those of a collection's documents that the viewer sees; None in the places of the others.

    One command where it depends on whose a document is, or on the course that it is hidden with; none for
    what everyone sees.
    """
    if collection not in _SEEN:
        return list(found)
    viewer, (sees, rules) = ctx.viewer, _SEEN[collection]
    nobody = ownership.NOBODY
    unseen = [d for d in found if d is not None and not sees(viewer, d, nobody)]
    if not unseen:
        return list(found)
    owners = await _owners(ctx, collection, rules, unseen)
    return [d if d is not None and sees(viewer, d, owners.get(d["_id"], nobody)) else None for d in found]


async def _owners(
    ctx: Context, collection: str, rules: Sequence[str], documents: Sequence[Any]
) -> Mapping[Any, Owners]:
    """What the viewer's seeing a document depends on, by its `_id`."""
    if permissions.may_own(ctx.viewer, *rules):
        return await ownership.by_id(ctx.loaders.database[collection], [d["_id"] for d in documents])
    if collection not in _HIDDEN_WITH_COURSE:
        return {}
    courses = await ctx.loaders.course_status_by_id([document["courseId"] for document in documents])
    return {
        document["_id"]: Owners(course_status=course["status"])
        for document, course in zip(documents, courses, strict=True)
        if course is not None
    }
