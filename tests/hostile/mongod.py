"""A mongod that can be made slow, stopped for a while, and killed."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.embedded import find_mongod
from tests.storm.processes import free_ports, start

_START_SECONDS = 60.0


class Mongod:
    """A replica set of one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._client = MongoClient[dict[str, Any]](self.uri, serverSelectionTimeoutMS=1_000)

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}/?directConnection=true"

    def start(self) -> None:
        """It is the primary afterwards. Raises TimeoutError."""
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
        """It takes connections and says nothing meanwhile."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        _wait_until_stopped(self._process.pid)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def slow(self, namespace: str, seconds: float) -> Iterator[None]:
        """Each read of a collection takes so long meanwhile; those that run at the end are ended."""
        held = {"blockConnection": True, "blockTimeMS": round(seconds * 1e3), "namespace": namespace}
        self._fail(mode="alwaysOn", data={"failCommands": ["find", "aggregate", "count"], **held})
        try:
            yield
        finally:
            for operation in self.running(namespace.partition(".")[0]):
                self._client.admin.command("killOp", op=operation["opid"])
            self._fail(mode="off")  # it waits for all that run into it

    def running(self, database: str) -> list[dict[str, Any]]:
        """The operations of clients on a database."""
        is_ours = {"ns": {"$regex": f"^{database}\\."}, "active": True}
        stages: list[dict[str, Any]] = [{"$currentOp": {"allUsers": True}}, {"$match": is_ours}]
        return list(self._client.admin.aggregate(stages))

    def close(self) -> None:
        self._client.close()
        self.kill()

    def _fail(self, **how: Any) -> None:
        self._client.admin.command("configureFailPoint", "failCommand", **how)

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
    """All threads: a signal takes a moment, and one that runs may still answer."""
    tasks = Path(f"/proc/{pid}/task")
    deadline = time.monotonic() + 5
    while any(_state(task) not in "Tt" for task in tasks.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
        return "T"
