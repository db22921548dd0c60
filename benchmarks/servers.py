"""Starts the servers that are compared, each as a process, on one core (only on Linux: it reads /proc)."""

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

import orjson

from app.settings import variable
from benchmarks import load
from benchmarks.report import Json

PATH = "/graphql"
LECTERN, PLAIN = "Lectern", "plain Strawberry"
SIGNED_WITH = "only for benchmarks, so not a secret"  # for both engines, so that their cursors are the same
_START_SECONDS = 60.0
_CORE = min(os.sched_getaffinity(0))  # the core that the servers run on
_SERVE = (str(Path(sys.executable).with_name("lectern")), "serve", "--port")
_PLAIN = (sys.executable, "-m", "benchmarks.plain_strawberry")

#: How each server is started: its command, to which a port is appended, and its environment.
ENGINES: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    LECTERN: (_SERVE, {"COMPILED_EXECUTION": "true"}),
    "Lectern, graphql-core": (_SERVE, {"COMPILED_EXECUTION": "false"}),
    PLAIN: (_PLAIN, {}),
}


@dataclass(frozen=True)
class Server:
    """A running server. It sends one request at a time; benchmarks.load sends many at once."""

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
        except (BrokenPipeError, ConnectionResetError):  # uvicorn closes idle connections
            self.connection.close()
            return self._post(body)

    def _post(self, body: bytes) -> bytes:
        self.connection.request("POST", PATH, body, {"content-type": "application/json", **self.headers})
        return self.connection.getresponse().read()

    def data(self, body: bytes) -> Json:
        """Sends a request and returns the answer's `data`. Errors in the answer stop the benchmark."""
        answer = orjson.loads(self.post(body))
        if answer.get("errors"):
            raise SystemExit(f"{self.name} answers {answer['errors']} to {body.decode()}")
        return answer["data"]

    def cpu(self) -> float:
        """Seconds of CPU that the process took, all its threads together."""
        return time.clock_gettime(~self.pid << 3 | 2)  # the clock of clock_getcpuclockid(3)

    def cost(self, bodies: Sequence[bytes], connections: int, seconds: float) -> float:
        """Returns the CPU milliseconds per request under load from this process.

        An error in an answer stops the benchmark.
        """
        before = self.cpu()
        done = load.run_here(self.port, bodies, connections, seconds)
        if done.errors:
            raise SystemExit(f"{self.name} answered with errors under load.")
        return (self.cpu() - before) / done.requests * 1e3

    def resident(self) -> float:
        """Resident memory in MB."""
        return self._memory("VmRSS")

    def peak(self) -> float:
        """Peak resident memory in MB."""
        return self._memory("VmHWM")

    def _memory(self, line: str) -> float:
        found = re.search(rf"^{line}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1000


def leave_a_core() -> None:
    """Keeps this process and its children off the servers' core, if there is another one."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {_CORE} or {_CORE})


@contextmanager
def running(mongodb_uri: str) -> Iterator[list[Server]]:
    """Runs a server for each of ENGINES, in their order, on the same database."""
    with ExitStack() as stack:
        yield [stack.enter_context(started(name, *engine, mongodb_uri)) for name, engine in ENGINES.items()]


@contextmanager
def started(
    name: str, command: Sequence[str], environment: Mapping[str, str], mongodb_uri: str
) -> Iterator[Server]:
    """Runs one server. command: a free port is appended to it."""
    port = free_port()
    settings = {"MONGODB_URI": mongodb_uri, "LECTERN_SECRET": SIGNED_WITH, "DRAIN_DELAY": "0", **environment}
    with subprocess.Popen(
        [*command, str(port)], env=with_settings(settings), stderr=subprocess.PIPE
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {_CORE})
            server = Server(name, process.pid, port, HTTPConnection("127.0.0.1", port, timeout=60))
            _wait(server, process)
            yield replace(server, pid=_worker(process.pid))
            server.connection.close()
        finally:
            process.terminate()


def with_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Returns this process's environment with settings.

    settings: by their old names, which every checkout knows. The environment also has their names with
    a prefix, because these override the old ones.
    """
    return {**os.environ, **settings, **{variable(name): value for name, value in settings.items()}}


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    """Waits until a server answers. Exits with its error output if it doesn't start."""
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
    """The id of the process that answers: the last child of Lectern's supervisor, or the server itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[-1]) if children else pid


def free_port() -> int:
    """An unused port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
