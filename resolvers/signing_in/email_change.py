"""The mutation that asks for a change of address: `changeEmail`."""

from functools import partial

from bson import ObjectId

import loaders.audit
from loaders import outbox
from loaders.accounts import LINK_LASTS
from loaders.mongo import Transaction, transaction
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.signing_in import passwords
from resolvers.signing_in.login_throttle import attempt_in_session
from resolvers.signing_in.message_limits import may_be_sent, require_few_messages
from resolvers.signing_in.own_sessions import has_ended, own_account
from resolvers.signing_in.sign_up_limits import require_few_passwords
from resolvers.viewer import viewer_doc
from resolvers.writing import InputValues, Objects, actor


async def change_email(ctx: Context, values: InputValues) -> Objects:
    """Has a link mailed to a new address. The address changes once the link is opened (`verifyEmail`).

    Whether the address belongs to another account is looked up when the message is sent; then its owner gets
    another message. So the viewer doesn't learn it.
    """
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your address isn't stored here: change it with your sign-in provider.")
    require_few_passwords(ctx)
    require_few_messages(ctx)
    account = await transaction(ctx.loaders.database, partial(own_account, session_id=session_id))
    if account is None:
        raise has_ended()
    async with attempt_in_session(ctx, session_id):
        if not await passwords.verify(values["password"], account["passwordHash"]):
            message = "This is not your current password."
            raise refusal("INVALID", message, "password", reason="WRONG_PASSWORD")
    if await may_be_sent(ctx, values["newEmail"]):
        await _send(ctx, account["_id"], values)
    return {"viewer": viewer_doc(ctx.viewer)}


async def _send(ctx: Context, account_id: ObjectId, values: InputValues) -> None:
    key = values.get("idempotencyKey")

    async def work(tx: Transaction) -> None:
        message = outbox.Message(
            "change_email",
            account_id=account_id,
            to=values["newEmail"],
            expires_on=tx.now + LINK_LASTS["CHANGE_EMAIL"],
            dedupe=key and f"change_email {account_id} {values['newEmail']} {key}",
        )
        outbox.send(tx, message)
        await loaders.audit.record(tx, "changeEmail", actor(ctx.viewer), ctx.address)

    await transaction(ctx.loaders.database, work)
