"""Converts dates and times in many formats to UTC with millisecond precision."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"-?\d+(?:\.\d+)?")
_NUMERIC = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[ ,]+(\d{1,2}:\d{2}(?::\d{2})?))?")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b|,", re.IGNORECASE)
_WEEKDAY = re.compile(
    r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?\s+", re.IGNORECASE
)
_WRITTEN = ("%d %B %Y", "%d %b %Y", "%B %d %Y", "%b %d %Y", "%Y %B %d", "%Y %b %d", "%d-%b-%Y", "%d-%B-%Y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p")
_PATTERNS = tuple(date + clock for clock in _CLOCKS for date in _WRITTEN)
_NO_DATE = "is not a date"


def date(value: object, *, format: str | None = None, day_first: bool | None = None) -> datetime:
    """Parses a date: epoch seconds or milliseconds, any ISO 8601 format, or a written date.

    Examples of written dates are "June 11, 2015" and "11 Jun 2015 9:30". A time without a time zone is in
    UTC. `format` is a strptime pattern. `day_first` determines whether 06/11/2015 is in November or June.
    """
    if isinstance(value, bool):
        raise ValueError(_NO_DATE)
    if isinstance(value, int | float):
        return _epoch(value)
    text = " ".join(str(value).split())
    if format:
        return _utc(_strptime(text, (format,)))
    if _DIGITS.fullmatch(text) and len(text.lstrip("-").split(".")[0]) > 8:
        return _epoch(float(text))
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        return _utc(_written(text, day_first))


def day_offset(value: Any, *, start: object) -> datetime:  # Any: float() determines which values are valid
    """Returns the date `value` days after the date `start`, or before it if `value` is negative."""
    first = start if isinstance(start, datetime) else date(start)
    try:
        return first + timedelta(days=float(value))
    except (ValueError, OverflowError):
        raise ValueError("is not a number of days") from None


def _epoch(value: float) -> datetime:
    """Reads a number of seconds or milliseconds since 1970.

    Numbers from 1e11 are milliseconds, because as seconds they would mean dates after November 5138. Only
    dates from March 1973 to November 2286 are accepted.
    """
    seconds = value / 1000 if abs(value) >= 1e11 else value
    if not 1e8 <= seconds < 1e10:
        raise ValueError(_NO_DATE)
    return _EPOCH + timedelta(milliseconds=round(seconds * 1000))


def _utc(moment: datetime) -> datetime:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)


def _written(text: str, day_first: bool | None) -> datetime:
    if match := _NUMERIC.fullmatch(text):
        return _numeric(match, day_first)
    if re.search(r"\d:\d\d:\d\d (?:[+-]\d{4}|GMT|UTC?)$", text):
        return parsedate_to_datetime(text)
    plain = " ".join(
        _ORDINAL.sub(" ", _WEEKDAY.sub("", text)).replace("Sept ", "Sep ").replace(".", "").split()
    )
    return _strptime(plain, _PATTERNS)


def _numeric(match: re.Match[str], day_first: bool | None) -> datetime:
    """Reads a date such as 2015/6/11, 31.12.2015 or 12/31/2015. An ambiguous date requires `day_first`."""
    one, two, three = (int(part) for part in match.groups()[:3])
    if len(match[1]) == 4:
        year, month, day = one, two, three
    elif len(match[3]) != 4:
        raise ValueError(_NO_DATE)
    else:
        dotted = "." in match[0].split()[0]
        day_first = (dotted or one > 12 or None) if day_first is None else day_first
        if day_first is None and two <= 12 and one != two:
            raise ValueError("can be read as day/month or as month/day (set day_first = true or false)")
        year, (day, month) = three, (one, two) if day_first else (two, one)
    hour, minute, second, *_ = [*map(int, (match[4] or "0:0").split(":")), 0]
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise ValueError(_NO_DATE) from None


def _strptime(text: str, patterns: tuple[str, ...]) -> datetime:
    for pattern in patterns:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    raise ValueError(_NO_DATE)
