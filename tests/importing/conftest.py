"""Fixtures that run the commands as from a shell, each on its own database."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from loaders.model import Document
from tests.importing.shell import Shell

# MongoDB deletes the files of dropped databases at a checkpoint, which it makes only once a minute. Before
# that, hundreds of tests could leave more files open than the system allows, which ends mongod.
_DROPS_PER_CHECKPOINT = 20
_dropped = itertools.count(1)


@pytest.fixture
def fresh_shell(
    mongo_uri: str, worker_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Shell]]:
    """Returns a function that creates a shell on an empty database, which is dropped at the end."""
    client: MongoClient[Document] = MongoClient(mongo_uri, tz_aware=True)
    monkeypatch.setenv("LECTERN_MONGODB_URI", mongo_uri)
    names: list[str] = []

    def make(name: str) -> Shell:
        names.append(f"import_{worker_id}_{name}")
        client.drop_database(names[-1])
        monkeypatch.setenv("LECTERN_MONGODB_DATABASE", names[-1])
        return Shell(client[names[-1]], tmp_path)

    yield make
    for name in names:
        client.drop_database(name)
    if next(_dropped) % _DROPS_PER_CHECKPOINT == 0:
        client.admin.command("fsync")
    client.close()


@pytest.fixture
def shell(fresh_shell: Callable[[str], Shell]) -> Shell:
    return fresh_shell("first")
