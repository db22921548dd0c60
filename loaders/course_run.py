"""Course runs: lists by course, earliest start first."""

from datetime import datetime

from loaders.mongo import Database
from loaders.reading import Listing, Order


def listing(database: Database, *, starts_from: datetime | None = None) -> Listing:
    """The runs of each course that start at or after a time; None: all of them."""
    parts = {"startsFrom": {"startsAt": {"$gte": starts_from}}} if starts_from else {}
    return Listing(database["courseRuns"], parts, Order("startsAt", descending=False), "courseId")
