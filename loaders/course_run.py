"""Lists of course runs by course, earliest start first."""

from datetime import datetime

from loaders.mongo import Database
from loaders.reading import Listing, Order


def listing(database: Database, *, starts_from: datetime | None = None) -> Listing:
    """Lists each course's runs that start at or after a time, or all of its runs if the time is None."""
    parts = {"startsFrom": {"startsAt": {"$gte": starts_from}}} if starts_from else {}
    return Listing(database["courseRuns"], parts, Order("startsAt", descending=False), "courseId")
