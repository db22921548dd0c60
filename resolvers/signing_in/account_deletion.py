"""The mutation with which people delete their own account."""

from functools import partial

from bson import ObjectId

import loaders.accounts
import loaders.audit
import loaders.people
from loaders.mongo import Transaction, transaction
from loaders.people import erasure_step
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.signing_in import passwords
from resolvers.signing_in.login_throttle import attempt_in_session
from resolvers.signing_in.own_sessions import has_ended, own_account
from resolvers.signing_in.sign_up_limits import require_few_passwords
from resolvers.writing import InputValues, Objects, actor, followed_up


async def delete_account(ctx: Context, values: InputValues) -> Objects:
    """Deletes the viewer's account, and erases the person, but not their reviews. Their sessions end at once.

    A request that is sent again, also at the same time, gets the same answer, and finishes the erasure if the
    gateway that began it has died.
    """
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your account isn't stored here: delete it with your sign-in provider.")
    require_few_passwords(ctx)
    database = ctx.loaders.database
    account = await transaction(database, partial(own_account, session_id=session_id))
    if account is None:
        account_id = await transaction(database, partial(_deleted, ctx))
    else:
        async with attempt_in_session(ctx, session_id):
            if not await passwords.verify(values["password"], account["passwordHash"]):
                message = "This is not your current password."
                raise refusal("INVALID", message, "password", reason="WRONG_PASSWORD")
            account_id = await transaction(database, partial(_delete, ctx, session_id))
    return await followed_up(
        ctx, "deleteAccount", partial(_finish_deletion, account_id), {}, has_to_finish=True
    )


async def _delete(ctx: Context, session_id: ObjectId, tx: Transaction) -> ObjectId:
    """Begins to delete the account of a session. Returns its id."""
    account = await own_account(tx, session_id)
    if account is None:  # the same request, sent twice at once, may have deleted it
        return await _deleted(ctx, tx)
    try:
        await loaders.people.delete_account(tx, account)
    except loaders.accounts.LastStaffError:
        message = "This is the last active account with the role STAFF: give the role to another one first."
        raise refusal("CONFLICT", message) from None
    await loaders.audit.record(tx, "deleteAccount", actor(ctx.viewer), "")
    return account["_id"]


async def _deleted(ctx: Context, tx: Transaction) -> ObjectId:
    """Returns the id of the viewer's account, which they have deleted.

    Raises RefusedError if only their session has ended.
    """
    query = {"actor.subject": ctx.viewer.subject, "action": "deleteAccount"}
    if await tx.find_one("auditLog", query) is None:
        raise has_ended()
    return ObjectId(ctx.viewer.subject)


async def _finish_deletion(id: ObjectId, _: Context, tx: Transaction, objects: Objects) -> Objects | None:
    return {} if await erasure_step(tx, id) else None
