"""Seeded fuzzing with the same requests every time. `make fuzz` sends more."""

from pathlib import Path

import pytest

from app.settings import Settings
from tests.hostile.conftest import production
from tests.hostile.fuzzing import world
from tests.hostile.fuzzing.requests import Maker
from tests.hostile.fuzzing.run import fuzz, tracebacks
from tests.hostile.gateway import serving

REQUESTS = 12_000
PATIENCE = 300.0  # seconds
#: The statuses of well-formed requests. Others depend on how soon malformed requests are answered.
CERTAIN = {200, 400, 401, 405, 406, 415}


@pytest.mark.alone
async def test_no_request_causes_an_internal_error(sample: Settings, tmp_path: Path) -> None:
    with serving(tmp_path, production(sample)) as gateway:
        maker = Maker(1, world.pool(gateway))
        found = await fuzz(gateway.port, maker, most=REQUESTS, seconds=PATIENCE)

        assert not found.complaints, "\n".join(found.complaints[:10])
        assert found.sent == REQUESTS
        assert found.statuses.keys() >= CERTAIN
        assert not gateway.ask("{ courses(first: 1) { nodes { title } } }").refused
        assert tracebacks(gateway.log.read_text(errors="replace")) == []
