"""Fixtures of the tests of mutations."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from loaders.mongo.database import Database
from loaders.recounting import recount
from tests.writes.support import Gateway, LateWrites, served


@pytest.fixture(scope="session")
def late_writes() -> LateWrites:
    """The outcomes of work that outlived its request."""
    return LateWrites()


@pytest.fixture(scope="session")
async def one_gateway(settings: Settings, late_writes: LateWrites) -> AsyncIterator[Gateway]:
    async with served(settings, late_writes) as gateway:
        yield gateway


@pytest.fixture
async def gateway(one_gateway: Gateway, database: Database) -> AsyncIterator[Gateway]:
    """A gateway with an empty database. After the test, a recount must find no difference."""
    yield one_gateway
    assert [difference async for difference in recount(database, fix=False)] == []
