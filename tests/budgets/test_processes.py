"""Two gateways with one MongoDB, under load."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import httpx
import pytest

from app.settings import Settings
from loaders.mongo.database import Database
from tests.http.requests import client
from tests.metrics.gateways import Gateway, serving

pytestmark = pytest.mark.alone

RecordProperty = Callable[[str, object], None]

RATE, SIZE = 50, 1_000
BUDGETS = {"LECTERN_BUDGETS": f"public={RATE}:{SIZE}"}
SECONDS = 6.0
MOST_SECONDS = 60.0  # on a machine that is too busy to spend the budget in less
CLIENTS = 4  # of each gateway

SHOW_COST = {"x-lectern-cost": "1"}

CHEAP = "{ __typename }"  # 1 point
REFUNDED = "{ categories { id } }"  # 320 points at most, and 20 if there are no categories


class Load:
    """Requests as fast as possible to several gateways. admitted: what they cost in total."""

    def __init__(self, query: str) -> None:
        self._query = query
        self.admitted = self.requests = self.refusals = 0

    async def run(self, url: str) -> None:
        """Sends requests for some seconds, and until the budget is spent."""
        began = monotonic()
        async with client(url) as http:
            while monotonic() < began + (SECONDS if self.refusals else MOST_SECONDS):
                try:
                    answer = await http.post("/graphql", json={"query": self._query}, headers=SHOW_COST)
                except httpx.TransportError:  # the gateway was killed
                    return
                self._count(answer)
                if answer.status_code == 429:
                    await asyncio.sleep(0.01)

    def _count(self, answer: httpx.Response) -> None:
        if answer.status_code == 429:
            self.refusals += 1
        else:
            assert answer.status_code == 200, answer.text
            self.requests += 1
            self.admitted += answer.json()["extensions"]["cost"]["actual"]


@contextmanager
def two_gateways(settings: Settings, directory: Path) -> Iterator[tuple[Gateway, Gateway]]:
    with (
        serving(settings, directory / "one.log", BUDGETS, workers=1) as one,
        serving(settings, directory / "two.log", BUDGETS, workers=1) as two,
    ):
        yield one, two


async def run(load: Load, gateways: tuple[Gateway, ...]) -> None:
    await asyncio.gather(*(load.run(gateway.url) for gateway in gateways for _ in range(CLIENTS)))


async def test_two_processes_admit_no_more_than_the_budget(
    settings: Settings, database: Database, tmp_path: Path, record_property: RecordProperty
) -> None:
    load = Load(CHEAP)
    with two_gateways(settings, tmp_path) as gateways:
        began = monotonic()
        await run(load, gateways)
        most = SIZE + RATE * (monotonic() - began)
        asked = sum(gateway.value("lectern_budget_leases_total") for gateway in gateways)
        unchecked = sum(gateway.value("lectern_budget_unchecked_total") for gateway in gateways)
    record_property(
        "measured",
        f"admitted {load.admitted} of {most:.0f} points, refused {load.refusals}, leased {asked:.0f} times",
    )
    assert unchecked == 0
    assert load.refusals > 0
    assert 0.8 * most <= load.admitted <= 1.05 * most
    assert asked <= 0.2 * (load.requests + load.refusals)


@pytest.mark.parametrize("query", [CHEAP, REFUNDED], ids=["cheap", "refunded"])
async def test_a_killed_process_takes_its_lease_with_it(
    settings: Settings, database: Database, tmp_path: Path, record_property: RecordProperty, query: str
) -> None:
    load = Load(query)
    with two_gateways(settings, tmp_path) as gateways:
        began = monotonic()
        running = asyncio.create_task(run(load, gateways))
        await asyncio.sleep(1)
        for pid in (gateways[0].process.process.pid, *gateways[0].workers):
            os.kill(pid, signal.SIGKILL)
        await running
        most = SIZE + RATE * (monotonic() - began)
        unchecked = gateways[1].value("lectern_budget_unchecked_total")
    record_property("measured", f"admitted {load.admitted} of {most:.0f} points, with one killed")
    assert unchecked == 0
    assert load.refusals > 0
    assert load.admitted <= 1.05 * most


async def test_a_stopped_gateway_returns_its_points(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    with two_gateways(settings, tmp_path) as (one, two):
        query, price = "{ __typename }", 7  # a text pays for its characters in each process
        assert one.query(query).status_code == 200
        one.process.signal(signal.SIGTERM)
        assert one.process.status() == 0
        (budget,) = await database["budgets"].find().to_list(None)
        assert budget["level"] >= SIZE - price
        _, left, _ = two.query(query).headers["ratelimit"].split(";")
        assert int(left.removeprefix("r=")) >= SIZE - 2 * price


class Client:
    """A client with an address of its own, which sends requests one after the other, for 1 point each."""

    def __init__(self, number: int) -> None:
        self.address = f"10.0.0.{number}"
        self.spent = 0

    async def run(self, url: str) -> None:
        """Sends requests until the gateway stops."""
        async with client(url) as http:
            headers = {"x-forwarded-for": self.address}
            while True:
                self.spent += 1  # also for a request whose answer is lost
                try:
                    answer = await http.post("/graphql", json={"query": CHEAP}, headers=headers)
                except httpx.TransportError:
                    return
                assert answer.status_code == 200, answer.text


async def test_a_gateway_that_stops_under_load_returns_its_points(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    size = 100_000
    budgets = {"LECTERN_BUDGETS": f"public=1:{size}"}
    clients = [Client(number) for number in range(20)]
    with serving(settings, tmp_path / "one.log", budgets, workers=1) as gateway:
        running = asyncio.gather(*(own.run(gateway.url) for own in clients))
        while min(own.spent for own in clients) < 10:  # noqa: ASYNC110 # they run in this thread
            await asyncio.sleep(0.05)
        assert [
            found["level"] async for found in database["budgets"].find({"level": {"$gt": 0.9 * size + 50}})
        ] == []
        gateway.process.signal(signal.SIGTERM)
        await running
        assert await asyncio.to_thread(gateway.process.status) == 0
    levels = {found["_id"]: found["level"] async for found in database["budgets"].find()}
    for own in clients:
        level = levels[sha256(f"public  address {own.address}".encode()).digest()]
        # The text isn't cached when its first requests pay for it.
        assert size - own.spent - len(CHEAP) // 2 <= level <= size
