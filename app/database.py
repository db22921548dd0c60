"""The MongoDB client: opened, pinged and closed here, with Motor or with PyMongo's async client."""

from asyncio import sleep
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from time import monotonic
from typing import Any

import pymongo
import structlog
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.monitoring import CommandListener

from app.settings import Settings
from loaders.mongo import APP_NAME, POOL, Database, forget_sessions, keep_sessions, watching_circuit

_log = structlog.get_logger("lectern")

_ATTEMPT, _PAUSE = 1.0, 0.5  # seconds

_CLIENTS: dict[str, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}


class DatabaseUnavailableError(Exception):
    """MongoDB can't be reached; the message names the setting, never a password."""


@asynccontextmanager
async def connect(
    settings: Settings, *listeners: CommandListener, tz_aware: bool = True
) -> AsyncIterator[Database]:
    """The database of the settings; its client is closed at the end. Nothing is sent yet.

    tz_aware: whether moments come with their zone, UTC.

    Raises DatabaseUnavailableError when MONGODB_URI can't be read.
    """
    client = _open(settings, listeners, tz_aware)
    drivers_own = getattr(client, "delegate", client)
    keep_sessions(drivers_own)
    try:
        with watching_circuit(client, settings.mongodb_timeout, _tell):
            yield Database(client[settings.mongodb_database])
    finally:
        forget_sessions(drivers_own)
        closing = client.close()
        if isawaitable(closing):
            await closing


def _tell(news: str | float) -> None:
    if isinstance(news, str):
        _log.error("MongoDB is away: requests fail until it answers", reason=reason_of(news))
    else:
        _log.warning("MongoDB answers again", seconds=round(news, 1))


async def ping(database: Database) -> None:
    """Raises DatabaseUnavailableError when MongoDB doesn't answer."""
    try:
        await database.command("ping")
    except PyMongoError as error:
        raise DatabaseUnavailableError(
            f"MONGODB_URI: MongoDB does not answer: {reason_of(str(error))}"
        ) from None


async def wait_for(database: Database, seconds: float, waiting: Callable[[], None]) -> None:
    """Returns when MongoDB answers, or after so many seconds. waiting: called if it doesn't at first."""
    deadline, told = monotonic() + seconds, False
    while (left := deadline - monotonic()) > 0:
        try:
            with pymongo.timeout(min(left, _ATTEMPT)):
                await ping(database)
        except DatabaseUnavailableError:
            if not told:
                waiting()
            told = True
            await sleep(_PAUSE)
        else:
            return


async def require_transactions(database: Database) -> None:
    """Raises DatabaseUnavailableError when MongoDB doesn't answer, or is a server without transactions."""
    await ping(database)
    hello = await database.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":  # what a mongos says
        raise DatabaseUnavailableError(_STANDALONE)


_STANDALONE = (
    "MONGODB_URI: this MongoDB is a standalone server, which has no transactions.\n"
    "Lectern needs a replica set; one server is enough. Start it with\n"
    "  mongod --replSet rs0\n"
    "and once, when it runs:\n"
    "  mongosh --eval 'rs.initiate()'"
)


def _open(settings: Settings, listeners: tuple[CommandListener, ...], tz_aware: bool) -> Any:
    try:
        return _CLIENTS[settings.mongodb_driver](
            settings.mongodb_uri.get_secret_value(),
            appname=APP_NAME,
            readPreference="primary",
            tz_aware=tz_aware,
            maxPoolSize=POOL,
            serverSelectionTimeoutMS=round(settings.mongodb_timeout * 1000),
            event_listeners=listeners,
        )
    except (ConfigurationError, ValueError) as error:
        raise DatabaseUnavailableError(f"MONGODB_URI can't be used: {error}") from None


def reason_of(message: str) -> str:
    """The first part of PyMongo's message: without the topology it appends."""
    return message.partition(", Timeout:")[0].partition(" (configured timeouts")[0]
