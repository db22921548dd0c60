"""The mutations that ask for a link to be mailed: to reset a password, or to verify an address.

They write one entry to the outbox, for every address: whether it has an account is looked up when the entry
is sent. So neither the answer nor the time that it takes tells anybody.
"""

from loaders import outbox
from loaders.accounts import LINK_LASTS
from loaders.model import TokenPurpose
from loaders.mongo import Transaction
from loaders.reading import fitted_transaction
from resolvers.context import Context
from resolvers.signing_in.message_limits import may_be_sent, require_few_messages
from resolvers.writing import InputValues, Objects


async def request_password_reset(ctx: Context, values: InputValues) -> Objects:
    await _request(ctx, "reset_password", "RESET", values)
    return {}


async def resend_verification(ctx: Context, values: InputValues) -> Objects:
    await _request(ctx, "verify_email", "VERIFY", values)
    return {}


async def _request(
    ctx: Context, template: outbox.MessageKind, purpose: TokenPurpose, values: InputValues
) -> None:
    require_few_messages(ctx)
    email, key = values["email"], values.get("idempotencyKey")
    if not await may_be_sent(ctx, template, email):
        return

    async def work(tx: Transaction) -> None:
        message = outbox.Message(
            template,
            to=email,
            expires_on=tx.now + LINK_LASTS[purpose],
            dedupe=key and f"{template} {email} {key}",
        )
        outbox.send(tx, message)

    await fitted_transaction(ctx.loaders.database, work)
