"""What a gateway does in the background."""

from asyncio import sleep
from collections.abc import Sequence
from typing import Protocol

import pymongo
import structlog
from pymongo.errors import PyMongoError

from app.observing import Throttled
from loaders import indexes
from loaders.mongo import Abandoned, Database, DatabaseAwayError, DeadlineError, take_time

_EVERY = 2.0  # seconds
_LONGEST = 2.0  # seconds for MongoDB to answer
_INDEXES_EVERY, _INDEXES_AGAIN = 3600.0, 60.0  # seconds

_log = structlog.get_logger("lectern")
_NOT_LOOKED_FOR = Throttled("transactions of gateways that died can't be looked for")


async def tend(database: Database) -> None:
    """Ends the transactions of gateways that died, for as long as this one runs."""
    abandoned = Abandoned(database)
    while True:
        take_time(_LONGEST)
        try:
            if ended := await abandoned.end():
                _log.warning("transactions of a gateway that died were aborted", transactions=ended)
        except (PyMongoError, DatabaseAwayError, DeadlineError) as error:
            _NOT_LOOKED_FOR.warning(reason=str(error) or type(error).__name__)
        await sleep(_EVERY)


class Told(Protocol):
    missing_indexes: Sequence[str]


async def look_for_indexes(database: Database, told: Told) -> None:
    """Says in the log which indexes are missing: at the start, and when others are."""
    while True:
        pause = _INDEXES_AGAIN
        try:
            with pymongo.timeout(10 * _LONGEST):
                missing = await indexes.missing(database)
        except PyMongoError as error:
            _log.debug("indexes not looked for", reason=str(error))
        else:
            if missing and missing != list(told.missing_indexes):
                _log.warning("indexes are missing: run `lectern indexes`", missing=missing)
            told.missing_indexes = missing
            pause = _INDEXES_AGAIN if missing else _INDEXES_EVERY
        await sleep(pause)
