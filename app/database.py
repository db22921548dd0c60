"""Opens, pings and closes the MongoDB client, which is either Motor's or PyMongo's async client."""

from asyncio import sleep
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from time import monotonic
from typing import Any, TypeAlias

import pymongo
import structlog
from motor.core import AgnosticBase
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError
from pymongo.monitoring import CommandListener

from app.settings import Settings
from loaders.mongo import (
    APP_NAME,
    POOL,
    Database,
    forget_sessions,
    keep_sessions,
    reason_of,
    watching_circuit,
)

_log = structlog.get_logger("lectern")

# MongoDB's error codes: Unauthorized; and AuthenticationFailed, or AtlasError on Atlas
_UNAUTHORIZED, _WRONG_CREDENTIALS = 13, (18, 8000)

_ATTEMPT, _PAUSE = 1.0, 0.5  # timeout of a startup ping, and pause between pings, in seconds

_Driver: TypeAlias = Any  # a client of either driver; the two client classes have no common base class

_CLIENTS: dict[str, _Driver] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}


class DatabaseUnavailableError(Exception):
    """MongoDB is unavailable or unsuitable.

    The message names LECTERN_MONGODB_URI, but never contains a password.
    """


@asynccontextmanager
async def connect(
    settings: Settings, *listeners: CommandListener, tz_aware: bool = True
) -> AsyncIterator[Database]:
    """Yields the configured database, and closes its client afterwards. Opening the client sends no command.

    tz_aware: whether dates are read as time-zone-aware datetimes, in UTC; otherwise they are naive.

    Raises DatabaseUnavailableError if LECTERN_MONGODB_URI is invalid. If LECTERN_MONGODB_URI isn't set, a
    DatabaseUnavailableError that is raised while the database is in use says so.
    """
    client = _open(settings, listeners, tz_aware)
    pymongo_client = client.delegate if isinstance(client, AgnosticBase) else client
    keep_sessions(pymongo_client)
    try:
        with watching_circuit(client, settings.mongodb_timeout, _log_availability):
            yield Database(client[settings.mongodb_database], settings.destinations)
    except DatabaseUnavailableError as error:
        if "mongodb_uri" in settings.model_fields_set:
            raise
        raise DatabaseUnavailableError(f"{error}\n{_NOT_SET}") from None
    finally:
        forget_sessions(pymongo_client)
        closing = client.close()
        if isawaitable(closing):
            await closing


def _log_availability(change: str | float) -> None:
    """Logs a change in MongoDB's availability.

    change: the error message if MongoDB has become unavailable; the downtime in seconds if it is back.
    """
    if isinstance(change, str):
        _log.error("MongoDB is not responding: requests fail until it does", reason=reason_of(change))
    else:
        _log.warning("MongoDB is responding again", seconds=round(change, 1))


async def ping(database: Database) -> None:
    """Pings MongoDB. Raises DatabaseUnavailableError if it doesn't answer, or refuses the credentials."""
    try:
        await database.command("ping")
    except PyMongoError as error:
        no_answer = f"LECTERN_MONGODB_URI: MongoDB does not answer: {reason_of(error)}\n{_START}"
        raise DatabaseUnavailableError(refusal(error) or no_answer) from None


async def wait_for(database: Database, seconds: float, waiting: Callable[[], None]) -> None:
    """Waits until MongoDB answers, but no longer than `seconds`. Raises no error if MongoDB doesn't answer.

    waiting: called once, when the first ping fails.
    """
    deadline, has_failed = monotonic() + seconds, False
    while (left := deadline - monotonic()) > 0:
        try:
            with pymongo.timeout(min(left, _ATTEMPT)):
                await ping(database)
        except DatabaseUnavailableError:
            if not has_failed:
                waiting()
            has_failed = True
            await sleep(_PAUSE)
        else:
            return


async def require_transactions(database: Database) -> None:
    """Raises DatabaseUnavailableError if MongoDB doesn't answer or doesn't support transactions."""
    await ping(database)
    hello = await database.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":  # a mongos replies "isdbgrid"
        raise DatabaseUnavailableError(_STANDALONE)


_START = "Start it, or set the URI of another one. The MongoDB of `lectern dev` runs only while that runs."
_NOT_SET = "LECTERN_MONGODB_URI is not set, so Lectern tries mongodb://localhost:27017."

_STANDALONE = (
    "LECTERN_MONGODB_URI: this MongoDB is a standalone server, which doesn't support transactions.\n"
    "Lectern needs a replica set; one server is enough. Start it with\n"
    "  mongod --replSet rs0\n"
    "and initiate it once it is running:\n"
    "  mongosh --eval 'rs.initiate()'"
)


def _open(settings: Settings, listeners: tuple[CommandListener, ...], tz_aware: bool) -> _Driver:
    try:
        return _CLIENTS[settings.mongodb_driver](
            settings.mongodb_uri.get_secret_value(),
            appname=APP_NAME,
            readPreference="primary",
            tz_aware=tz_aware,
            # A date after the year 9999 becomes a DatetimeMS, instead of causing an error.
            datetime_conversion="DATETIME_AUTO",
            maxPoolSize=POOL,
            serverSelectionTimeoutMS=round(settings.mongodb_timeout * 1000),
            event_listeners=listeners,
        )
    except (ConfigurationError, ValueError) as error:
        raise DatabaseUnavailableError(f"LECTERN_MONGODB_URI can't be used: {error}") from None


def refusal(error: PyMongoError) -> str | None:
    """Returns a message if MongoDB refused the credentials or denied access, otherwise None."""
    code = error.code if isinstance(error, OperationFailure) else None
    reason = str(error).partition(", full error:")[0].partition(" to execute command")[0]
    if code in _WRONG_CREDENTIALS:
        return f"LECTERN_MONGODB_URI: MongoDB refused the user name or the password: {reason}"
    if code == _UNAUTHORIZED:
        return f"LECTERN_MONGODB_URI: MongoDB denied access: {reason}"
    return None
