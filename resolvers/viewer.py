"""Resolvers for the fields of Viewer, the person who sent the request, and of their sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from bson import ObjectId

import loaders.accounts
import loaders.student
from loaders.model import AccountDoc, Document, InstructorDoc, SessionDoc, StudentDoc
from loaders.reading import WHOLE
from resolvers import access
from resolvers.context import Context, Viewer
from resolvers.course import wished_listing
from resolvers.relay import After, Before, ConnectionDoc, First, Last, Slice, connection


class ViewerDoc(TypedDict):
    """The parent object that the resolvers of Viewer's fields receive."""

    id: str
    roles: list[str]
    accountId: ObjectId | None
    studentId: ObjectId | None
    instructorId: ObjectId | None


def viewer_doc(viewer: Viewer) -> ViewerDoc:
    """Returns the viewer's roles in a fixed order, and the IDs of their account, student and instructor.

    A student or instructor ID is None if the viewer lacks the permission to use it.
    """
    order = ("STUDENT", "INSTRUCTOR", "STAFF")
    roles = [role for role in order if role in viewer.roles]
    return {
        "id": viewer.subject,
        "roles": roles,
        "accountId": account_id(viewer),
        "studentId": access.as_student(viewer, "Viewer.student"),
        "instructorId": access.as_instructor(viewer, "Viewer.instructor"),
    }


def account_id(viewer: Viewer) -> ObjectId | None:
    """Returns the ID of the viewer's account; None if they have none, as with an external issuer."""
    return ObjectId(viewer.subject) if ObjectId.is_valid(viewer.subject) else None


async def name(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[str]:
    return [await _name(ctx, viewer) for viewer in viewers]


async def email(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[str | None]:
    return [account["email"] if account else None for account in await _accounts(viewers, ctx)]


async def email_verified(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[bool]:
    accounts = await _accounts(viewers, ctx)
    return [account is not None and account.get("emailVerifiedAt") is not None for account in accounts]


async def sessions(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[Sequence[Document]]:
    """Returns the sessions of each viewer's account that are still in use; none if they have no account."""
    return [await _sessions(ctx, viewer["accountId"]) for viewer in viewers]


def session_id(session: SessionDoc) -> str:
    return str(session["_id"])


def last_seen_at(session: SessionDoc) -> datetime:
    return session.get("lastSeenAt") or session["createdAt"]


def session_address(session: SessionDoc) -> str | None:
    return session.get("address") or None


def session_client(session: SessionDoc) -> str | None:
    return session.get("client") or None


async def student(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([viewer["studentId"] for viewer in viewers])


async def instructor(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([viewer["instructorId"] for viewer in viewers])


async def wishlist(
    viewers: Sequence[ViewerDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[ConnectionDoc]:
    """Returns a page of the viewer's wishlist, without courses that are no longer in the catalogue."""
    student = access.as_student(ctx.viewer, "Viewer.wishlist")
    return [await _wishlist(ctx, student, Slice(first, after, last, before)) for _ in viewers]


async def _wishlist(ctx: Context, student_id: ObjectId | None, arguments: Slice) -> ConnectionDoc:
    wishes = await loaders.student.wishes(ctx.loaders.database, student_id) if student_id else []
    listing, scope = wished_listing(ctx, wishes)
    return await connection(ctx, listing, WHOLE if wishes else None, arguments, scope)


async def _accounts(viewers: Sequence[ViewerDoc], ctx: Context) -> Sequence[AccountDoc | None]:
    return await ctx.loaders.own_account_by_id([viewer["accountId"] for viewer in viewers])


async def _name(ctx: Context, viewer: ViewerDoc) -> str:
    """Returns the name in the viewer's profile, or the account's name if they have no profile."""
    name = await loaders.accounts.profile_name(
        ctx.loaders.database, viewer["studentId"], viewer["instructorId"]
    )
    (account,) = [None] if name else await _accounts([viewer], ctx)
    return name or (account and account.get("name")) or ""


async def _sessions(ctx: Context, account_id: ObjectId | None) -> list[Document]:
    if account_id is None:
        return []
    own = ctx.viewer.session_id
    live = await loaders.accounts.live_sessions(ctx.loaders.database, account_id)
    if own and len(live) < loaders.accounts.MOST_SESSIONS and all(one["_id"] != own for one in live):
        return []  # the viewer's session has ended, so the others are not for them to see
    return [{**session, "current": session["_id"] == own} for session in live]
