"""The mutations for signing up, in and out, and for changing a password.

Only signUp reveals whether an e-mail address belongs to an account, because it can't avoid that. No other
mutation reveals this, either by the content of its response or by its response time.
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
from resolvers.signing_in.login_throttle import (
    attempt,
    attempt_in_session,
    forget_failures,
    remember_site,
)
from resolvers.signing_in.rate_limits import give_back, spend
from resolvers.signing_in.sign_up_limits import limits_of, require_few_passwords
from resolvers.viewer import viewer_doc
from resolvers.writing import InputValues, Objects, actor


class _Session(NamedTuple):
    """A session together with its account. generation: that of the refresh token to return."""

    account: AccountDoc
    session: SessionDoc
    generation: int = 0


async def sign_up(ctx: Context, values: InputValues) -> Objects:
    """Creates an account and starts a session.

    A retry with the same idempotency key and password returns that session. Once the session has ended or was
    refreshed, a retry signs in instead.
    """
    require_few_passwords(ctx)
    existing = await _account_of(ctx, values["email"])
    if existing is None:
        created = await _create_account(ctx, values)
        if isinstance(created, _Session):
            await remember_site(ctx, values["email"])
            return _session_payload(ctx, created)
        existing = created
    elif not _is_retry(existing, values):
        await spend(ctx, limits_of(ctx))  # otherwise anyone could look up any number of addresses
    if not _is_retry(existing, values):
        raise _duplicate()
    async with attempt(ctx, values["email"]):
        if not await passwords.verify(values["password"], existing["passwordHash"]):
            raise _duplicate()
        return await _resume_sign_up(ctx, existing)


async def sign_in(ctx: Context, values: InputValues) -> Objects:
    require_few_passwords(ctx)
    email = values["email"].strip().lower()
    async with attempt(ctx, email, values.get("deviceToken")):
        account = await _account_of(ctx, email)
        right = await passwords.verify(values["password"], account["passwordHash"] if account else None)
        if account is None or not right:
            raise _wrong_credentials()
        return await _start_session(ctx, account, "signIn")


async def refresh_session(ctx: Context, values: InputValues) -> Objects:
    """Exchanges a refresh token, which can be used only once, for new tokens.

    If the token was used before, the session ends, because one of the two uses must have been by somebody who
    stole the token. There are two exceptions: a retry with the same idempotency key returns the same refresh
    token, and several uses within a few seconds are those of one client (loaders/accounts/refresh_tokens.py).
    """
    token, key = ctx.tokens.read_refresh(values["refreshToken"]), values.get("idempotencyKey")

    async def work(tx: Transaction) -> _Session | None:
        found = await loaders.accounts.session_and_time(tx, token.session_id) if token else None
        session, at = found or (None, tx.now)
        account = await loaders.accounts.by_id(tx, session["accountId"]) if session else None
        if token is None or session is None or account is None:
            return None
        generation = await loaders.accounts.refresh_session(tx, session, token.generation, key, at)
        if generation is not None:
            return _Session(account, session, generation)
        await loaders.accounts.end_session(tx, session)
        await loaders.audit.record(tx, "refreshSession", actor(_viewer(account, session)), ctx.address)
        return None

    refreshed = await transaction(ctx.loaders.database, work)
    if refreshed is None:
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.", "refreshToken")
    return _session_payload(ctx, refreshed)


async def sign_out(ctx: Context, values: InputValues) -> Objects:
    """Ends a session. Idempotent: ending a session that has already ended is not an error."""
    text = values.get("refreshToken")
    token = ctx.tokens.read_refresh(text) if text else None
    session_id = token.session_id if token else ctx.viewer.session_id
    if session_id is None:
        raise refusal(
            "UNAUTHENTICATED",
            "To end a session, send its refresh token or one of its access tokens.",
            "refreshToken",
        )

    async def work(tx: Transaction) -> None:
        if session := await loaders.accounts.session(tx, session_id):
            account = await loaders.accounts.by_id(tx, session["accountId"])
            await loaders.accounts.end_session(tx, session)
            if account:
                await loaders.audit.record(tx, "signOut", actor(_viewer(account, session)), ctx.address)

    await transaction(ctx.loaders.database, work)
    return {}


async def change_password(ctx: Context, values: InputValues) -> Objects:
    """Changes the viewer's password, and ends all other sessions of the account."""
    session_id = ctx.viewer.session_id
    if session_id is None:
        raise refusal("FORBIDDEN", "Your password isn't stored here: change it with your sign-in provider.")
    require_few_passwords(ctx)

    async def account_of(tx: Transaction) -> AccountDoc | None:
        session = await loaders.accounts.session(tx, session_id)
        return await loaders.accounts.by_id(tx, session["accountId"]) if session else None

    account = await transaction(ctx.loaders.database, account_of)
    if account is None:
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.")
    async with attempt_in_session(ctx, session_id):
        if not await passwords.verify(values["currentPassword"], account["passwordHash"]):
            raise refusal("INVALID", "This is not your current password.", "currentPassword")
        password_hash = await passwords.hash_password(values["newPassword"])

        async def work(tx: Transaction) -> AccountDoc | None:
            if current := await account_of(tx):
                await loaders.accounts.change(tx, current, passwordHash=password_hash, reset=None)
                await loaders.accounts.end_sessions(tx, current["_id"], but=[session_id])
                await loaders.audit.record(tx, "changePassword", actor(ctx.viewer), ctx.address)
            return current

        changed = await transaction(ctx.loaders.database, work)
        if changed is None:
            raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.")
    return {"viewer": viewer_doc(ctx.viewer)}


