"""Fixtures: the databases of tests/execution/sites.py, each filled once.

Use them with `parametrize("site", ["sound"], indirect=True)`.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.database import connect
from app.settings import Settings
from tests.execution import sites
from tests.execution.holes import raw_documents
from tests.execution.site import Site, survey


@pytest.fixture
def raw() -> Iterator[None]:
    """Documents reach the engines as they are stored."""
    with raw_documents():
        yield


@pytest.fixture(scope="session")
async def site(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Site]:
    name = f"{settings.mongodb_database}_{request.param}"
    async with connect(settings.model_copy(update={"mongodb_database": name})) as database:
        await sites.fill(request.param, database)
        yield await survey(request.param, database)
        await database.client.drop_database(name)
