"""What every test may ask for: a real mongod, a database in it, a gateway that serves it."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app import embedded
from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.mongo import Database

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """One mongod for all the workers of a run."""
    base = tmp_path_factory.getbasetemp()
    with embedded.running((base if worker_id == "master" else base.parent) / "mongod") as uri:
        yield uri


@pytest.fixture(scope="session")
def settings(mongo_uri: str, worker_id: str) -> Settings:
    driver = os.environ.get("MONGODB_DRIVER", "motor")
    return Settings.model_validate(
        {
            "mongodb_uri": SecretStr(mongo_uri),
            "mongodb_database": f"test_{driver}_{worker_id}",
            "mongodb_driver": driver,
            "lectern_secret": SecretStr("a secret for the tests, long enough"),
        }
    )


@pytest.fixture(scope="session")
async def indexed_database(settings: Settings) -> AsyncIterator[Database]:
    async with connect(settings) as database:
        await indexes.ensure(database)
        yield database


@pytest.fixture
async def database(indexed_database: Database) -> Database:
    """An empty database with its indexes."""
    for name in await indexed_database.list_collection_names():
        await indexed_database[name].delete_many({})
    return indexed_database


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("the real data sets are not here: ../shared/data")
    return SHARED / "data"
