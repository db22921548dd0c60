"""The servers that are compared, each a process of its own on a core of its own (Linux: /proc is read)."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson

PATH = "/graphql"
LECTERN, PLAIN = "Lectern", "plain Strawberry"
SIGNED_WITH = "only for benchmarks, so not a secret"  # one, so that both engines have the same cursors
_START_SECONDS = 60.0
_CORE = min(os.sched_getaffinity(0))  # the servers'
_SERVE = (str(Path(sys.executable).with_name("lectern")), "serve", "--port")
_PLAIN = (sys.executable, "-m", "benchmarks.plain_strawberry")

#: What each is started with: its command, which takes a port, and its environment.
ENGINES: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    LECTERN: (_SERVE, {"COMPILED_EXECUTION": "true"}),
    "Lectern, graphql-core": (_SERVE, {"COMPILED_EXECUTION": "false"}),
    PLAIN: (_PLAIN, {}),
}


@dataclass(frozen=True)
class Server:
    """A running server. One request at a time is asked here; benchmarks.load asks many."""

    name: str
    pid: int
    port: int
    connection: HTTPConnection
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def post(self, body: bytes) -> bytes:
        try:
            return self._post(body)
        except (BrokenPipeError, ConnectionResetError):  # uvicorn closes a connection that idles
            self.connection.close()
            return self._post(body)

    def _post(self, body: bytes) -> bytes:
        self.connection.request("POST", PATH, body, {"content-type": "application/json", **self.headers})
        return self.connection.getresponse().read()

    def data(self, body: bytes) -> Any:
        """What a request answers; one that has errors stops the benchmark."""
        answer = orjson.loads(self.post(body))
        if answer.get("errors"):
            raise SystemExit(f"{self.name} answers {answer['errors']} to {body.decode()}")
        return answer["data"]

    def cpu(self) -> float:
        """Seconds of CPU that the process took, all its threads together."""
        return time.clock_gettime(~self.pid << 3 | 2)  # the clock of clock_getcpuclockid(3)

    def resident(self) -> float:
        """Resident memory in MB."""
        return self._memory("VmRSS")

    def peak(self) -> float:
        """The most resident memory that it ever had, in MB."""
        return self._memory("VmHWM")

    def _memory(self, line: str) -> float:
        found = re.search(rf"^{line}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1000


def leave_a_core() -> None:
    """Keep this process, and what it starts, off the core that the servers run on, if there are two."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {_CORE} or {_CORE})


@contextmanager
def running(mongodb_uri: str) -> Iterator[list[Server]]:
    """A server for each of ENGINES, in their order, on the same database; idle while it isn't asked."""
    with ExitStack() as stack:
        yield [stack.enter_context(started(name, *own, mongodb_uri)) for name, own in ENGINES.items()]


@contextmanager
def started(
    name: str, command: Sequence[str], environment: Mapping[str, str], mongodb_uri: str
) -> Iterator[Server]:
    """One server. command: it is given a port."""
    port = _free_port()
    own = {"MONGODB_URI": mongodb_uri, "LECTERN_SECRET": SIGNED_WITH, "DRAIN_DELAY": "0", **environment}
    with subprocess.Popen(
        [*command, str(port)], env={**os.environ, **own}, stderr=subprocess.PIPE
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {_CORE})
            server = Server(name, process.pid, port, HTTPConnection("127.0.0.1", port, timeout=60))
            _wait(server, process)
            yield replace(server, pid=_worker(process.pid))
            server.connection.close()
        finally:
            process.terminate()


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    """Until it answers."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.data(b'{"query": "{ __typename }"}')
        except OSError:
            server.connection.close()
            time.sleep(0.05)
        else:
            return
    process.terminate()
    raise SystemExit(f"{server.name} did not start: {process.communicate()[1].decode()}")


def _worker(pid: int) -> int:
    """The process that answers: the child of Lectern's supervisor, or the server itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
