"""Course runs: lists by course, the earliest first."""

from datetime import datetime

from loaders.mongo import Database
from loaders.reading import Listing, Order


def listing(database: Database, *, starts_from: datetime | None = None) -> Listing:
    """The runs of each course, from a time on; None: of all times."""
    parts = {"startsFrom": {"startsAt": {"$gte": starts_from}}} if starts_from else {}
    return Listing(database["courseRuns"], parts, Order("startsAt", descending=False), "courseId")
