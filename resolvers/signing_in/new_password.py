"""The mutations that set a new password: with the current one, or with a reset link."""

from functools import partial

import loaders.accounts
import loaders.audit
import loaders.people
from loaders import outbox
from loaders.model import AccountDoc
from loaders.mongo import Database, Transaction
from loaders.reading import fitted_transaction
from resolvers.context import Context
from resolvers.errors import RefusedError, refusal
from resolvers.signing_in import passwords
from resolvers.signing_in.email_verification import finish_claim
from resolvers.signing_in.login_throttle import (
    attempt_in_session,
    attempt_with_link,
    count_wrong_link,
    forget_failures,
    remember_site,
)
from resolvers.signing_in.own_sessions import has_ended, own_account
from resolvers.signing_in.session import StartedSession, insert_session, session_payload
from resolvers.signing_in.sign_up_limits import require_few_passwords
from resolvers.viewer import viewer_doc
from resolvers.writing import InputValues, Objects, actor, followed_up


async def change_password(ctx: Context, values: InputValues) -> Objects:
    """Changes the viewer's password, and ends all other sessions of the account."""
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your password isn't stored here: change it with your sign-in provider.")
    require_few_passwords(ctx)
    account = await fitted_transaction(ctx.loaders.database, partial(own_account, session_id=session_id))
    if account is None:
        raise has_ended()
    async with attempt_in_session(ctx, session_id):
        if not await passwords.verify(values["currentPassword"], account["passwordHash"]):
            message = "This is not your current password."
            raise refusal("INVALID", message, "currentPassword", reason="WRONG_PASSWORD")
        password_hash = await passwords.hash_password(values["newPassword"])

        async def work(tx: Transaction) -> AccountDoc | None:
            current = await own_account(tx, session_id)
            if current is None:
                return None
            changed = await _set(tx, current, password_hash)
            await loaders.accounts.end_sessions(tx, current["_id"], but=[session_id])
            await loaders.audit.record(tx, "changePassword", actor(ctx.viewer), ctx.address)
            return changed

        changed = await fitted_transaction(ctx.loaders.database, work)
        if changed is None:
            raise has_ended()
    await remember_site(ctx, changed)
    return {"viewer": viewer_doc(ctx.viewer)}


async def reset_password(ctx: Context, values: InputValues) -> Objects:
    """Sets a new password with the token from a reset link, which can be used only once.

    Ends all sessions of the account, and starts a new session. A wrong token costs a look-up and no hash. It
    is looked up before it is counted, so that no number of wrong tokens keeps a right one from working.
    """
    require_few_passwords(ctx)
    digest = loaders.accounts.digest_of(values["token"])
    if not await _is_valid(ctx.loaders.database, digest):
        await count_wrong_link(ctx)
        raise _used_link()
    async with attempt_with_link(ctx, digest):
        password_hash = await passwords.hash_password(values["newPassword"])

        async def work(tx: Transaction) -> StartedSession:
            current = await _used(tx, digest)
            if current is None:
                raise _used_link()
            changed = await _set(tx, current, password_hash)
            await loaders.accounts.end_sessions(tx, current["_id"])
            return await insert_session(ctx, tx, changed, "resetPassword")

        session = await fitted_transaction(ctx.loaders.database, work)
    await forget_failures(ctx, session.account)
    return await followed_up(ctx, "resetPassword", finish_claim, session_payload(ctx, session))


async def _is_valid(database: Database, digest: str) -> bool:
    """Returns whether a reset link is valid: one of this version, or one that 0.2.0 has printed."""
    if await loaders.accounts.find_token(database, digest, "RESET"):
        return True
    return await loaders.accounts.find_by_reset(database, bytes.fromhex(digest)) is not None


async def _used(tx: Transaction, digest: str) -> AccountDoc | None:
    """Uses a reset link. Returns its account, or None if the link isn't valid.

    Whoever opens a link that was mailed reads the mail of its address, so the address is verified. If it
    wasn't before, somebody else may have signed up with it. So the account gets the imported student in place
    of its own: the access tokens that this person still has, for some minutes, are for the latter.
    """
    used = await loaders.accounts.use(tx, digest, "RESET")
    if used is None:
        return await loaders.accounts.by_reset(tx, bytes.fromhex(digest))
    if not used.token["isMailed"]:
        return used.account
    verified = await loaders.accounts.verify(tx, used.account)
    await loaders.people.claim(tx, verified, imported_stays=not used.account.get("emailVerifiedAt"))
    return await loaders.accounts.by_id(tx, verified["_id"])


async def _set(tx: Transaction, account: AccountDoc, password_hash: str) -> AccountDoc:
    """Sets an account's password, and tells its owner. Links that were sent before become invalid."""
    outbox.send(tx, outbox.Message("password_changed", account_id=account["_id"]))
    await loaders.accounts.revoke(tx, account["_id"], "RESET", "CHANGE_EMAIL")
    return await loaders.accounts.change(tx, account, passwordHash=password_hash, reset=None)


def _used_link() -> RefusedError:
    message = "This link has already been used or has expired: ask for a new link."
    return refusal("EXPIRED", message, "token")
