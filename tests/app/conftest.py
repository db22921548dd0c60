"""Fixtures for the tests of the application."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tests.app.issuers import Server
from tests.app.office import Office
from tests.app.test_cli import running, until_it_answers
from tests.command import lectern
from tests.support import SECRET


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def office_environment(mongo_uri: str, worker_id: str) -> dict[str, str]:
    return {
        "LECTERN_MONGODB_URI": mongo_uri,
        "LECTERN_MONGODB_DATABASE": f"accounts_{worker_id}",
        "LECTERN_SECRET": SECRET,
    }


@pytest.fixture(scope="module")
def office_url(office_environment: dict[str, str]) -> Iterator[str]:
    lectern("indexes", **office_environment)
    with running("serve", **office_environment) as (_, url):
        until_it_answers(url)
        yield url


@pytest.fixture
def office(
    office_environment: dict[str, str], office_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """Accounts in an empty database, and a gateway on it."""
    for name, value in office_environment.items():
        monkeypatch.setenv(name, value)
    with MongoClient[dict[str, Any]](office_environment["LECTERN_MONGODB_URI"], tz_aware=True) as client:
        database = client[office_environment["LECTERN_MONGODB_DATABASE"]]
        for name in database.list_collection_names():
            database[name].delete_many({})
        yield Office(database, office_url)
