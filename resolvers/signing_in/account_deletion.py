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

    A request that is sent again after the account was deleted gets the same answer, and finishes what a
    gateway that died has left.
    """
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your account isn't stored here: delete it with your sign-in provider.")
    require_few_passwords(ctx)
    account = await transaction(ctx.loaders.database, partial(own_account, session_id=session_id))
    if account is None:
        account_id = await transaction(ctx.loaders.database, partial(_deleted, ctx))
    else:
        async with attempt_in_session(ctx, session_id):
            if not await passwords.verify(values["password"], account["passwordHash"]):
                message = "This is not your current password."
                raise refusal("INVALID", message, "password", reason="WRONG_PASSWORD")
            account_id = await transaction(ctx.loaders.database, partial(_delete, ctx, session_id))
    return await followed_up(
        ctx, "deleteAccount", partial(_finish_deletion, account_id), {}, has_to_finish=True
    )


async def _delete(ctx: Context, session_id: ObjectId, tx: Transaction) -> ObjectId:
    account = await own_account(tx, session_id)
    if account is None:  # a request that was sent twice has just deleted it
        return await _deleted(ctx, tx)
    try:
        await loaders.people.delete_account(tx, account)
    except loaders.accounts.LastStaffError:
        message = "This is the last active account with the role STAFF: give the role to another one first."
        raise refusal("CONFLICT", message) from None
    await loaders.audit.record(tx, "deleteAccount", actor(ctx.viewer), "")
    return account["_id"]


async def _deleted(ctx: Context, tx: Transaction) -> ObjectId:
    """Returns the id of the account that the viewer has deleted. Raises RefusedError if they haven't."""
    subject = actor(ctx.viewer)["subject"]
    if await tx.find_one("auditLog", {"actor.subject": subject, "action": "deleteAccount"}) is None:
        raise has_ended()
    return ObjectId(subject)


async def _finish_deletion(id: ObjectId, _: Context, tx: Transaction, objects: Objects) -> Objects | None:
    return {} if await erasure_step(tx, id) else None
