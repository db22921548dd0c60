"""Persisted and trusted operations with two workers, each a process of its own."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest

from app.settings import Settings
from loaders.mongo import Database
from tests.command import lectern
from tests.persisted.test_over_http import by_hash
from tests.server.processes import LECTERN, Process, until
from tests.storm.gateways import environment
from tests.storm.processes import free_ports

TEXT, TRUSTED = "query A { __typename }", "query B { categories { slug } }"
PUSH = ("--client", "web", "--version", "1")


@pytest.fixture
def server(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Process]:
    (port,) = free_ports(1)
    process = Process([*LECTERN, str(port), "--workers", "2"], tmp_path / "log", environment(settings))
    try:
        assert process.port == port
        yield process
    finally:
        process.kill()


def connection(server: Process, worker: int) -> HTTPConnection:
    """A connection that a worker has accepted: others are closed until the kernel chooses it."""
    found: list[HTTPConnection] = []

    def is_connected() -> bool:
        opened = HTTPConnection("127.0.0.1", server.port, timeout=30)
        opened.request("GET", "/healthz")
        opened.getresponse().read()
        own = opened.sock.getsockname()[1]
        peers = [line.raddr.port for line in psutil.Process(worker).net_connections("tcp4") if line.raddr]
        if own not in peers:
            opened.close()
            return False
        found.append(opened)
        return True

    until(is_connected)
    return found[0]


def code(connection: HTTPConnection, parameters: dict[str, Any]) -> str:
    headers = {"content-type": "application/json", "accept": "application/json"}
    connection.request("POST", "/graphql", json.dumps(parameters), headers)
    answer = json.loads(connection.getresponse().read())
    return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else "OK"


def test_both_workers_know_what_one_has_registered_and_what_is_pushed(
    server: Process, settings: Settings, tmp_path: Path
) -> None:
    own = environment(settings)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"b": TRUSTED}))
    first, second = server.workers
    with closing(connection(server, first)) as one, closing(connection(server, second)) as other:
        assert code(one, by_hash(TEXT, query=TEXT)) == "OK"
        with pymongo.MongoClient[dict[str, Any]](own["LECTERN_MONGODB_URI"]) as mongo:
            stored = mongo[own["LECTERN_MONGODB_DATABASE"]]["persistedOperations"]
            until(lambda: stored.find_one({}) is not None)
        assert [code(each, by_hash(TEXT)) for each in (one, other, other)] == ["OK"] * 3

        assert {code(each, {"id": "b"}) for each in (one, other)} == {"PERSISTED_QUERY_NOT_FOUND"}
        done = lectern("operations", "push", str(manifest), *PUSH, **own)
        assert done.returncode == 0, done.stderr
        until(lambda: {code(each, {"id": "b"}) for each in (one, other)} == {"OK"})

    os.kill(first, signal.SIGKILL)
    until(lambda: len(set(server.workers) - {first}) == 2)
    (replacement,) = set(server.workers) - {first, second}
    with closing(connection(server, replacement)) as new:
        assert [code(new, sent) for sent in ({"id": "b"}, by_hash(TEXT))] == ["OK", "OK"]
