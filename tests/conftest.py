"""Fixtures for all tests: a real mongod, a database in it, and a gateway that serves it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from pydantic import SecretStr
from pymongo import MongoClient
from typer.main import get_command

from app import embedded, errors
from app.database import connect
from app.execution import Executor, Operation, Prepared
from app.sample.loading import load_sample
from app.settings import Settings
from loaders import indexes
from loaders.model import Document
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.schema import schema
from tests.factories import clear
from tests.support import NOW, SECRET, SHARED, UNLIMITED, MongoCommands, RunQuery, request_for, serving

# No deadline: the time of an example depends on the machine.
hypothesis.settings.register_profile("lectern", deadline=None)
hypothesis.settings.load_profile("lectern")

# A gateway that a test stops has no load balancer to wait for.
os.environ.setdefault("LECTERN_DRAIN_DELAY", "0")
# Tests look for lines of the log as people see them.
os.environ.setdefault("LECTERN_LOG_FORMAT", "console")


_MOST_WORKERS = 8  # they share one mongod


def pytest_configure(config: pytest.Config) -> None:
    """Ignores a warning of PyMongo's async client.

    If the client is closed while its monitor opens a connection, it leaves the socket to the garbage
    collector. The warning would be an error in whichever test runs then. Motor's client doesn't warn.
    """
    if os.environ.get("LECTERN_MONGODB_DRIVER") == "pymongo":
        config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Returns two workers for each processor, because many tests wait for other processes."""
    return min(2 * (os.cpu_count() or 1), _MOST_WORKERS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests measured: `record_property("measured", text)`. The workers of a run can't print."""
    for report in terminalreporter.stats.get("passed", ()):
        for text in [value for name, value in report.user_properties if name == "measured"]:
            terminalreporter.write_line(f"{report.nodeid}\n{text}")


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Typer's CliRunner would build all commands for each call, which takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield


@pytest.fixture(autouse=True)
def unconfigured_log() -> Iterator[None]:
    """Undoes what a test configures, and forgets the errors that would only be counted from now on."""
    handlers = logging.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
    for throttled in (errors._FIELD_FAILED, errors._REQUEST_FAILED):
        throttled._kinds.clear()


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A directory that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def mongo_uri(shared_directory: Path) -> Iterator[str]:
    """One mongod for all the workers of a run."""
    with embedded.running(shared_directory / "mongod") as uri:
        _delete_dropped_files_soon(uri)
        yield uri


def _delete_dropped_files_soon(uri: str) -> None:
    """Has MongoDB keep the files of dropped collections for 5 seconds, not for 5 minutes.

    Many tests create a database and drop it. In 5 minutes, they could leave more files open than the system
    allows, which ends mongod.
    """
    with MongoClient[Document](uri) as client:
        client.admin.command("setParameter", minSnapshotHistoryWindowInSeconds=5)


@pytest.fixture(scope="session")
def settings(mongo_uri: str, worker_id: str) -> Settings:
    driver = os.environ.get("LECTERN_MONGODB_DRIVER", "motor")
    return Settings.model_validate(
        {
            "mongodb_uri": SecretStr(mongo_uri),
            "mongodb_database": f"test_{driver}_{worker_id}",
            "mongodb_driver": driver,
            "lectern_secret": SecretStr(SECRET),
        }
    )


@pytest.fixture(scope="session")
def recorder() -> MongoCommands:
    return MongoCommands()


@pytest.fixture(scope="session")
async def indexed_database(settings: Settings, recorder: MongoCommands) -> AsyncIterator[Database]:
    async with connect(settings, recorder) as database:
        await indexes.ensure(database)
        yield database


@pytest.fixture
async def database(indexed_database: Database) -> Database:
    """An empty database with its indexes."""
    await clear(indexed_database)
    return indexed_database


@pytest.fixture
def mongo_commands(database: Database, recorder: MongoCommands) -> list[str]:
    """The commands sent since the test began. `clear()` starts the count anew."""
    recorder.sent.clear()
    return recorder.sent


@pytest.fixture
def run_query(database: Database) -> RunQuery:
    """`await run_query(text, variables, viewer=…)`: the data of an operation without errors.

    With `errors=True`, the whole payload.
    """
    executor = Executor(schema, UNLIMITED)

    async def run(
        text: str,
        variables: dict[str, Any] | None = None,
        *,
        viewer: Viewer = PUBLIC,
        errors: bool = False,
        now: datetime = NOW,
    ) -> Any:
        prepared = executor.prepare(Operation(text, variables))
        assert isinstance(prepared, Prepared), prepared
        payload = (await executor.run(prepared, request_for(database, viewer, now=now))).payload
        if errors:
            return payload
        assert "errors" not in payload, payload["errors"]
        return payload["data"]

    return run


@pytest.fixture(scope="session")
def sample(settings: Settings, shared_directory: Path) -> Settings:
    """Settings for a database with the sample data: the workers of a run share it, and the first loads it."""
    own = settings.model_copy(update={"mongodb_database": f"sample_{settings.mongodb_driver}"})
    with (shared_directory / "sample.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        asyncio.run(_load_sample(own))
    return own


async def _load_sample(settings: Settings) -> None:
    """Does nothing if the sample data is there."""
    async with connect(settings) as database:
        await indexes.ensure(database)
        await load_sample(database)


@pytest.fixture(scope="session")
def gateway_url(sample: Settings) -> Iterator[str]:
    """A gateway that serves the sample data: `lectern serve` in a process of its own."""
    with serving(sample) as url:
        yield url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("the real data sets are not here: ../shared/data")
    return SHARED / "data"
