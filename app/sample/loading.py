"""Loads the sample data into a database, on the first start of `lectern dev`."""

import asyncio
from datetime import UTC, datetime

from app.sample.generator import generate
from app.sample.identity import LAYOUT, SOURCE
from loaders.migrations import baseline
from loaders.mongo import Database
from loaders.recounting import recount
from loaders.transfer import begin_sample, complete_sample, insert_sample


async def load_sample(database: Database, now: datetime | None = None) -> bool:
    """Loads the sample data. Returns False if there was nothing to do.

    There is nothing to do if the data is already loaded, or if the database contains courses but no sample
    data. If a load was interrupted, it is completed with the data for the day on which it started, so that
    the documents are consistent. Sample documents with another layout version are replaced.
    """
    await baseline(database)
    moment = now or datetime.now(UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    load = await begin_sample(database, SOURCE, LAYOUT, day)
    if load is None:
        return False
    sample = await asyncio.to_thread(generate, load.day)
    await insert_sample(database, sample.collections())
    if not load.first:
        await _recount(database)
    await complete_sample(database, SOURCE)
    return True


async def _recount(database: Database) -> None:
    """Corrects the aggregates after a load that isn't the first.

    Users might have added reviews, votes or enrolments since the first load began.
    """
    async for _ in recount(database, fix=True):
        pass
