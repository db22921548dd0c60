"""Signing up, in and out, and passwords.

No answer tells whether an address has an account, but that of signUp, which can't help it; and none is
quicker where it hasn't.
"""

from hashlib import sha256
from typing import NamedTuple

import loaders.accounts
import loaders.audit
import loaders.student
from loaders.model import AccountDoc, SessionDoc
from loaders.mongo import Transaction, transaction
from resolvers.context import Context, RefreshToken, Viewer
from resolvers.errors import RefusedError, refusal
from resolvers.signing_in import passwords
from resolvers.signing_in.login_throttle import forgive, guess
from resolvers.viewer import viewer_doc
from resolvers.writing import Given, Objects, actor


class _Begun(NamedTuple):
    account: AccountDoc
    session: SessionDoc


async def sign_up(ctx: Context, given: Given) -> Objects:
    """Sent again with its key and its password, it begins another session of the account it made."""
    async with guess(ctx, given["email"]):
        password_hash = await passwords.hashed(given["password"])

        async def work(tx: Transaction) -> _Begun | AccountDoc:
            there = await loaders.accounts.by_email(tx, given["email"])
            return there or await _new_student(ctx, tx, given, password_hash)

        made = await transaction(ctx.loaders.database, work)
        if isinstance(made, _Begun):
            return _session(ctx, made)
        again = given.get("idempotencyKey") is not None and made["signUpKey"] == given["idempotencyKey"]
        if not (again and await passwords.is_right(given["password"], made["passwordHash"])):
            raise refusal("DUPLICATE", "This address has an account: sign in, or take another.", "email")
        return await _begin(ctx, made, "signUp")


async def sign_in(ctx: Context, given: Given) -> Objects:
    email = given["email"].strip().lower()
    async with guess(ctx, email):
        account = await transaction(ctx.loaders.database, lambda tx: loaders.accounts.by_email(tx, email))
        right = await passwords.is_right(given["password"], account["passwordHash"] if account else None)
        if account is None or not right:
            raise _wrong()
        return await _begin(ctx, account, "signIn")


async def refresh_session(ctx: Context, given: Given) -> Objects:
    """The refresh token is used up. One that was used before was stolen, now or then: its session ends."""
    token, key = ctx.tokens.read_refresh(given["refreshToken"]), given.get("idempotencyKey")

    async def work(tx: Transaction) -> _Begun | None:
        session = await loaders.accounts.session(tx, token.session_id) if token else None
        account = await loaders.accounts.by_id(tx, session["accountId"]) if session else None
        if token is None or session is None or account is None:
            return None
        if token.generation == session["generation"]:
            return _Begun(account, await loaders.accounts.refresh_session(tx, session, key))
        if key and key == session["refreshKey"] and token.generation == session["generation"] - 1:
            return _Begun(account, session)  # the answer was lost on its way
        await loaders.accounts.end_session(tx, session)
        await loaders.audit.record(tx, "refreshSession", actor(_viewer(account, session)), ctx.address)
        return None

    refreshed = await transaction(ctx.loaders.database, work)
    if refreshed is None:
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.", "refreshToken")
    return _session(ctx, refreshed)


async def sign_out(ctx: Context, given: Given) -> Objects:
    """A session that has ended already stays so."""
    text = given.get("refreshToken")
    token = ctx.tokens.read_refresh(text) if text else None
    session_id = token.session_id if token else ctx.viewer.session_id
    if session_id is None:
        raise refusal("UNAUTHENTICATED", "There is no session: send its refresh token.", "refreshToken")

    async def work(tx: Transaction) -> None:
        if session := await loaders.accounts.session(tx, session_id):
            account = await loaders.accounts.by_id(tx, session["accountId"])
            await loaders.accounts.end_session(tx, session)
            if account:
                await loaders.audit.record(tx, "signOut", actor(_viewer(account, session)), ctx.address)

    await transaction(ctx.loaders.database, work)
    return {}


