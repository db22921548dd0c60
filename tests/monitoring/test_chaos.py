"""Each disturbance makes its alert fire, and nothing fires before it. `make chaos` takes longer over it."""

from pathlib import Path

from tests.monitoring import chaos, prometheus

INTERVAL = 0.5  # seconds between two scrapes, which are played back as 15 seconds
QUIET = 6  # scrapes before each disturbance


async def test_each_disturbance_makes_its_alert_fire(tmp_path: Path) -> None:
    prometheus.require_tools()
    async with chaos.running(tmp_path, INTERVAL) as (world, scraping):
        outcomes = [o async for o in chaos.play_all(world, scraping, tmp_path, INTERVAL, QUIET)]
    assert len(outcomes) == len(chaos.SCENARIOS)
    assert all(outcome.is_right for outcome in outcomes), "\n".join(map(str, outcomes))
