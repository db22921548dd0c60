"""Disturbs a gateway of two workers on a replica set of three, and finds the alerts that fire.

`python -m tests.monitoring.chaos` runs it at length.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pymongo import MongoClient

from tests.hostile.conftest import load
from tests.monitoring import gateway, prometheus
from tests.monitoring.gateway import MonitoredGateway
from tests.monitoring.prometheus import Prometheus
from tests.monitoring.recording import Recording
from tests.storm import replica_set
from tests.storm.replica_set import ReplicaSet
from tests.storm.storm import settings_of

_NAME = "chaos"
_SMALL = "query Courses { courses(first: 2) { nodes { title } } }"
_REVIEWS = "query Reviews { courses(first: 2) { nodes { reviews(first: 2) { nodes { body } } } } }"
_EXPENSIVE = (
    "query Expensive { courses(first: 100) { nodes { title reviews(first: 20) { nodes { body } } } } }"
)
#: A small capacity, so that a flood needs little of the machine.
_VARIABLES = {
    "LECTERN_ADMISSION_CAPACITY": "1000",
    "LECTERN_ADMISSION_WAIT": "0.5",
    "LECTERN_MONGODB_TIMEOUT": "1",
}
#: The query that has a result once the traces of the last disturbance have gone.
_CALM = 'sum(lectern_workers{state="serving"}) == 2 and sum(lectern_admission_waiting) == 0'
_CLIENTS, _PAUSE = 4, 0.1
_FLOOD_CLIENTS = 60


@dataclass(frozen=True)
class World:
    gateway: MonitoredGateway
    members: ReplicaSet


@dataclass(frozen=True)
class Scenario:
    """alert: the one that must fire. scrapes: how many the disturbance lasts."""

    name: str
    alert: str
    scrapes: int
    disturb: Callable[[World, float], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """before, during: the alerts that fired in the quiet phase, and during the disturbance."""

    scenario: Scenario
    before: set[str]
    during: set[str]

    @property
    def is_right(self) -> bool:
        return not self.before and self.scenario.alert in self.during

    def __str__(self) -> str:
        before = ", ".join(sorted(self.before)) or "none"
        return (
            f"{self.scenario.name:<26} before: {before:<6} during: {', '.join(sorted(self.during)) or 'none'}"
        )


async def kill_workers(world: World, seconds: float) -> None:
    """Kills a worker with SIGKILL again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for worker in world.gateway.workers[:1]:
            os.kill(worker, signal.SIGKILL)
        await asyncio.sleep(seconds / 6)


async def slow_a_collection(world: World, seconds: float) -> None:
    """Has MongoDB take 0.7 seconds for each command on the reviews."""
    data = {
        "failCommands": ["find", "aggregate"], "blockConnection": True, "blockTimeMS": 700,
        "namespace": f"{_NAME}.reviews",
    }  # fmt: skip
    primary = world.members.primary()
    with MongoClient[dict[str, Any]](f"mongodb://{primary.host}/?directConnection=true") as client:
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
        await asyncio.sleep(seconds)
        client.admin.command("configureFailPoint", "failCommand", mode="off")


async def flood(world: World, seconds: float) -> None:
    """Sends expensive queries from many clients at once."""
    async with asking(world.gateway.url, _EXPENSIVE, clients=_FLOOD_CLIENTS, pause=0):
        await asyncio.sleep(seconds)


async def kill_the_majority(world: World, seconds: float) -> None:
    """Kills the primary and another member, so that the last one can't become the primary."""
    primary = world.members.primary()
    primary.kill()
    next(member for member in world.members.members if member is not primary).kill()
    await asyncio.sleep(seconds)


SCENARIOS = (
    Scenario("a worker killed repeatedly", "WorkersDying", 14, kill_workers),
    Scenario("a slow collection", "CollectionSlow", 24, slow_a_collection),
    Scenario("a flood", "Overloaded", 28, flood),
    Scenario("the primary killed", "MongoDBAway", 16, kill_the_majority),
)


@asynccontextmanager
async def asking(
    url: str, *queries: str, clients: int = _CLIENTS, pause: float = _PAUSE
) -> AsyncIterator[None]:
    """Has clients send queries until the block ends.

    They then wait for their answers: cancelled while it connects, httpx would leave a connection open.
    """
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as http:

        async def ask() -> None:
            while not stopped.is_set():
                for query in queries:
                    with suppress(httpx.TransportError):
                        await http.post("/graphql", json={"query": query})
                    await asyncio.sleep(pause)

        stopped = asyncio.Event()
        asked = [asyncio.create_task(ask()) for _ in range(clients)]
        try:
            yield
        finally:
            stopped.set()
            await asyncio.gather(*asked)


async def play(
    scenario: Scenario, world: World, scraping: Prometheus, directory: Path, interval: float, quiet: int
) -> Outcome:
    """Runs a quiet phase and then a disturbance, and looks at the alerts in both.

    interval: the seconds between two scrapes. quiet: the number of scrapes in the quiet phase.
    """
    began = time.time()
    await asyncio.sleep(quiet * interval)
    await scenario.disturb(world, scenario.scrapes * interval)
    await asyncio.sleep(interval)
    recording = Recording.of(scraping, began, time.time(), interval)
    before = recording.fired(directory, 0, quiet)
    return Outcome(scenario, before, recording.fired(directory, quiet, recording.steps))


@asynccontextmanager
async def running(directory: Path, interval: float) -> AsyncIterator[tuple[World, Prometheus]]:
    """Runs a replica set with the sample data, a gateway, and a Prometheus."""
    with replica_set.running(directory) as members:
        settings = settings_of(members.uri, _NAME)
        await load(settings)
        with (
            gateway.serving(settings, directory, _VARIABLES) as serving,
            prometheus.scraping(directory, serving.admin, interval=interval) as scraping,
        ):
            yield World(serving, members), scraping


async def play_all(
    world: World, scraping: Prometheus, directory: Path, interval: float, quiet: int
) -> AsyncIterator[Outcome]:
    """Plays all scenarios one after another, with usual traffic."""
    async with asking(world.gateway.url, _SMALL, _REVIEWS):
        for scenario in SCENARIOS:
            await asyncio.to_thread(scraping.wait_until, _CALM)
            await asyncio.sleep(2 * interval)
            yield await play(scenario, world, scraping, directory, interval, quiet)


async def main() -> int:
    """Plays the scenarios with a scrape each second, and quiet phases of a minute."""
    prometheus.require_tools()
    are_right = True
    with tempfile.TemporaryDirectory() as name:
        async with running(Path(name), 1.0) as (world, scraping):
            async for outcome in play_all(world, scraping, Path(name), 1.0, quiet=60):
                print(outcome, flush=True)
                are_right &= outcome.is_right
    return 0 if are_right else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
