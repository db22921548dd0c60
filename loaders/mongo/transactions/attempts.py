"""Runs transactions: either all of their writes take effect or none do; transient errors are retried."""

import random
from asyncio import sleep
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable
from time import monotonic
from typing import TypeVar

from motor.core import AgnosticBase
from pymongo.errors import PyMongoError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from loaders.mongo import circuit, commands, detached
from loaders.mongo.bson_types import DriverObject
from loaders.mongo.command_errors import (
    COMMAND_ERRORS,
    INTERRUPTED,
    DatabaseAwayError,
    DeadlineError,
    OutcomeUnknownError,
)
from loaders.mongo.database import Database
from loaders.mongo.key_locks import locks_of
from loaders.mongo.scope import OnTransaction, current_scope, take_time
from loaders.mongo.transactions.transaction_commands import TRANSIENT, Transaction

T = TypeVar("T")

#: Time limit for a transaction and its retries, in seconds. Used only outside requests, because a request has
#: its own deadline. The limit leaves time for the election of a new primary, which takes about ten seconds.
_LONGEST = 20.0
_COMMIT = 10.0  # time limit for each attempt to commit, in seconds
_FOLLOWED_UP = 60.0  # seconds after which a commit with an unknown outcome is no longer retried
_ABORT = 5.0  # time limit for aborting a transaction, in seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.3  # initial and maximum backoff between attempts, in seconds

_MAJORITY = {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority")}
_UNKNOWN = "UnknownTransactionCommitResult"


async def transaction(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Runs `work` in a transaction; returns its result once a majority of the replica set has the writes.

    `work` can be called several times, each time with a fresh transaction. If it raises an error, nothing is
    written, and the error is passed on.

    If MongoDB stays unreachable, raises PyMongoError. During a request, raises DatabaseAwayError instead.

    If a request's deadline passes, raises DeadlineError, or OutcomeUnknownError if a commit was in flight at
    the deadline.
    """
    notify = scope.on_transaction if (scope := current_scope.get()) and scope.on_transaction else _ignore
    try:
        result = await _retried(database, work, notify)
    except BaseException as error:
        notify("unknown" if isinstance(error, OutcomeUnknownError) else "aborted")
        raise
    notify("committed")
    return result


def _ignore(_: str) -> None: ...


async def _retried(
    database: Database, work: Callable[[Transaction], Awaitable[T]], notify: OnTransaction
) -> T:
    """Attempts a transaction until it succeeds or fails for good."""
    scope = current_scope.get()
    deadline, pause = scope.deadline if scope else monotonic() + _LONGEST, _FIRST_PAUSE
    keys: set[str] = set()
    counter = (scope.counted_by or scope) if scope else None
    sent_before = counter.sent if counter else 0
    while True:
        known = len(keys)
        if counter:
            counter.sent = sent_before
        if scope:
            await circuit.has_primary(database.client, deadline)
        try:
            async with locks_of(database.client).acquired(keys, deadline):
                return await _attempt(database, keys, work, deadline)
        except (PyMongoError, DatabaseAwayError) as error:
            if not _is_transient(error):
                raise
            if monotonic() > deadline:
                raise (DeadlineError() if scope else error) from error
        notify("retried")
        # If `keys` has grown, no pause is needed, because the next attempt waits until it has the new key's
        # lock.
        if len(keys) == known:
            await sleep(pause * random.random())  # noqa: S311 # jitter, so that two retries don't conflict again
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def _is_transient(error: PyMongoError | DatabaseAwayError) -> bool:
    return (
        isinstance(error, DatabaseAwayError)
        or error.has_error_label(TRANSIENT)
        or getattr(error, "code", None) == INTERRUPTED
    )


async def _attempt(
    database: Database, keys: set[str], work: Callable[[Transaction], Awaitable[T]], deadline: float
) -> T:
    session: DriverObject = database.client.start_session()
    if isawaitable(session):
        session = await session
    started = (session.delegate if isinstance(session, AgnosticBase) else session).start_transaction(
        **_MAJORITY
    )
    if isawaitable(started):
        await started
    tx = Transaction(database, session, keys)
    try:
        result = await work(tx)
        await tx.finish()
    except BaseException:
        await _aborted(session, deadline, has_begun=tx.has_begun)
        raise
    if tx.has_begun:
        await _committed(session, deadline)
        tx.committed()
    else:
        await _aborted(session, deadline, has_begun=False)
    return result


async def _aborted(session: DriverObject, deadline: float, *, has_begun: bool) -> None:
    """Aborts the transaction, and waits for the abort, at most until the deadline.

    After the deadline, the abort continues in the background.
    """
    with suppress(DeadlineError):
        await detached.outcome(detached.start_detached(_ended(session, sends=has_begun)), deadline)


async def _committed(session: DriverObject, deadline: float) -> None:
    """Commits, and waits for the commit until the deadline.

    At the deadline, raises OutcomeUnknownError, but the commit continues in the background.
    """
    scope, commit = current_scope.get(), detached.start_detached(_commit(session))
    try:
        await detached.outcome(commit, deadline, "commit")
    except DeadlineError:
        raise OutcomeUnknownError(commit) from None
    finally:
        if scope:
            scope.wrote = True


async def _commit(session: DriverObject) -> None:
    """Commits, and retries until the outcome is known, even if nobody waits for it any more.

    An abandoned commit would keep its locks in MongoDB. Retrying is safe, because a commit is idempotent.
    """
    until = monotonic() + _FOLLOWED_UP
    try:
        while True:
            take_time(_COMMIT)
            try:
                await commands.send(session, "commitTransaction", lambda target: target.commit_transaction())
            except COMMAND_ERRORS as error:
                if isinstance(error, PyMongoError) and not _may_have_committed(error):
                    raise
                if monotonic() > until:
                    await _kill(session)
                    raise
                if scope := current_scope.get():
                    (scope.counted_by or scope).sent -= 1
                await sleep(_FIRST_PAUSE)
            else:
                return
    finally:
        await _ended(session, sends=session.in_transaction)


def _may_have_committed(error: PyMongoError) -> bool:
    """Returns whether a commit that raised this error may have succeeded or may still reach a majority."""
    return (
        error.has_error_label(_UNKNOWN)
        or isinstance(error, WriteConcernError)
        or getattr(error, "code", None) == INTERRUPTED
    )


async def _ended(session: DriverObject, *, sends: bool) -> None:
    """Ends the session, which aborts its transaction unless the transaction has been committed.

    If ending the session fails, app.background aborts the transaction later. sends: whether ending the
    session sends a command to MongoDB. If not, listeners are not notified.
    """
    take_time(_ABORT, observed=sends)
    with suppress(*COMMAND_ERRORS):
        await commands.send(session, "abortTransaction", lambda target: target.end_session())


async def _kill(session: DriverObject) -> None:
    take_time(_ABORT)
    ids = [session.session_id]
    with suppress(*COMMAND_ERRORS):
        admin = session.client["admin"]
        await commands.send(admin, "killSessions", lambda target: target.command("killSessions", ids))
