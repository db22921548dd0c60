"""Node: anything by its global ID, and the global IDs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loaders.reading.batching import ByKey
from resolvers.access.visibility import visible
from resolvers.context import Context
from resolvers.errors import BadUserInputError
from resolvers.relay import ids

MOST = 100

#: The collection that the documents of a type come from.
COLLECTIONS: Mapping[str, str] = {
    "AuditEntry": "auditLog",
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
    foreign or hidden from the viewer. One command for each type, and what `visible` takes.

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
    found = await _loader(ctx, type_name)(keys)
    documents = await visible(ctx, COLLECTIONS[type_name], found)
    return [{**d, "__typename": type_name} if d is not None else None for d in documents]


def _loader(ctx: Context, type_name: str) -> ByKey[Any]:
    loaders: Mapping[str, ByKey[Any]] = {
        "AuditEntry": ctx.loaders.audit_entry_by_id,
        "Category": ctx.loaders.category_by_id,
        "Course": ctx.loaders.course_by_id,
        "CourseRun": ctx.loaders.course_run_by_id,
        "Enrollment": ctx.loaders.enrollment_by_id,
        "Instructor": ctx.loaders.instructor_by_id,
        "Review": ctx.loaders.review_by_id,
        "Student": ctx.loaders.student_by_id,
    }
    return loaders[type_name]
