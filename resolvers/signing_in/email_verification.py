"""The mutation for the link that shows that an address is its account's: `verifyEmail`.

A verified address claims the student whom an import brought with it (loaders/people/claims.py).
"""

import loaders.accounts
import loaders.people
from loaders import outbox
from loaders.model import AccountDoc
from loaders.mongo import Transaction
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.viewer import account_id, viewer_doc
from resolvers.writing import InputValues, Objects


async def verify_email(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Verifies the address of the viewer's account, or changes it to the one to which the link was sent.

    The viewer must be signed in to the account. Otherwise, somebody could sign up with the address of another
    person, and get what belongs to that person once they open the link.
    """
    used = await loaders.accounts.use(
        tx, loaders.accounts.digest_of(values["token"]), "VERIFY", "CHANGE_EMAIL"
    )
    if used is None:
        message = "This link has already been used or has expired: ask for a new link."
        raise refusal("EXPIRED", message, "token")
    if used.account["_id"] != account_id(ctx.viewer):
        raise refusal("FORBIDDEN", "This link is for another account: sign in to that one first.", "token")
    if used.token["purpose"] == "CHANGE_EMAIL":
        verified = await _changed(tx, used.account, used.token["email"])
    else:
        verified = await loaders.accounts.verify(tx, used.account)
    if await loaders.people.claim(tx, verified):
        # The other sessions needn't be of the person whose student it is.
        await loaders.accounts.end_sessions(
            tx, verified["_id"], but=[ctx.viewer.session_id] if ctx.viewer.session_id else []
        )
    return {"viewer": viewer_doc(ctx.viewer)}


async def finish_claim(ctx: Context, tx: Transaction, _: Objects) -> Objects | None:
    """Does the next part of moving what belongs to the student whom the viewer has claimed."""
    student_id = ctx.viewer.student_id
    return {} if student_id and await loaders.people.merge_step(tx, student_id) else None


async def _changed(tx: Transaction, account: AccountDoc, email: str) -> AccountDoc:
    """Changes the address with which an account's owner signs in, and tells them at the former address."""
    taken = refusal("DUPLICATE", "Another account has this address by now: use another address.", "token")
    if await loaders.accounts.by_email(tx, email):
        raise taken
    outbox.send(tx, outbox.Message("email_changed", account_id=account["_id"], to=account["email"]))
    try:
        return await loaders.accounts.change_email(tx, account, email)
    except loaders.accounts.AddressTakenError:
        raise taken from None
