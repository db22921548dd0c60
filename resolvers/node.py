"""Node: anything by its global ID, and the global IDs."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from loaders.batching import ByKey
from resolvers import ids, permissions
from resolvers.context import Context
from resolvers.course import visible
from resolvers.errors import BadUserInputError

MOST = 100

#: The collection that the documents of a type come from.
COLLECTIONS: Mapping[str, str] = {
    "Category": "categories",
    "Course": "courses",
    "CourseRun": "courseRuns",
    "Enrollment": "enrollments",
    "Instructor": "instructors",
    "Review": "reviews",
    "Student": "students",
}

#: The type whose documents have the keys of another type's objects.
PARTS: Mapping[str, str] = {"RatingSummary": "Course"}


async def nodes_by_id(
    ctx: Context, global_ids: Sequence[str], most: int = MOST
) -> list[dict[str, Any] | None]:
    """One entry per ID, in order: the document with its type under `__typename`, or None for what is unknown,
    foreign or hidden from the viewer. One command for each type.

    Raises BadUserInputError for more than 100 IDs.
    """
    if len(global_ids) > most:
        raise BadUserInputError(f"`ids` has {len(global_ids)} entries: it takes at most {most}.")
    decoded = [ids.decode(global_id) for global_id in global_ids]
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
    load, sees = _types(ctx)[type_name]
    documents = await load(keys)
    if type_name == "Course":
        documents = await visible(ctx, documents)
    return [{**d, "__typename": type_name} if d and sees(d) else None for d in documents]


def _types(ctx: Context) -> Mapping[str, tuple[ByKey[Any], Callable[[Any], bool]]]:
    """How each type is loaded, and who sees one."""
    loaders, viewer = ctx.loaders, ctx.viewer
    return {
        "Category": (loaders.category_by_id, lambda _: True),
        "Course": (loaders.course_by_id, lambda _: True),
        "CourseRun": (loaders.course_run_by_id, partial(permissions.sees_course_run, viewer)),
        "Enrollment": (loaders.enrollment_by_id, partial(permissions.sees_enrollment, viewer)),
        "Instructor": (loaders.instructor_by_id, lambda _: True),
        "Review": (loaders.review_by_id, partial(permissions.sees_review, viewer)),
        "Student": (loaders.student_by_id, lambda _: True),
    }
