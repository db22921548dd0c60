"""Resolvers for the fields of the audit log's entries."""

from collections.abc import Sequence

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.model import ActorDoc, ChangeDoc, Document, InstructorDoc, StudentDoc
from resolvers.context import Context
from resolvers.relay import encode_id, nodes_by_id


async def student(actors: Sequence[ActorDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([actor["studentId"] for actor in actors])


async def instructor(actors: Sequence[ActorDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([actor["instructorId"] for actor in actors])


async def node(changes: Sequence[ChangeDoc], ctx: Context) -> Sequence[Document | None]:
    """Returns each changed document in its current state.

    An entry is None if the document no longer exists, or if its type is not a Node.
    """
    return await nodes_by_id(ctx, [_global_id(change) for change in changes], most=len(changes))


def _global_id(change: ChangeDoc) -> str:
    """Returns the global ID of a changed document, or an empty string if it has none."""
    row = COLLECTIONS.get(change["collection"])
    type_name = row.type_name if row else None
    if type_name is None or not ObjectId.is_valid(change["documentId"]):
        return ""
    return encode_id(type_name, {"_id": ObjectId(change["documentId"])})
