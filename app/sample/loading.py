"""Sample data into a database, on the first start of `lectern dev`."""

import asyncio
from datetime import UTC, datetime

from app.sample.generator import generate
from app.sample.identity import LAYOUT, SOURCE
from loaders.mongo import Database
from loaders.recount import recount
from loaders.transfer import begin_sample, complete_sample, insert_sample


async def load_sample(database: Database, now: datetime | None = None) -> bool:
    """Load the sample data and tell whether anything was to do.

    Nothing is done where it was loaded before, nor in a database with courses of its own. A load that was
    interrupted is completed as of the day on which it began, so that its documents agree with each other; one
    of another layout is replaced.
    """
    moment = now or datetime.now(UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    began = await begin_sample(database, SOURCE, LAYOUT, day)
    if began is None:
        return False
    made = await asyncio.to_thread(generate, began.day)
    await insert_sample(database, made.collections())
    if not began.first:
        await _count_in(database)
    await complete_sample(database, SOURCE)
    return True


async def _count_in(database: Database) -> None:
    """Reviews, votes and enrolments that were made since, in the documents that were put back."""
    async for _ in recount(database, fix=True):
        pass
