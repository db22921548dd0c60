"""Seeded fuzzing for a while; the whole: `make fuzz`."""

from pathlib import Path

from app.settings import Settings
from tests.hostile.conftest import production
from tests.hostile.fuzzing import world
from tests.hostile.fuzzing.requests import Maker
from tests.hostile.fuzzing.run import fuzz, tracebacks
from tests.hostile.gateway import serving

SECONDS, MOST = 20, 20_000
FEWEST = 1_000


async def test_no_request_makes_an_error_of_the_servers_own(served: Settings, tmp_path: Path) -> None:
    with serving(tmp_path, production(served)) as gateway:
        maker = Maker(1, world.pool(gateway))
        found = await fuzz(gateway.port, maker, most=MOST, seconds=SECONDS)

        assert not found.complaints, "\n".join(found.complaints[:10])
        assert found.sent > FEWEST
        assert {200, 400} <= found.statuses.keys()  # the rest depends on how far the seconds reach
        assert not gateway.ask("{ courses(first: 1) { nodes { title } } }").refused
        assert tracebacks(gateway.log.read_text(errors="replace")) == []
