"""Resolvers for the audit log: its list, and the fields of its entries."""

from collections.abc import Sequence

from bson import ObjectId

import loaders.audit
from loaders.collections import COLLECTIONS
from loaders.model import ActorDoc, ChangeDoc, Document, InstructorDoc, StudentDoc
from loaders.mongo import Filter
from loaders.reading import WHOLE
from resolvers import access
from resolvers.context import Context
from resolvers.errors import BadUserInputError
from resolvers.inputs import AuditFilter
from resolvers.relay import ConnectionDoc, Slice, connection, decode_id, encode_id, nodes_by_id, set_fields
from resolvers.values import InvalidValueError, moment


async def entries(ctx: Context, filter: AuditFilter | None, arguments: Slice) -> ConnectionDoc:
    """Returns a page of the audit log: an empty one for viewers who may not read it."""
    wanted = _wanted(filter)
    is_shown = access.sees_audit_log(ctx.viewer)
    if (node_id := wanted.get("node")) is not None and decode_id(node_id) is None:
        is_shown = False
    target = decode_id(node_id) if node_id is not None else None
    actors: Filter | None = None
    if is_shown and "email" in wanted:
        actors = await loaders.audit.actors_with(ctx.loaders.database, wanted["email"])
        is_shown = actors is not None
    listing = loaders.audit.listing(
        ctx.loaders.database,
        actions=wanted.get("actions"),
        subject=wanted.get("subject"),
        actors=actors,
        target=target.id if target else None,
        since=wanted.get("since"),
        until=wanted.get("until"),
    )
    return await connection(ctx, listing, WHOLE if is_shown else None, arguments, ("auditLog", wanted))


def _wanted(filter: AuditFilter | None) -> Document:
    """Returns the criteria of a filter. Raises BadUserInputError if one is not valid."""
    wanted = set_fields(filter)
    for name, shown in (("since", "from"), ("until", "to")):
        if name in wanted:
            try:
                wanted[name] = moment(wanted[name])
            except InvalidValueError as error:
                message = f"`{shown}`: {error}"
                raise BadUserInputError(message, error.reason, **error.params) from None
    if "email" in wanted:
        wanted["email"] = wanted["email"].strip()
    return wanted


async def name(actors: Sequence[ActorDoc], ctx: Context) -> Sequence[str | None]:
    """Returns the name of each actor's account or, failing that, of their student or instructor."""
    accounts = await _accounts(actors, ctx)
    names = [account.get("name") if account else None for account in accounts]
    for ids, collection in (
        ([actor["studentId"] for actor in actors], "students"),
        ([actor["instructorId"] for actor in actors], "instructors"),
    ):
        needed = [None if found else key for key, found in zip(ids, names, strict=True)]
        people = await ctx.loaders.contact_by_id(collection)(needed)
        names = [found or (one and one["name"]) for found, one in zip(names, people, strict=True)]
    return names


async def email(actors: Sequence[ActorDoc], ctx: Context) -> Sequence[str | None]:
    """Returns the e-mail address of each actor's account or, failing that, of their student."""
    accounts = await _accounts(actors, ctx)
    ids = [None if own else actor["studentId"] for actor, own in zip(actors, accounts, strict=True)]
    students = await ctx.loaders.contact_by_id("students")(ids)
    people = [account or student for account, student in zip(accounts, students, strict=True)]
    return [person and person["email"] for person in people]


async def _accounts(actors: Sequence[ActorDoc], ctx: Context) -> list[Document | None]:
    subjects = [actor["subject"] for actor in actors]
    ids = [ObjectId(subject) if ObjectId.is_valid(subject) else None for subject in subjects]
    return await ctx.loaders.contact_by_id("accounts")(ids)


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
