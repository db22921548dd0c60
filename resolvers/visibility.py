"""What a viewer sees of documents that were fetched."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import loaders.owners
from resolvers import permissions
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


async def visible(ctx: Context, collection: str, found: Sequence[Any]) -> list[Any]:
    """Those of a collection's documents that the viewer sees; None in the places of the others.

    One command where it depends on whose a document is; none for what everyone sees, nor for the public.
    """
    if collection not in _SEEN:
        return list(found)
    viewer, (sees, rules) = ctx.viewer, _SEEN[collection]
    unseen = [d["_id"] for d in found if d is not None and not sees(viewer, d)]
    if not unseen:
        return list(found)
    owners: Mapping[Any, Any] = {}
    if permissions.may_own(viewer, *rules):
        owners = await loaders.owners.by_id(ctx.loaders.database[collection], unseen)
    nobody = loaders.owners.NOBODY
    return [d if d is not None and sees(viewer, d, owners.get(d["_id"], nobody)) else None for d in found]
