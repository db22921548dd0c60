"""A short trial of the deliveries. `python -m tests.deliveries` runs a long one."""

from pathlib import Path
from shutil import which

from app.database import connect
from tests.deliveries import trial
from tests.deliveries.trial import Plan
from tests.factories import clear
from tests.storm import storm
from tests.support import missing


async def test_all_is_delivered_in_order_however_often_everything_is_killed(
    mongo_uri: str, worker_id: str, tmp_path: Path
) -> None:
    if not which("setpriv"):
        missing("setpriv is not installed (util-linux, on Linux)")
    settings = storm.settings_of(mongo_uri, f"deliveries_{worker_id}")
    async with connect(settings) as database:
        await clear(database)

    outcome = await trial.run(Plan(deliveries=300, clients=40), settings, tmp_path)

    assert not outcome.complaints, str(outcome)
    assert outcome.events + outcome.messages >= 300, str(outcome)
    assert outcome.kills.total() >= 3, str(outcome)
