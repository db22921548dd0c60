"""The viewer's own sessions: how they recognise one, and how they end one."""

from bson import ObjectId

import loaders.accounts
from loaders.accounts import Client
from loaders.model import AccountDoc, SessionDoc
from loaders.mongo import Transaction
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.values import clean
from resolvers.viewer import account_id, viewer_doc
from resolvers.writing import InputValues, Objects

_LONGEST_AGENT = 200  # characters of a `User-Agent` header that are stored


def client_of(ctx: Context) -> Client:
    """Returns the client that sent a request, in the form in which a session stores it."""
    return Client(ctx.address, clean(ctx.user_agent[:_LONGEST_AGENT].decode("latin-1")))


async def own_account(tx: Transaction, session_id: ObjectId) -> AccountDoc | None:
    """Returns the account of a session, or None if the session has ended."""
    session = await loaders.accounts.session(tx, session_id)
    return await loaders.accounts.by_id(tx, session["accountId"]) if session else None


def has_ended() -> RefusedError:
    return refusal("UNAUTHENTICATED", "The session has ended: sign in again.")


async def end_session(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Ends one of the viewer's sessions. Ending a session that has already ended is not an error."""
    text = values["sessionId"]
    session: SessionDoc | None = await tx.get("sessions", ObjectId(text)) if ObjectId.is_valid(text) else None
    if session is None or session["accountId"] != account_id(ctx.viewer):
        raise refusal("NOT_FOUND", "You have no session with this ID.", "sessionId")
    if session["endedAt"] is None:
        await loaders.accounts.end_session(tx, session)
    return {"viewer": viewer_doc(ctx.viewer)}
