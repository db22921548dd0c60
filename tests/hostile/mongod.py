"""A mongod that can be slowed down, suspended and killed."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.embedded import find_mongod
from tests.storm.processes import free_ports, start

_Document: TypeAlias = dict[str, Any]  # what BSON holds

_START_SECONDS = 60.0


class Mongod:
    """A replica set with one member."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._client = MongoClient[_Document](self.uri, serverSelectionTimeoutMS=1_000)

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}/?directConnection=true"

    def start(self) -> None:
        """Starts it and waits until it is the primary. Raises TimeoutError."""
        data = self._directory / "data"
        data.mkdir(exist_ok=True, parents=True)
        options = {
            "dbpath": data, "port": self._port, "bind_ip": "127.0.0.1", "replSet": "hostile", "oplogSize": 64,
            "wiredTigerCacheSizeGB": 0.25, "setParameter": "enableTestCommands=1",
        }  # fmt: skip
        command: list[str | Path] = [find_mongod(), "--quiet", "--nounixsocket"]
        command += [f"--{name}={value}" for name, value in options.items()]
        self._process = start(command, self._directory / "mongod.log")
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_primary():
            if time.monotonic() > deadline:
                raise TimeoutError((self._directory / "mongod.log").read_text()[-2_000:])
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Suspends it: it accepts connections but doesn't answer."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        _wait_until_stopped(self._process.pid)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def slow(self, namespace: str, seconds: float) -> Iterator[None]:
        """Makes each read of a collection take some seconds. Reads still running at the end are killed."""
        held = {"blockConnection": True, "blockTimeMS": round(seconds * 1e3), "namespace": namespace}
        self._fail(mode="alwaysOn", data={"failCommands": ["find", "aggregate", "count"], **held})
        try:
            yield
        finally:
            for operation in self.running(namespace.partition(".")[0]):
                self._client.admin.command("killOp", op=operation["opid"])
            self._fail(mode="off")  # waits for all blocked commands

    def running(self, database: str) -> list[_Document]:
        """The running operations of clients on a database, except for the regular check of its indexes."""
        on_database = {"ns": {"$regex": f"^{database}\\."}, "active": True}
        stages: list[_Document] = [{"$currentOp": {"allUsers": True}}, {"$match": on_database}]
        found = self._client.admin.aggregate(stages)
        return [operation for operation in found if "$collStats" not in str(operation.get("command"))]

    def close(self) -> None:
        self._client.close()
        self.kill()

    def _fail(self, **options: Any) -> None:  # of configureFailPoint
        self._client.admin.command("configureFailPoint", "failCommand", **options)

    def _is_primary(self) -> bool:
        try:
            if self._client.admin.command("hello").get("isWritablePrimary"):
                return True
            members = [{"_id": 0, "host": f"127.0.0.1:{self._port}"}]
            self._client.admin.command("replSetInitiate", {"_id": "hostile", "members": members})
        except PyMongoError:
            pass
        return False


@contextmanager
def running(directory: Path) -> Iterator[Mongod]:
    mongod = Mongod(directory)
    try:
        mongod.start()
        yield mongod
    finally:
        mongod.close()


def _wait_until_stopped(pid: int) -> None:
    """Waits until all threads are stopped: signals take a moment, and a running thread may still answer."""
    tasks = Path(f"/proc/{pid}/task")
    deadline = time.monotonic() + 5
    while any(_state(task) not in "Tt" for task in tasks.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the thread has ended
        return "T"
