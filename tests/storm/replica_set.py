"""Three mongods on this machine, a replica set whose primary is killed."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.embedded import find_mongod
from tests.storm.processes import free_ports, start

_NAME = "storm"
_PRIMARY, _SECONDARY = 1, 2  # MongoDB's states of members
_WHOLE_SECONDS = 60.0


@dataclass(slots=True)
class Member:
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
            "wiredTigerCacheSizeGB": 0.25,
        }  # fmt: skip
        command: list[str | Path] = [find_mongod(), "--quiet", "--nounixsocket", "--setParameter"]
        self.process = start(
            [*command, "diagnosticDataCollectionEnabled=false", *(f"--{k}={v}" for k, v in options.items())],
            self.directory / "mongod.log",
        )

    def kill(self) -> None:
        """With -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def is_primary(self) -> bool:
        return self.process is not None and bool(self.asked("hello").get("isWritablePrimary"))

    def asked(self, command: str, value: Any = 1) -> dict[str, Any]:
        """What it answers to a command of the admin database; nothing where it doesn't."""
        uri = f"mongodb://{self.host}/?directConnection=true"
        try:
            with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
                return client.admin.command(command, value)
        except PyMongoError:
            return {}


class ReplicaSet:
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
        _until(lambda: first.asked("replSetInitiate", {"_id": _NAME, "members": hosts}))
        _until(lambda: first.asked("replSetStepUp"))  # sooner than it would by itself
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Waits until all members are there, one of them the primary. Raises TimeoutError."""
        _until(lambda: self._states() == [_PRIMARY, _SECONDARY, _SECONDARY])

    def primary(self) -> Member:
        """The member that takes writes, when there is one. Raises TimeoutError."""
        found: Member = _until(lambda: next(filter(Member.is_primary, self.members), None))
        return found

    def kill(self) -> None:
        for member in self.members:
            member.kill()

    def _states(self) -> list[int]:
        """As each member itself says, in order of the numbers."""
        return sorted(member.asked("replSetGetStatus").get("myState", 0) for member in self.members)


@contextmanager
def running(directory: Path) -> Iterator[ReplicaSet]:
    """A replica set whose data is in a directory; nothing of it runs afterwards."""
    replica_set = ReplicaSet(directory)
    try:
        replica_set.start()
        yield replica_set
    finally:
        replica_set.kill()


def _until(look: Callable[[], Any]) -> Any:
    """What a function gives, once that is something. Raises TimeoutError."""
    deadline = time.monotonic() + _WHOLE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("The replica set does not come up.")
        time.sleep(0.05)
    return found
