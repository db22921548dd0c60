"""What a gateway does in the background."""

from asyncio import sleep

import structlog
from pymongo.errors import PyMongoError

from loaders import abandoned
from loaders.mongo import Database

_EVERY = 2.0  # seconds

_log = structlog.get_logger("lectern")


async def tend(database: Database) -> None:
    """Ends the transactions of gateways that died, for as long as this one runs."""
    while True:
        try:
            if ended := await abandoned.end(database):
                _log.warning("transactions of a gateway that died", ended=ended)
        except PyMongoError as error:
            _log.debug("abandoned transactions not looked for", reason=str(error))
        await sleep(_EVERY)
