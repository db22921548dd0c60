"""A mongod that keeps snapshots for as long as MongoDB does by default, and two databases in it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from app import embedded
from app.database import connect
from app.settings import Settings
from loaders.model import Document
from loaders.mongo import Database


class Pair(NamedTuple):
    """The databases that a test backs up and restores into."""

    source: Database
    target: Database


class SettingsPair(NamedTuple):
    """Their settings."""

    source: Settings
    target: Settings


@pytest.fixture(scope="session")
def own_mongod(shared_directory: Path) -> Iterator[str]:
    with embedded.running(shared_directory / "backup-mongod") as uri:
        yield uri


@pytest.fixture
def two(settings: Settings, own_mongod: str) -> Iterator[SettingsPair]:
    names = [f"{name}_{uuid4().hex}" for name in ("source", "target")]
    found = [
        settings.model_copy(update={"mongodb_uri": SecretStr(own_mongod), "mongodb_database": name})
        for name in names
    ]
    yield SettingsPair(*found)
    with MongoClient[Document](own_mongod) as client:
        for name in names:
            client.drop_database(name)


@pytest.fixture
async def databases(two: SettingsPair) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as opened:
        yield Pair(*[await opened.enter_async_context(connect(settings)) for settings in two])