async def change_password(ctx: Context, given: Given) -> Objects:
    """The other sessions end."""
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your password isn't kept here: change it where you sign in.")

    async def account_of(tx: Transaction) -> AccountDoc | None:
        session = await loaders.accounts.session(tx, session_id)
        return await loaders.accounts.by_id(tx, session["accountId"]) if session else None

    account = await transaction(ctx.loaders.database, account_of)
    if account is None:
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.")
    async with guess(ctx, account["email"]):
        if not await passwords.is_right(given["currentPassword"], account["passwordHash"]):
            raise refusal("INVALID", "This is not your password.", "currentPassword")
        password_hash = await passwords.hashed(given["newPassword"])

        async def work(tx: Transaction) -> AccountDoc | None:
            if own := await account_of(tx):
                await loaders.accounts.change(tx, own, passwordHash=password_hash, reset=None)
                await loaders.accounts.end_sessions(tx, own["_id"], but=[session_id])
                await loaders.audit.record(tx, "changePassword", actor(ctx.viewer), ctx.address)
            return own

        changed = await transaction(ctx.loaders.database, work)
        if changed is None:
            raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.")
    return {"viewer": viewer_doc(ctx.viewer)}


async def reset_password(ctx: Context, given: Given) -> Objects:
    """A reset link is good once. All sessions end, and a new one begins."""
    digest = sha256(given["token"].encode()).digest()

    async def account_of(tx: Transaction) -> AccountDoc | None:
        return await loaders.accounts.by_reset(tx, digest)

    used = refusal("EXPIRED", "This link was used, or is too old: ask for another.", "token")
    if await transaction(ctx.loaders.database, account_of) is None:
        raise used  # before a hash is computed for whoever asks
    password_hash = await passwords.hashed(given["newPassword"])

    async def work(tx: Transaction) -> _Begun:
        account = await account_of(tx)
        if account is None:
            raise used
        await loaders.accounts.change(tx, account, passwordHash=password_hash, reset=None)
        await loaders.accounts.end_sessions(tx, account["_id"])
        return await _begun(ctx, tx, account, "resetPassword")

    begun = await transaction(ctx.loaders.database, work)
    await forgive(ctx, begun.account["email"])
    return _session(ctx, begun)


async def _new_student(ctx: Context, tx: Transaction, given: Given, password_hash: str) -> _Begun:
    student = await loaders.student.insert(
        tx,
        {
            "name": given["name"], "email": given["email"], "country": given.get("country"),
            "joinedAt": tx.now,
        },
    )  # fmt: skip
    account = await loaders.accounts.insert(
        tx,
        {
            "email": given["email"], "passwordHash": password_hash, "roles": ["STUDENT"],
            "studentId": student["_id"], "createdAt": tx.now, "signUpKey": given.get("idempotencyKey"),
        },
    )  # fmt: skip
    return await _begun(ctx, tx, account, "signUp")


async def _begin(ctx: Context, account: AccountDoc, action: str) -> Objects:
    """Raises RefusedError where the password is another by now than the one that was right."""

    async def work(tx: Transaction) -> _Begun:
        own = await loaders.accounts.by_id(tx, account["_id"])
        if own is None or own["passwordHash"] != account["passwordHash"]:
            raise _wrong()
        return await _begun(ctx, tx, own, action)

    return _session(ctx, await transaction(ctx.loaders.database, work))


async def _begun(ctx: Context, tx: Transaction, account: AccountDoc, action: str) -> _Begun:
    """A new session, in the audit log with what went before it."""
    session = await loaders.accounts.begin_session(tx, account)
    await loaders.audit.record(tx, action, actor(_viewer(account, session)), ctx.address)
    return _Begun(account, session)


def _wrong() -> RefusedError:
    return refusal("UNAUTHENTICATED", "The e-mail address or the password is wrong.")


def _session(ctx: Context, begun: _Begun) -> Objects:
    """The payload of a session; who signed in is the viewer of what is selected there."""
    account, session = begun
    viewer = _viewer(account, session)
    ctx.sign_in(viewer)
    access = ctx.tokens.access(viewer)
    return {
        "accessToken": access.text,
        "refreshToken": ctx.tokens.refresh(RefreshToken(session["_id"], session["generation"])),
        "expiresAt": access.expires_at,
        "viewer": viewer_doc(viewer),
    }


def _viewer(account: AccountDoc, session: SessionDoc) -> Viewer:
    return Viewer(
        roles=frozenset(account["roles"]),
        student_id=account["studentId"],
        instructor_id=account["instructorId"],
        subject=str(account["_id"]),
        session_id=session["_id"],
    )
