"""Points in time as MongoDB stores them: in UTC, to the millisecond."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time in UTC, truncated to the millisecond, MongoDB's resolution."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def utc(moment: datetime) -> datetime:
    """Returns a datetime with a time zone. MongoDB stores UTC; the driver may return it without a zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
