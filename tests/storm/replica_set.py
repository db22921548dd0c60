"""A replica set of three local mongods, whose primary can be killed."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.embedded import find_mongod
from tests.storm.processes import free_ports, start

_Document: TypeAlias = dict[str, Any]  # what BSON holds
_Result = TypeVar("_Result")

_NAME = "storm"
_PRIMARY, _SECONDARY = 1, 2  # MongoDB's member states
_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Member:
    """One mongod."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        options = {
            "dbpath": data, "port": self.port, "bind_ip": "127.0.0.1", "replSet": _NAME, "oplogSize": 256,
            "wiredTigerCacheSizeGB": 0.25, "setParameter": "enableTestCommands=1",
        }  # fmt: skip
        command: list[str | Path] = [find_mongod(), "--quiet", "--nounixsocket", "--setParameter"]
        self.process = start(
            [*command, "diagnosticDataCollectionEnabled=false", *(f"--{k}={v}" for k, v in options.items())],
            self.directory / "mongod.log",
        )

    def kill(self) -> None:
        """Kills it with SIGKILL."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def is_primary(self) -> bool:
        return self.process is not None and bool(self.admin_command("hello").get("isWritablePrimary"))

    def admin_command(self, command: str, value: object = 1) -> _Document:
        """The reply to a command on the admin database; empty if there is none."""
        uri = f"mongodb://{self.host}/?directConnection=true"
        try:
            with MongoClient[_Document](uri, serverSelectionTimeoutMS=500) as client:
                return client.admin.command(command, value)
        except PyMongoError:
            return {}


class ReplicaSet:
    """Three members on free ports."""

    def __init__(self, directory: Path) -> None:
        ports = enumerate(free_ports(3))
        self.members = [Member(port, directory / f"mongod-{number}") for number, port in ports]

    @property
    def uri(self) -> str:
        return f"mongodb://{','.join(member.host for member in self.members)}/?replicaSet={_NAME}"

    def start(self) -> None:
        for member in self.members:
            member.start()
        first, *_ = self.members
        hosts = [{"_id": number, "host": member.host} for number, member in enumerate(self.members)]
        _until(lambda: first.admin_command("replSetInitiate", {"_id": _NAME, "members": hosts}))
        _until(lambda: first.admin_command("replSetStepUp"))  # sooner than by itself
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Waits until all members are up, one of them as the primary. Raises TimeoutError."""
        _until(lambda: self._states() == [_PRIMARY, _SECONDARY, _SECONDARY])

    def primary(self) -> Member:
        """Waits for a primary and returns it. Raises TimeoutError."""
        return _until(lambda: next(filter(Member.is_primary, self.members), None))

    def kill(self) -> None:
        for member in self.members:
            member.kill()

    def _states(self) -> list[int]:
        """The state of each member as it reports itself, sorted."""
        return sorted(member.admin_command("replSetGetStatus").get("myState", 0) for member in self.members)


@contextmanager
def running(directory: Path) -> Iterator[ReplicaSet]:
    """Runs a replica set with its data in a directory, and kills it afterwards."""
    replica_set = ReplicaSet(directory)
    try:
        replica_set.start()
        yield replica_set
    finally:
        replica_set.kill()


def _until(poll: Callable[[], _Result | None]) -> _Result:
    """Calls a function until its result is true, and returns that. Raises TimeoutError."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not (result := poll()):
        if time.monotonic() > deadline:
            raise TimeoutError("The replica set does not come up.")
        time.sleep(0.05)
    return result
