"""A monitored gateway with one worker, default settings and the sample data."""

from collections.abc import Iterator
from shutil import which

import pytest

from app.database import connect
from app.sample.loading import load_sample
from app.settings import Settings
from loaders import indexes
from tests.hostile.gateway import Gateway, serving
from tests.storm.gateways import environment
from tests.support import missing


@pytest.fixture(scope="session", autouse=True)
def _setpriv() -> None:
    """setpriv ends the processes started here together with the test process."""
    if not which("setpriv"):
        missing("setpriv is not installed (util-linux, on Linux)")


@pytest.fixture(scope="module")
def gateway(sample: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(tmp_path_factory.mktemp("gateway"), production(sample)) as gateway:
        for _ in range(20):
            assert not gateway.ask("{ courses(first: 1) { nodes { title } } }").refused
        yield gateway


async def load(settings: Settings) -> None:
    """Puts the sample data into a database."""
    async with connect(settings) as database:
        await indexes.ensure(database)
        await load_sample(database)


def production(settings: Settings) -> dict[str, str]:
    """The environment of a gateway in production that shows what costs most: introspection.

    Its clients' budgets don't end, because all of them have the address of one.
    """
    shown = dict.fromkeys(("LECTERN_INTROSPECTION", "LECTERN_GRAPHIQL", "LECTERN_TRACE_COMMANDS"), "true")
    endless = {"LECTERN_BUDGETS": "public=unlimited"}
    return environment(settings) | shown | endless | {"LECTERN_ENV": "production"}
