"""A monitored gateway in a separate process, and the cost of requests to it."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import orjson

from tests.hostile.heartbeat import Figures
from tests.storm.processes import free_ports, start

ROOT = Path(__file__).parents[2]
JSON = {"content-type": "application/json"}
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
TRIES = 12  # the least of several runs: a busy machine doesn't slow down all of them
_HASTY_TRIES = 3  # the number of runs that follow each other without a pause
_BETWEEN = 2.0  # seconds between further runs
#: Seconds of CPU that `_pace` takes on the reference core, to which the limits apply as they are. Chosen, not
#: measured: quiet shared cores took 12 to 14 ms.
_REFERENCE = 0.010
_MOST_SLOWNESS = 2.0  # a core that is slower still must stay within twice the limits
_BEATS = 3  # heartbeats until the aftermath of a request is done
_REPLY_SECONDS = 30.0

_Result = TypeVar("_Result")
_Json: TypeAlias = Any  # variables or an answer


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def refused(self) -> bool:
        """Whether no part of the request was executed."""
        return self.status >= 400 or '"data"' not in self.body[:100].decode("latin-1")

    def json(self) -> _Json:
        return orjson.loads(self.body)


class Spent(NamedTuple):
    """The cost of a request.

    cpu: seconds, of all threads. held: the longest time in seconds that the event loop was blocked.
    peak: the highest resident memory, in MB.
    """

    cpu: float
    held: float
    peak: float


class Gateway:
    """`lectern serve` on a port of the loopback address.

    log: the file with its output. within: a command that runs the gateway as its argument.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], *within: str) -> None:
        self.log = directory / "gateway.log"
        (self.port,) = free_ports(1)
        self._figures = Figures.make(directory / "figures")
        command = [*within, sys.executable, "-m", "tests.hostile.heartbeat", str(directory / "figures")]
        command += ["serve", "--port", str(self.port)]
        self._process = start(
            command, self.log, {"PYTHONPATH": str(ROOT), "LECTERN_DRAIN_DELAY": "0", **environment}
        )

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._figures.pid

    def wait(self) -> None:
        """Waits until the gateway answers."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self.get("/healthz").status == 200:
                    return
            except (OSError, HTTPException):
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Reply:
        return self.request("GET", path, None, headers)

    def ask(self, query: str, variables: _Json = None, headers: Mapping[str, str] = {}) -> Reply:
        body = orjson.dumps({"query": query, "variables": variables})
        return self.request("POST", "/graphql", body, {**JSON, **headers})

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_REPLY_SECONDS)
        try:
            connection.request(method, path, body, dict(headers))
            reply = connection.getresponse()
            reply_headers = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, reply_headers, reply.read())
        finally:
            connection.close()

    def cpu(self) -> float:
        """Seconds of CPU that the worker has used, user and system, in all threads."""
        return time.clock_gettime(~self.pid << 3 | 2)  # the clock of clock_getcpuclockid(3)

    def resident(self) -> float:
        """Resident memory in MB."""
        return self._memory("VmRSS")

    def measured(self, do: Callable[[], _Result]) -> tuple[_Result, Spent]:
        """Returns the result of a call, and its cost to the gateway, which does nothing else meanwhile."""
        self._rest()
        self._figures.forget()
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # resets the peak to the present value
        before = self.cpu()
        result = do()
        self._rest()
        return result, Spent(self.cpu() - before, self._figures.held, self._memory("VmHWM"))

    def settled(self, limit: float) -> float:
        """Returns the resident memory in MB once it is within the limit, or after 15 seconds."""
        deadline = time.monotonic() + 15
        with self._figures.resting():
            while (resident := self.resident()) > limit and time.monotonic() < deadline:
                time.sleep(0.1)
        return resident

    def cheapest(
        self, ask: Callable[[int], Reply], is_enough: Callable[[Reply, Spent], bool], tries: int = TRIES
    ) -> tuple[Reply, Spent]:
        """Returns the cheapest of several runs of a request, with the times of a reference core.

        On a slower core, or one that is slowed down by others, times are longer by the same factor.
        ask: sends the variant with a given salt. is_enough: whether no further run is needed.
        """
        costs, fastest = [], _pace()
        for salt in range(tries):
            if salt >= _HASTY_TRIES:
                time.sleep(_BETWEEN)
            reply, spent = self.measured(lambda: ask(salt))  # noqa: B023 # called at once
            fastest = min(fastest, _pace())
            slowness = min(_MOST_SLOWNESS, max(1, fastest / _REFERENCE))
            spent = Spent(spent.cpu / slowness, spent.held / slowness, spent.peak)
            if is_enough(reply, spent):
                return reply, spent
            costs.append((reply, spent))
        return min(costs, key=lambda cost: cost[1].cpu)

    def _rest(self) -> None:
        """Waits for a few heartbeats of the event loop."""
        until, deadline = self._figures.beats + _BEATS, time.monotonic() + _REPLY_SECONDS
        while self._figures.beats < until:
            assert time.monotonic() < deadline, "the event loop is blocked"
            time.sleep(0.002)

    def _memory(self, line: str) -> float:
        match = re.search(rf"^{line}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert match
        return int(match[1]) / 1000


def _pace() -> float:
    """Returns how many seconds of CPU a fixed piece of work takes: the least of three runs."""
    runs = []
    for _ in range(3):
        began, table = time.process_time(), dict[int, str]()
        for number in range(60_000):
            table[number % 997] = table.get(number % 997, "")[:3] + str(number)
        runs.append(time.process_time() - began)
    return min(runs)


@contextmanager
def serving(directory: Path, environment: Mapping[str, str], *within: str) -> Iterator[Gateway]:
    gateway = Gateway(directory, environment, *within)
    try:
        gateway.wait()
        yield gateway
    finally:
        gateway.stop()
