"""A gateway that has served requests of all kinds, while a Prometheus scraped it."""

import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest

from tests.hostile.conftest import load
from tests.loaders.mongod import Mongod, own_mongod
from tests.monitoring import gateway, kinds, prometheus
from tests.monitoring.gateway import MonitoredGateway
from tests.monitoring.prometheus import Prometheus
from tests.outbox.receiver import SECRET

__all__ = ["own_mongod"]

_SECONDS = 6.0  # during which all kinds of requests are repeated


@pytest.fixture(scope="module")
def monitored(
    own_mongod: Mongod, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MonitoredGateway, Prometheus]]:
    prometheus.require_tools()
    settings, directory = own_mongod.settings(), tmp_path_factory.mktemp("monitored")
    asyncio.run(load(settings))
    variables = {
        "LECTERN_REQUEST_TIMEOUT": "2",
        "LECTERN_SLOW_OPERATION": "0.001",
        "LECTERN_BUDGETS": "public=1000000:100000000",  # more than is ever spent
        "LECTERN_WEBHOOKS": "crm=http://127.0.0.1:1/",  # which doesn't answer
        "LECTERN_WEBHOOK_SECRETS": f"crm={SECRET}",
    }
    with (
        gateway.serving(settings, directory, variables) as serving,
        prometheus.scraping(directory, serving.admin) as scraping,
    ):
        kinds.misshape(own_mongod)
        until = monotonic() + _SECONDS
        kinds.ask_all(serving, own_mongod)
        kinds.kill_a_worker(serving)
        while monotonic() < until:
            kinds.ask_all(serving, own_mongod)
        kinds.publish(serving, own_mongod)
        for rare in ("rejections", "worker_deaths", "late_writes", "deliveries"):
            scraping.wait_until(f"rate(lectern_{rare}_total[10s])")  # two scrapes
        yield serving, scraping
