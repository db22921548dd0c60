"""Stops and rolling restarts under load, counting failures: `python -m tests.server.restarts`."""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from app import embedded
from app.database import connect
from app.settings import Settings
from loaders import indexes
from tests import factories
from tests.factories import store
from tests.server.fronts import haproxy, nginx
from tests.server.load import Tally, get, load, post, until
from tests.server.processes import LECTERN, TOY, Process
from tests.storm.gateways import environment
from tests.storm.processes import free_ports
from tests.storm.storm import settings_of

_FRONTS = {"nginx": nginx, "HAProxy": haproxy}
_PAUSE = 15  # seconds between two gateways: nginx treats a failed one as unavailable for 10 s


class Gateways:
    """Two gateway processes, each on its own port. options: of `lectern serve`, except for the port."""

    def __init__(self, directory: Path, environment: Mapping[str, str], options: Sequence[str]) -> None:
        self._directory, self._environment, self._options = directory, environment, options
        self.ports = free_ports(2)
        self._processes = dict(zip(self.ports, map(self._start, self.ports), strict=True))

    def _start(self, port: int) -> Process:
        command = [*LECTERN, str(port), *self._options]
        log = self._directory / f"gateway-{port}-{len(list(self._directory.glob('gateway-*')))}"
        return Process(command, log, self._environment)

    def wait(self) -> None:
        for process in self._processes.values():
            assert process.port

    async def restart(self, port: int) -> int:
        """Restarts a gateway, waits until it answers, and returns the exit status of the old process."""
        process = self._processes[port]
        process.signal(signal.SIGTERM)
        status = await asyncio.to_thread(process.status, 60)
        self._processes[port] = self._start(port)
        await asyncio.to_thread(lambda: self._processes[port].port)
        return status

    def kill(self) -> None:
        for process in self._processes.values():
            process.kill()


def running(directory: Path, settings: Settings) -> AbstractContextManager[Gateways]:
    """Runs gateways of two workers each."""
    delay = {"LECTERN_DRAIN_DELAY": str(settings.drain_delay)}
    return running_with(directory, environment(settings) | delay, ["--workers", "2"])


@contextmanager
def running_with(
    directory: Path, environment: Mapping[str, str], options: Sequence[str]
) -> Iterator[Gateways]:
    gateways = Gateways(directory, environment, options)
    try:
        gateways.wait()
        yield gateways
    finally:
        gateways.kill()


async def rolling(
    directory: Path,
    gateways: Gateways,
    pause: float = _PAUSE,
    clients: int = 20,
    fronts: Collection[str] = ("nginx", "HAProxy"),
) -> dict[str, Tally]:
    """Restarts one gateway after the other, with clients behind each proxy. Returns a tally per proxy."""
    tallies: dict[str, Tally] = {}
    async with AsyncExitStack() as stack:
        for name in fronts:
            front = _FRONTS[name]
            port = stack.enter_context(front(directory, gateways.ports))
            await _wait_for_proxy(port)
            tallies[name] = await stack.enter_async_context(load(port, post(), clients))
        await asyncio.sleep(1)
        for number, port in enumerate(gateways.ports):
            await asyncio.sleep(pause if number else 0)
            assert await gateways.restart(port) == 0
        await asyncio.sleep(1)
    return tallies


async def _wait_for_proxy(port: int) -> None:
    """Waits until a proxy listens."""
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise AssertionError("the proxy does not listen")


async def stop(process: Process, request: bytes, clients: int, requests: int) -> Tally:
    """Stops a server under load, once it has answered some requests."""
    async with load(process.port, request, clients) as tally:
        await until(tally, lambda tally: tally.good >= requests, 600)
        process.signal(signal.SIGTERM)
        await until(tally, lambda tally: tally.refused >= clients, 60)
    assert await asyncio.to_thread(process.status, 60) == 0
    return tally


def _report(label: str, tally: Tally) -> bool:
    """Prints a tally. Returns whether nothing failed."""
    longest = f"longest {tally.longest:.2f} s"
    print(f"{label:44} {tally.good + tally.bad:7,} requests, {tally.bad} failed, {longest}", flush=True)
    if tally.bad:
        print(f"  {dict(tally.failed)} {dict(tally.answered)}")
    return not tally.bad


async def _stops(directory: Path, settings: Settings, requests: int, runs: int) -> bool:
    """Stops Lectern during short queries, and the toy during answers of 2 s.

    The toy is served by the same classes. Returns whether nothing failed.
    """
    good = True
    kinds: dict[str, Callable[[int, Path], tuple[Process, bytes, int]]] = {
        "short": lambda workers, log: (
            Process([*LECTERN, "0", "--workers", str(workers)], log, environment(settings)),
            post(),
            50,
        ),
        "2 s": lambda workers, log: (Process([*TOY, str(workers)], log), get("/?seconds=2"), 300),
    }
    for kind, make in kinds.items():
        for workers in (1, 2):
            for run in range(runs):
                process, request, clients = make(workers, directory / f"{kind}-{workers}-{run}")
                try:
                    tally = await stop(process, request, clients, requests)
                finally:
                    process.kill()
                good &= _report(f"SIGTERM, {kind} queries, {workers} workers", tally)
    return good


async def _restarts(directory: Path, settings: Settings, runs: int) -> bool:
    good = True
    for run in range(runs):
        run_directory = directory / f"rolling-{run}"
        run_directory.mkdir()
        with running(run_directory, settings) as gateways:
            for name, tally in (await rolling(run_directory, gateways)).items():
                good &= _report(f"rolling restart of two gateways, {name}", tally)
    return good


async def _prepare(settings: Settings) -> None:
    """Creates the indexes, without which a gateway isn't ready, and one course."""
    async with connect(settings) as database:
        await indexes.ensure(database)
        await store(database, courses=[factories.course()])


def main() -> int:
    """Returns 0 if nothing failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.server.restarts", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="before each stop")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        uri = stack.enter_context(embedded.running(directory / "mongod"))
        settings = settings_of(uri, "restarts")
        asyncio.run(_prepare(settings))
        good = asyncio.run(_restarts(directory, settings, arguments.runs))
        good &= asyncio.run(_stops(directory, settings, arguments.requests, arguments.runs))
    return not good


if __name__ == "__main__":
    sys.exit(main())