async def reset_password(ctx: Context, values: InputValues) -> Objects:
    """Sets a new password with the token from a reset link, which can be used only once.

    Ends all sessions of the account, and starts a new session.
    """
    require_few_passwords(ctx)
    digest = sha256(values["token"].encode()).digest()

    async def account_of(tx: Transaction) -> AccountDoc | None:
        return await loaders.accounts.by_reset(tx, digest)

    expired = refusal(
        "EXPIRED", "This link has already been used or has expired: ask for a new link.", "token"
    )
    if await transaction(ctx.loaders.database, account_of) is None:
        raise expired  # checked first, so that no expensive password hash is computed for an unknown token
    password_hash = await passwords.hash_password(values["newPassword"])

    async def work(tx: Transaction) -> _Session:
        account = await account_of(tx)
        if account is None:
            raise expired
        await loaders.accounts.change(tx, account, passwordHash=password_hash, reset=None)
        await loaders.accounts.end_sessions(tx, account["_id"])
        return await _insert_session(ctx, tx, account, "resetPassword")

    session = await transaction(ctx.loaders.database, work)
    await forget_failures(ctx, session.account["email"])
    return _session_payload(ctx, session)


async def _account_of(ctx: Context, email: str) -> AccountDoc | None:
    return await loaders.accounts.find_by_email(ctx.loaders.database, email)


async def _create_account(ctx: Context, values: InputValues) -> _Session | AccountDoc:
    """Creates an account and a session. Returns the account if a concurrent sign-up has just created one.

    Counts against the limits on sign-ups. Raises RefusedError if one is exceeded.
    """
    limits, database = limits_of(ctx), ctx.loaders.database
    await spend(ctx, limits)
    try:
        password_hash = await passwords.hash_password(values["password"])

        async def work(tx: Transaction) -> _Session | AccountDoc:
            existing = await loaders.accounts.by_email(tx, values["email"])
            return existing or await _new_student(ctx, tx, values, password_hash)

        created = await transaction(database, work)
    except BaseException:
        await give_back(database, limits)
        raise
    if not isinstance(created, _Session) and _is_retry(created, values):
        await give_back(database, limits)
    return created


def _is_retry(account: AccountDoc, values: InputValues) -> bool:
    """Returns whether a sign-up has the idempotency key of the one that created the account."""
    key = values.get("idempotencyKey")
    return key is not None and account["signUpKey"] == key


async def _resume_sign_up(ctx: Context, account: AccountDoc) -> Objects:
    """Returns the payload of an earlier sign-up whose response the client did not receive."""

    async def work(tx: Transaction) -> SessionDoc | None:
        return await loaders.accounts.sign_up_session(tx, account)

    if session := await transaction(ctx.loaders.database, work):
        return _session_payload(ctx, _Session(account, session))
    return await _start_session(ctx, account, "signIn")


async def _new_student(ctx: Context, tx: Transaction, values: InputValues, password_hash: str) -> _Session:
    student = await loaders.student.insert(
        tx,
        {
            "name": values["name"], "email": values["email"], "country": values.get("country"),
            "joinedAt": tx.now,
        },
    )  # fmt: skip
    account = await loaders.accounts.insert(
        tx,
        {
            "email": values["email"], "passwordHash": password_hash, "roles": ["STUDENT"],
            "studentId": student["_id"], "createdAt": tx.now, "signUpKey": values.get("idempotencyKey"),
        },
    )  # fmt: skip
    return await _insert_session(ctx, tx, account, "signUp")


async def _start_session(ctx: Context, account: AccountDoc, action: str) -> Objects:
    """Starts a session for an account whose password has been verified.

    Raises RefusedError if the password was changed after it was verified.
    """

    async def work(tx: Transaction) -> _Session:
        current = await loaders.accounts.by_id(tx, account["_id"])
        if current is None or current["passwordHash"] != account["passwordHash"]:
            raise _wrong_credentials()
        return await _insert_session(ctx, tx, current, action)

    return _session_payload(ctx, await transaction(ctx.loaders.database, work))


async def _insert_session(ctx: Context, tx: Transaction, account: AccountDoc, action: str) -> _Session:
    """Inserts a session, and an audit entry for everything that the transaction has changed."""
    session = await loaders.accounts.begin_session(tx, account)
    await loaders.audit.record(tx, action, actor(_viewer(account, session)), ctx.address)
    return _Session(account, session)


def _duplicate() -> RefusedError:
    message = "There is already an account with this address: sign in, or use another address."
    return refusal("DUPLICATE", message, "email")


def _wrong_credentials() -> RefusedError:
    return refusal("UNAUTHENTICATED", "The e-mail address or the password is wrong.")


def _session_payload(ctx: Context, new: _Session) -> Objects:
    """Returns the payload for a new session, and makes its account the request's viewer.

    The fields selected in the payload are therefore resolved for that viewer.
    """
    account, session, generation = new
    viewer = _viewer(account, session)
    ctx.sign_in(viewer)
    access = ctx.tokens.access(viewer)
    return {
        "accessToken": access.text,
        "refreshToken": ctx.tokens.refresh(RefreshToken(session["_id"], generation)),
        "deviceToken": ctx.tokens.device(account["email"], session["_id"]),
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
