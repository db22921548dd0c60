"""The mutation that asks for a change of address: `changeEmail`."""

from functools import partial

from bson import ObjectId

import loaders.audit
from loaders import outbox
from loaders.accounts import LINK_LASTS, secrets_mark
from loaders.model import AccountDoc
from loaders.mongo import Transaction
from loaders.reading import fitted_transaction
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
    another message. So the viewer doesn't learn it. If the password or the address has changed by then,
    nothing is sent.
    """
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your address isn't stored here: change it with your sign-in provider.")
    require_few_passwords(ctx)
    require_few_messages(ctx)
    account = await fitted_transaction(ctx.loaders.database, partial(own_account, session_id=session_id))
    if account is None:
        raise has_ended()
    async with attempt_in_session(ctx, session_id):
        if not await passwords.verify(values["password"], account["passwordHash"]):
            message = "This is not your current password."
            raise refusal("INVALID", message, "password", reason="WRONG_PASSWORD")
    if await may_be_sent(ctx, "change_email", values["newEmail"]):
        await _send(ctx, session_id, account, values)
    return {"viewer": viewer_doc(ctx.viewer)}


async def _send(ctx: Context, session_id: ObjectId, account: AccountDoc, values: InputValues) -> None:
    key, account_id = values.get("idempotencyKey"), account["_id"]

    async def work(tx: Transaction) -> None:
        # The account may have been deleted while the password was checked.
        if await own_account(tx, session_id) is None:
            raise has_ended()
        message = outbox.Message(
            "change_email",
            account_id=account_id,
            to=values["newEmail"],
            data={"secretsMark": secrets_mark(account)},
            expires_on=tx.now + LINK_LASTS["CHANGE_EMAIL"],
            dedupe=key and f"change_email {account_id} {values['newEmail']} {key}",
        )
        outbox.send(tx, message)
        await loaders.audit.record(tx, "changeEmail", actor(ctx.viewer), ctx.address)

    await fitted_transaction(ctx.loaders.database, work)
