"""The background tasks of a gateway."""

from asyncio import sleep
from collections.abc import Sequence
from typing import Protocol

import pymongo
import structlog
from pymongo.errors import PyMongoError

from app.observing import Throttled
from loaders import indexes
from loaders.mongo import Database, DatabaseAwayError, DeadlineError, StaleTransactions, take_time

_EVERY = 2.0  # seconds
_LONGEST = 2.0  # seconds that MongoDB has to answer
_INDEXES_EVERY, _INDEXES_RETRY = 3600.0, 60.0  # seconds; the second while indexes are missing or unknown

_log = structlog.get_logger("lectern")
_NOT_LOOKED_FOR = Throttled("transactions of gateways that died can't be looked for")


async def end_stale_transactions(database: Database) -> None:
    """Aborts the transactions of gateways that died, as long as this one runs."""
    stale = StaleTransactions(database)
    while True:
        take_time(_LONGEST)
        try:
            if ended := await stale.end():
                _log.warning("transactions of a gateway that died were aborted", transactions=ended)
        except (PyMongoError, DatabaseAwayError, DeadlineError) as error:
            _NOT_LOOKED_FOR.warning(reason=str(error) or type(error).__name__)
        await sleep(_EVERY)


class ReportsIndexes(Protocol):
    """Reports missing indexes: app.http.Readiness."""

    missing_indexes: Sequence[str]


async def check_indexes(database: Database, report: ReportsIndexes) -> None:
    """Checks for missing indexes, as long as the gateway runs.

    They are stored in `report`, and logged at the start and whenever they change.
    """
    while True:
        pause = _INDEXES_RETRY
        try:
            with pymongo.timeout(10 * _LONGEST):
                missing = await indexes.missing(database)
        except PyMongoError as error:
            _log.debug("indexes not looked for", reason=str(error))
        else:
            if missing and missing != list(report.missing_indexes):
                _log.warning("indexes are missing: run `lectern indexes`", missing=missing)
            report.missing_indexes = missing
            pause = _INDEXES_RETRY if missing else _INDEXES_EVERY
        await sleep(pause)
