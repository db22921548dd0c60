"""The mutations for signing up, in and out.

Only signUp reveals whether an e-mail address belongs to an account, because it can't avoid that. No other
mutation reveals this, either by the content of its response or by its response time.
"""

from typing import NamedTuple

from bson import ObjectId

import loaders.accounts
import loaders.audit
import loaders.student
from loaders import outbox
from loaders.model import AccountDoc, SessionDoc
from loaders.mongo import Transaction
from loaders.reading import fitted_transaction
from resolvers.context import Context, RefreshToken, Viewer
from resolvers.errors import RefusedError, refusal
from resolvers.signing_in import passwords
from resolvers.signing_in.login_throttle import attempt, remember_site
from resolvers.signing_in.own_sessions import client_of
from resolvers.signing_in.preferred_language import preferred_language
from resolvers.signing_in.rate_limits import give_back, spend
from resolvers.signing_in.sign_up_limits import limits_of, require_few_passwords
from resolvers.viewer import viewer_doc
from resolvers.writing import InputValues, Objects, actor


class StartedSession(NamedTuple):
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
        if isinstance(created, StartedSession):
            await remember_site(ctx, created.account)
            return session_payload(ctx, created)
        existing = created
    elif not _is_retry(existing, values):
        await spend(ctx, limits_of(ctx))  # otherwise anyone could look up any number of addresses
    if not _is_retry(existing, values):
        raise _duplicate()
    async with attempt(ctx, existing["email"], existing):
        if not await passwords.verify(values["password"], existing["passwordHash"]):
            raise _duplicate()
        return await _resume_sign_up(ctx, existing)


async def sign_in(ctx: Context, values: InputValues) -> Objects:
    require_few_passwords(ctx)
    email = values["email"].strip().lower()
    account = await _account_of(ctx, email)
    async with attempt(ctx, email, account, values.get("deviceToken")) as device_id:
        right = await passwords.verify(values["password"], account["passwordHash"] if account else None)
        if account is None or not right:
            raise _wrong_credentials()
        return await _start_session(ctx, account, device_id)


async def refresh_session(ctx: Context, values: InputValues) -> Objects:
    """Exchanges a refresh token, which can be used only once, for new tokens.

    If the token was used before, the session ends, because one of the two uses must have been by somebody who
    stole the token. There are two exceptions: a retry with the same idempotency key returns the same refresh
    token, and several uses within a few seconds are those of one client (loaders/accounts/refresh_tokens.py).
    """
    token, key = ctx.tokens.read_refresh(values["refreshToken"]), values.get("idempotencyKey")

    async def work(tx: Transaction) -> StartedSession | None:
        found = await loaders.accounts.session_and_time(tx, token.session_id) if token else None
        session, at = found or (None, tx.now)
        account = await loaders.accounts.by_id(tx, session["accountId"]) if session else None
        if token is None or session is None or account is None or not loaders.accounts.is_active(account):
            return None
        generation = await loaders.accounts.refresh_session(
            tx, session, token.generation, key, at, client_of(ctx)
        )
        if generation is not None:
            await loaders.accounts.note_seen(tx, account, at)
            return StartedSession(account, session, generation)
        await loaders.accounts.end_session(tx, session)
        await loaders.audit.record(tx, "refreshSession", actor(_viewer(account, session)), ctx.address)
        return None

    refreshed = await fitted_transaction(ctx.loaders.database, work)
    if refreshed is None:
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.", "refreshToken")
    return session_payload(ctx, refreshed)


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

    await fitted_transaction(ctx.loaders.database, work)
    return {}


async def _account_of(ctx: Context, email: str) -> AccountDoc | None:
    return await loaders.accounts.find_by_email(ctx.loaders.database, email)


async def _create_account(ctx: Context, values: InputValues) -> StartedSession | AccountDoc:
    """Creates an account and a session. Returns the account if a concurrent sign-up has just created one.

    Counts against the limits on sign-ups. Raises RefusedError if one is exceeded.
    """
    limits, database = limits_of(ctx), ctx.loaders.database
    await spend(ctx, limits)
    try:
        password_hash = await passwords.hash_password(values["password"])

        async def work(tx: Transaction) -> StartedSession | AccountDoc:
            existing = await loaders.accounts.by_email(tx, values["email"])
            return existing or await _new_student(ctx, tx, values, password_hash)

        created = await fitted_transaction(database, work)
    except loaders.accounts.AddressTakenError:
        raise _duplicate() from None  # it counts against the limits, as for every address that is taken
    except BaseException:
        await give_back(database, limits)
        raise
    if not isinstance(created, StartedSession) and _is_retry(created, values):
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

    if session := await fitted_transaction(ctx.loaders.database, work):
        return session_payload(ctx, StartedSession(account, session))
    return await _start_session(ctx, account)


async def _new_student(
    ctx: Context, tx: Transaction, values: InputValues, password_hash: str
) -> StartedSession:
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
            "email": values["email"], "name": values["name"], "passwordHash": password_hash,
            "roles": ["STUDENT"], "studentId": student["_id"], "createdAt": tx.now,
            "signUpKey": values.get("idempotencyKey"), "language": preferred_language(ctx.accept_language),
        },
    )  # fmt: skip
    expires_on = tx.now + loaders.accounts.LINK_LASTS["VERIFY"]
    outbox.send(tx, outbox.Message("verify_email", account_id=account["_id"], expires_on=expires_on))
    return await insert_session(ctx, tx, account, "signUp")


async def _start_session(ctx: Context, account: AccountDoc, device_id: ObjectId | None = None) -> Objects:
    """Starts a session for an account whose password has been verified.

    Raises RefusedError if the password was changed after it was verified.
    """

    async def work(tx: Transaction) -> StartedSession:
        current = await loaders.accounts.by_id(tx, account["_id"])
        if current is None or current["passwordHash"] != account["passwordHash"]:
            raise _wrong_credentials()
        return await insert_session(ctx, tx, current, "signIn", device_id)

    return session_payload(ctx, await fitted_transaction(ctx.loaders.database, work))


async def insert_session(
    ctx: Context, tx: Transaction, account: AccountDoc, action: str, device_id: ObjectId | None = None
) -> StartedSession:
    """Inserts a session, and an audit entry for everything that the transaction has changed.

    Raises RefusedError if the account has been deactivated.
    """
    if not loaders.accounts.is_active(account):
        raise refusal("FORBIDDEN", "This account has been deactivated: ask the staff of the platform.")
    session = await loaders.accounts.begin_session(tx, account, device_id, client_of(ctx))
    await loaders.audit.record(tx, action, actor(_viewer(account, session)), ctx.address)
    return StartedSession(account, session)


def _duplicate() -> RefusedError:
    message = "There is already an account with this address: sign in, or use another address."
    return refusal("DUPLICATE", message, "email")


def _wrong_credentials() -> RefusedError:
    return refusal("UNAUTHENTICATED", "The e-mail address or the password is wrong.")


def session_payload(ctx: Context, new: StartedSession) -> Objects:
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
        "deviceToken": ctx.tokens.device(str(account["passwordHash"]), _device_of(session)),
        "expiresAt": access.expires_at,
        "viewer": viewer_doc(viewer),
    }


def _device_of(session: SessionDoc) -> ObjectId:
    """Returns the id of a session's device: that of the first session on the device."""
    return session.get("deviceId") or session["_id"]


def _viewer(account: AccountDoc, session: SessionDoc) -> Viewer:
    return Viewer(
        roles=frozenset(account["roles"]),
        student_id=account["studentId"],
        instructor_id=account["instructorId"],
        subject=str(account["_id"]),
        session_id=session["_id"],
    )
