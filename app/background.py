"""Background tasks that run for as long as the gateway does, and what restarts them after an error."""

from asyncio import sleep
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import pymongo
import structlog
from pymongo.errors import PyMongoError

from app.observing import Throttled, ThrottledErrors, redacted
from loaders import indexes
from loaders.collections import Retention
from loaders.mongo import COMMAND_ERRORS, Database, StaleTransactions, take_time
from loaders.people import due_erasure_step

_EVERY = 2.0  # seconds between checks for stale transactions
_LONGEST = 2.0  # timeout of a check for stale transactions, in seconds

# Seconds until the next check for missing indexes. The second number applies if any are missing or the check
# failed.
_INDEXES_EVERY, _INDEXES_RETRY = 300.0, 60.0

# Seconds between two looks for erasures that are due, and the timeout of one transaction of an erasure.
_ERASURES_EVERY, _ERASURE_STEP = 10.0, 20.0

_PAUSE = 1.0  # seconds before a task is restarted

_log = structlog.get_logger("lectern")
_CHECK_FAILED = Throttled("can't check for idle transactions")
_CANT_ERASE = Throttled("erasures can't be continued now")
_FAILED = ThrottledErrors("a background task failed and is restarted")

#: The number of unexpected errors of this process's background tasks, by task.
failures: Counter[str] = Counter()


async def supervised(task: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs a background task until it returns or is cancelled. After any error, it is restarted.

    task: its name in the log and in the metrics. work: begins the task from the start at each call.
    """
    while True:
        try:
            return await work()
        except Exception as error:  # nobody awaits the task: without this, it would end unnoticed
            failures[task] += 1
            _FAILED.error(error, task=task)
        await sleep(_PAUSE)


async def end_stale_transactions(database: Database) -> None:
    """Aborts transactions of gateways that died or are stuck. Runs until cancelled."""
    stale = StaleTransactions(database)
    while True:
        take_time(_LONGEST)
        try:
            if ended := await stale.end():
                _log.warning("aborted idle transactions: a gateway died or is stuck", transactions=ended)
        except COMMAND_ERRORS as error:
            _CHECK_FAILED.warning(reason=redacted(error))
        await sleep(_EVERY)


async def finish_erasures(database: Database) -> None:
    """Repeats erasures when it is time, and continues interrupted ones. Runs until cancelled."""
    while True:
        await sleep(_ERASURES_EVERY)
        try:
            has_more = True
            while has_more:
                take_time(_ERASURE_STEP)
                has_more = await due_erasure_step(database)
        except COMMAND_ERRORS as error:
            _CANT_ERASE.warning(reason=redacted(error))


class ReportsIndexes(Protocol):
    """The part of app.http.Readiness that `check_indexes` needs."""

    missing_indexes: Sequence[str]


async def check_indexes(database: Database, report: ReportsIndexes, retention: Retention) -> None:
    """Checks regularly for indexes that are missing, or differ from Lectern's. Runs until cancelled.

    Stores the missing indexes in `report`. Logs missing and differing indexes when they are first found, and
    again whenever the list changes, and when no index is missing any more.
    """
    differing: list[str] = []
    while True:
        pause = _INDEXES_RETRY
        try:
            with pymongo.timeout(10 * _LONGEST):
                compared = await indexes.compare(database, retention)
        except PyMongoError as error:
            _log.debug("can't check for missing indexes", reason=redacted(error))
        else:
            missing, before = compared.missing_names, differing
            differing = [
                f"{problem.collection}.{problem.name} {problem.what}" for problem in compared.differing
            ]
            if differing and differing != before:
                _log.warning(
                    "indexes differ from Lectern's: `lectern indexes check` says what to do",
                    differing=differing,
                )
            if missing and missing != list(report.missing_indexes):
                _log.warning("indexes are missing: run `lectern indexes apply`", missing=missing)
            if report.missing_indexes and not missing:
                _log.info("no index is missing any more")
            report.missing_indexes = missing
            pause = _INDEXES_RETRY if missing else _INDEXES_EVERY
        await sleep(pause)
