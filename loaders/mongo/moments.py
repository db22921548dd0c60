"""Moments as MongoDB stores them: in UTC, to the millisecond."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time, as exactly as MongoDB stores it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def utc(moment: datetime) -> datetime:
    """A moment with its zone: what MongoDB stores is in UTC, and may come without."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
