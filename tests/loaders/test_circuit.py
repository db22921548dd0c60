"""The circuit breaker: it opens when MongoDB can't be reached, and closes when it can."""

import asyncio
from asyncio import create_task, gather, sleep
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import pytest
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from app.database import DatabaseUnavailableError, connect, ping, wait_for
from loaders.mongo import circuit, commands
from loaders.mongo.command_errors import DatabaseAwayError, DeadlineError
from loaders.mongo.database import Database
from loaders.mongo.scope import Scope, current_scope
from tests.loaders.mongod import Mongod, no_threads_for_the_driver

PATIENCE = 0.5  # seconds


@contextmanager
def request(seconds: float = 5) -> Iterator[Scope]:
    token = current_scope.set(scope := Scope(monotonic() + seconds))
    try:
        yield scope
    finally:
        current_scope.reset(token)


@pytest.mark.alone
async def test_it_opens_when_a_ping_fails_and_closes_when_one_succeeds(own_mongod: Mongod) -> None:
    async with connect(own_mongod.settings(mongodb_timeout=PATIENCE)) as database:
        things = database["things"]
        with request():
            await commands.find(things, {}, size=1)
        with own_mongod.stopped():
            with request(0.2), pytest.raises(DeadlineError):
                await commands.find(things, {}, size=1)
            with request(), pytest.raises(DatabaseAwayError):  # after it has waited for the ping
                await commands.find(things, {}, size=1)
            assert circuit.circuit_is_open(database.client)
            began = monotonic()
            with request():
                failed = await gather(
                    *(commands.find(things, {}, size=1) for _ in range(200)), return_exceptions=True
                )
            assert {type(error) for error in failed} == {DatabaseAwayError}
            assert monotonic() - began < 0.5
        await _answering(database)
        with request():
            await commands.find(things, {}, size=1)
    assert not circuit.troubled


async def test_a_lost_connection_alone_does_not_open_it(own_mongod: Mongod) -> None:
    async with connect(own_mongod.settings(mongodb_timeout=3.0)) as database:
        await ping(database)
        with own_mongod.failing(2, failCommands=["find"], closeConnection=True), request():
            with suppress(PyMongoError):  # the number of the driver's retries depends on the driver
                await commands.find(database["things"], {}, size=1)
            assert await commands.count(database["things"], {}) >= 0
            assert not circuit.circuit_is_open(database.client)


async def test_it_closes_again_after_the_system_allowed_no_more_threads(
    own_mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(own_mongod.settings(mongodb_timeout=PATIENCE)) as database:
        await ping(database)
        with no_threads_for_the_driver(monkeypatch):
            circuit.suspect(database.client)
            await sleep(2 * PATIENCE)  # it pings meanwhile
        await _answering(database)
        with request():
            await commands.find(database["things"], {}, size=1)
    assert not circuit.troubled


async def test_outside_requests_the_driver_s_own_errors_are_raised(own_mongod: Mongod) -> None:
    gone = own_mongod.settings(mongodb_timeout=0.1)
    async with connect(gone.model_copy(update={"mongodb_uri": _nowhere(gone.mongodb_uri)})) as database:
        with pytest.raises(PyMongoError):
            await commands.find(database["things"], {}, size=1)
        with pytest.raises(DatabaseUnavailableError):
            await ping(database)


async def test_a_server_that_never_ran_counts_as_away(own_mongod: Mongod) -> None:
    gone = own_mongod.settings(mongodb_timeout=0.1)
    async with connect(gone.model_copy(update={"mongodb_uri": _nowhere(gone.mongodb_uri)})) as database:
        with request(), pytest.raises(DatabaseAwayError):
            await commands.find(database["things"], {}, size=1)


async def test_start_up_waits_for_mongodb_and_reports_it_once(own_mongod: Mongod) -> None:
    reports: list[None] = []
    async with connect(own_mongod.settings()) as database:
        await wait_for(database, 5, lambda: reports.append(None))
        assert not reports
        with own_mongod.stopped():
            waiting = create_task(wait_for(database, 30, lambda: reports.append(None)))
            async with asyncio.timeout(10):
                while not reports:  # noqa: ASYNC110 # a plain list
                    await sleep(0.05)
            await sleep(2)  # it retries meanwhile
            assert reports == [None]
            assert not waiting.done()
        async with asyncio.timeout(10):
            await waiting


@pytest.mark.alone
async def test_start_up_waits_no_longer_than_its_limit(own_mongod: Mongod) -> None:
    gone = own_mongod.settings(mongodb_timeout=0.1)
    async with connect(gone.model_copy(update={"mongodb_uri": _nowhere(gone.mongodb_uri)})) as database:
        for seconds in (0.0, 1.0):
            began = monotonic()
            await wait_for(database, seconds, lambda: None)
            assert seconds <= monotonic() - began < seconds + 1


async def _answering(database: Database) -> None:
    """Waits until MongoDB answers pings again."""
    async with asyncio.timeout(5):
        while id(database.client) in circuit.troubled:  # noqa: ASYNC110 # there is no event to wait for
            await sleep(0.02)


def _nowhere(uri: SecretStr) -> SecretStr:
    """A URI of the same type where no server listens."""
    return type(uri)("mongodb://127.0.0.1:1/?directConnection=true")
