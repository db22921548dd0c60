"""A rolling restart behind proxies."""

from pathlib import Path

from app.settings import Settings
from loaders.mongo.database import Database
from tests.server import restarts


async def test_a_rolling_restart_behind_nginx_and_haproxy_fails_no_request(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """Uses the default LECTERN_DRAIN_DELAY: HAProxy takes 6 s to notice that a gateway is not ready."""
    settings = settings.model_copy(update={"drain_delay": Settings.model_fields["drain_delay"].default})
    with restarts.running(tmp_path, settings) as gateways:
        tallies = await restarts.rolling(tmp_path, gateways, pause=4, clients=5)
    assert {name: tally.bad for name, tally in tallies.items()} == {"nginx": 0, "HAProxy": 0}, tallies
    assert all(tally.good > 100 for tally in tallies.values()), tallies
