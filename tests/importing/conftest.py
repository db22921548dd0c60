"""Fixtures that run the commands as from a shell, on databases that tests use again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from loaders.model import Document
from tests.importing.shell import Shell


@pytest.fixture
def fresh_shell(
    mongo_uri: str, worker_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Shell]]:
    """Returns a function that empties a database and creates a shell on it.

    Its collections and indexes are kept, because creating them is slow.
    """
    monkeypatch.setenv("LECTERN_MONGODB_URI", mongo_uri)
    with MongoClient[Document](mongo_uri, tz_aware=True) as client:

        def make(name: str) -> Shell:
            database = client[f"import_{worker_id}_{name}"]
            for collection in database.list_collection_names():
                database[collection].delete_many({})
            monkeypatch.setenv("LECTERN_MONGODB_DATABASE", database.name)
            return Shell(database, tmp_path)

        yield make


@pytest.fixture
def shell(fresh_shell: Callable[[str], Shell]) -> Shell:
    return fresh_shell("first")
