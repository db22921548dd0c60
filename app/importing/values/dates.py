"""Reads dates and times in many formats as UTC with millisecond precision.

The order of day and month in a date such as 06/11/2015 is inferred from other dates in the column.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from datetime import date as calendar_date
from typing import Any, NamedTuple

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.words import WORDS

_TIME = re.compile(r"\d:\d\d|\dT\d|\d\s*[ap]\.?m\b", re.IGNORECASE)
_TO_LAST_SECOND = timedelta(hours=23, minutes=59, seconds=59)  # from the first second of a day to the last
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Day 0 in a spreadsheet; correct for dates since March 1900.
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_FIRST_EXCEL, _AFTER_EXCEL = 20_000, 80_000  # the day numbers from October 1954 to January 2119
_DIGITS = re.compile(r"-?\d+(?:\.\d+)?")
_NUMERIC = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_SPACED = re.compile(r"(\d{1,4})\. (\d{1,2})\. (\d{1,4})\.?")  # for example 31. 12. 2015 or 2015. 12. 31.
_CLOCK = re.compile(
    r"[ ,T]+(?:at |um |à |às |as |a las )?(\d{1,2})[:.h](\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?"
    r"(?:\s*(?P<zone>z|utc|gmt|ut|[a-z]{3,4})?\s?(?P<offset>[+-]\d{2}:?\d{2})?(?:\sutc)?)(?:\s*\(.*\))?$",
    re.IGNORECASE,
)
#: Weekdays, and words for a.m. and p.m., in East Asian languages.
_EAST_ASIAN_DAY = re.compile(
    r"\s*[(\uff08]?(?:[月火水木金土日]曜日?|(?:星期|周)[一二三四五六日天]|[월화수목금토일]요일)[)\uff09]?|\s*[(\uff08][月火水木金土日월화수목금토][)\uff09]"
)
_EAST_ASIAN_HALF = re.compile(r"(上午|午前|오전|下午|午後|오후)\s*(\d{1,2}[:\uff1a]\d{2}(?::\d{2})?)")
#: The output format of ctime(3) and date(1).
_UNIX = re.compile(r"^(\D+ \d{1,2}) (\d\d:\d\d:\d\d)( [A-Z]{3,4}| [+-]\d{4})? (\d{4})$")
_ZONES: Mapping[str, int] = {"": 0, **WORDS["zones"]}
_ORDINAL = re.compile(
    r"(?<=\d)(?:st|nd|rd|th|er|º|ª|\.)(?=\s|,|$)|\b(?:of|de|del|den|the)\b|,", re.IGNORECASE
)
#: For each month, the beginnings of its name in many languages.
_MONTHS = [names.split("|") for names in WORDS["dates"]["months"]]
_LONGEST = 200  # maximum length, in characters; a longer string is not a date and is slow to search
_NO_DATE = "is not a date"
_UNCLEAR = "can be read as day/month or as month/day (set day_first = true or false)"
_YEARS = range(1900, 2200)  # other years are mistakes, or mean "no date", as in 0001-01-01 and 9999-12-31
_NO_DATE_IN_RANGE = f"{_NO_DATE} from {_YEARS.start} to {_YEARS.stop - 1}"
#: 9999-12-31 in seconds since 1970, used for "no date": the first and the last second.
_LAST_DAY = (253_402_214_400, 253_402_300_800)
_PIVOT = 20  # a two-digit year is at most this many years in the future


class _Numbers(NamedTuple):
    """The three numbers of a date, in the order in which they are written. mark: their separator."""

    one: str
    two: str
    three: str
    mark: str


def date(
    value: object, *, format: str | None = None, day_first: bool | None = None, excel: bool = False
) -> datetime:
    """Reads a date in any ISO 8601 format, a written date, or seconds or milliseconds since 1970.

    Examples of written dates are "June 11, 2015", "Monday, 31 August 2020, 10:05 AM" and "2020-01-31 10:00:00
    UTC". A time without a time zone is in UTC. `format` is a strptime pattern. If `day_first` is true,
    06/11/2015 is 6 November; if it is false, 11 June. If `excel` is set, a number such as 44197 is a
    spreadsheet's day number. Raises ValueError if the year is before 1900 or after 2199.
    """
    return _plausible(_any_date(value, format, day_first, excel))


def _any_date(value: object, format: str | None, day_first: bool | None, excel: bool) -> datetime:
    if isinstance(value, bool):
        raise ValueError(_NO_DATE)
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, int | float):
        return _number(value, excel=excel)
    text = " ".join(str(value).split())
    if len(text) > _LONGEST:
        raise ValueError(_NO_DATE)
    if format:
        return _utc(_strptime(text, format))
    if _DIGITS.fullmatch(text) and _is_number(text):
        return _number(float(text), excel=excel)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _written(text, day_first)
    return _utc(moment)


def end_date(
    value: object, *, format: str | None = None, day_first: bool | None = None, excel: bool = False
) -> datetime:
    """Reads the date when something ends. A date without a time means the last second of that day."""
    moment = date(value, format=format, day_first=day_first, excel=excel)
    is_day = moment.time() == time() and not isinstance(value, datetime) and not _TIME.search(str(value))
    return moment + _TO_LAST_SECOND if is_day else moment


# `value` can have any type, because float() determines which values are valid.
def day_offset(value: Any, *, start: object) -> datetime:
    """Returns the date `value` days after the date `start`, or before it if `value` is negative."""
    first = start if isinstance(start, datetime) else date(start)
    try:
        moment = first + timedelta(days=float(value))
    except (TypeError, ValueError, OverflowError):
        raise ValueError("is not a number of days") from None
    return _plausible(moment)


def decide_date(column: Column, given: Options) -> Decision:
    """Decides the order of day and month, and whether bare numbers are a spreadsheet's day numbers.

    Dates with a day above 12 show the order. If there are no such dates, or if they contradict each other, no
    order is decided, and dates that can be read in two ways are invalid.
    """
    if "format" in given:
        return Decision()
    decision = _decide_excel(column, given)
    if "day_first" in given:
        return decision
    numbers = [
        n for cell in column.cells if isinstance(cell, str) and (n := _numeric_part(cell)) and not _is_iso(n)
    ]
    short = [n for n in numbers if len(n.one) < 3 and len(n.three) < 3]
    orders = {order for n in numbers if (order := _shown_order(n)) is not None}
    if len(orders) == 1:
        decision |= Decision({"day_first": orders.pop()})
    elif orders:
        decision |= Decision(
            notes=["some dates have the day first, others the month: unclear ones are left out"]
        )
    if short:
        decision |= Decision(
            assumed={"format": f"two-digit years come last, and mean {_first_short_year()} or later"}
        )
    return decision


def _decide_excel(column: Column, given: Options) -> Decision:
    """Decides that bare numbers are a spreadsheet's days if all of them are in the range of such days."""
    bare = [
        float(str(c)) for c in column.cells if not isinstance(c, bool) and _DIGITS.fullmatch(str(c).strip())
    ]
    if "excel" in given or not bare or not all(map(_is_excel, bare)):
        return Decision()
    return Decision({"excel": True}, {"excel": "bare numbers are a spreadsheet's days"})


def _is_number(text: str) -> bool:
    """Returns whether digits are a number of days or seconds, and not a date such as 20150611."""
    whole = text.lstrip("-").split(".")[0]
    return len(whole) > 8 or _is_excel(int(whole))


def _is_excel(number: float) -> bool:
    """Returns whether a number, whatever it is, is in the range of a spreadsheet's days."""
    return _FIRST_EXCEL <= number < _AFTER_EXCEL


def _number(value: float, *, excel: bool) -> datetime:
    """Reads a number of seconds or milliseconds since 1970, or the day number of a spreadsheet.

    Numbers of 1e11 or more are milliseconds, because as seconds they would mean dates after November 5138.
    Seconds and milliseconds are accepted only for dates from March 1973 to November 2286.
    """
    if excel and _is_excel(value):
        return _utc(_EXCEL_EPOCH + timedelta(seconds=round(value * 86_400)))
    if _LAST_DAY[0] <= value <= _LAST_DAY[1]:
        raise ValueError(_NO_DATE_IN_RANGE)
    seconds = value / 1000 if 1e11 <= abs(value) < 1e14 else value  # larger values are no dates
    if not 1e8 <= seconds < 1e10:
        hint = " (set excel = true if it is a spreadsheet's day number)" if _is_excel(value) else ""
        raise ValueError(_NO_DATE + hint)
    return _EPOCH + timedelta(milliseconds=round(seconds * 1000))


def _plausible(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError(_NO_DATE_IN_RANGE)
    return moment


def _utc(moment: datetime) -> datetime:
    try:
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # a date at the end of the calendar, with an offset
        raise ValueError(_NO_DATE_IN_RANGE) from None
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)


def _written(text: str, day_first: bool | None) -> datetime:
    text = _UNIX.sub(r"\1 \4 \2\3", _western(text))
    day_text, clock = _split_clock(text)
    day = _day_or_none(day_text, day_first)
    if day is None:  # the text may begin with a weekday, which is skipped
        day = _day_or_none(day_text.partition(" ")[2], day_first)
    if day is None:
        raise ValueError(_NO_DATE)
    try:
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + clock
    except OverflowError:
        raise ValueError(_NO_DATE) from None


def _western(text: str) -> str:
    """Removes the weekday from an East Asian date, and replaces words such as 下午 with "AM" or "PM"."""
    if text.isascii():
        return text
    text = _EAST_ASIAN_HALF.sub(
        lambda m: f" {m[2]} {'PM' if m[1] in ('下午', '午後', '오후') else 'AM'}", text
    )
    return " ".join(_EAST_ASIAN_DAY.sub("", text).split())


def _split_clock(text: str) -> tuple[str, timedelta]:
    """Splits a string into a date and a time, and returns the time as the duration since midnight UTC."""
    match = _CLOCK.search(text)
    if match is None:
        return text, timedelta()
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    zone, offset = (match["zone"] or "").casefold(), match["offset"]
    if half := (match["half"] or "")[:1].casefold():
        if not 1 <= hour <= 12:
            raise ValueError(_NO_DATE)
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or second > 60 or zone not in _ZONES:
        raise ValueError(_NO_DATE)
    ahead = timedelta(hours=_ZONES[zone])
    if offset:
        sign = -1 if offset[0] == "-" else 1
        ahead = sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    clock = timedelta(
        hours=hour, minutes=minute, seconds=second, milliseconds=int(f"{match[4] or 0:0<3}"[:3])
    )
    return text[: match.start()], clock - ahead


def _day_or_none(text: str, day_first: bool | None) -> calendar_date | None:
    """Reads a date without a time, or returns None if the text doesn't have the form of a date.

    Raises ValueError if the text has that form but is not a valid date, or if it can be read in two ways.
    """
    if numbers := _numeric_part(text):
        return _numeric(numbers, day_first)
    words = _ORDINAL.sub(" ", text.casefold()).replace("-", " ").replace("/", " ").replace(".", " ").split()
    if len(words) == 3:
        months = [(index, month) for index, word in enumerate(words) if (month := _month(word))]
        numbers_ = [word for index, word in enumerate(words) if index != (months[0][0] if months else -1)]
        if len(months) == 1 and all(word.isdecimal() for word in numbers_):
            year, day = _year_and_day(numbers_)
            return _calendar(year, months[0][1], day)
    return None


def _year_and_day(words: Sequence[str]) -> tuple[int, int]:
    """Returns the year and the day, given the two numbers of a date whose month is a word.

    The year is the number with four digits, or else the second number.
    """
    first, second = words
    year, day = (first, second) if len(first) == 4 else (second, first)
    return (int(year) if len(year) == 4 else _century(year)), int(day)


def _month(word: str) -> int | None:
    folded = word.casefold().rstrip(".")
    if not folded or folded[0].isdecimal():
        return None
    found = [
        (len(start), number)
        for number, starts in enumerate(_MONTHS, 1)
        for start in starts
        if folded.startswith(start)
    ]
    return max(found)[1] if found else None


def _numeric_part(text: str) -> _Numbers | None:
    """Returns the three numbers of a date such as 2015/6/11 or 31.12.2015, with or without a time.

    Returns None for any other string.
    """
    if len(text) > _LONGEST:
        return None
    bare = _CLOCK.sub("", text.strip())
    if match := _NUMERIC.fullmatch(bare):
        return _Numbers(match[1], match[3], match[4], match[2])
    if match := _CJK.fullmatch(bare) or _SPACED.fullmatch(bare):
        return _Numbers(match[1], match[2], match[3], ".")
    return None


def _is_iso(numbers: _Numbers) -> bool:
    return len(numbers.one) == 4


def _shown_order(numbers: _Numbers) -> bool | None:
    """Returns whether the day comes first in a date, or None if the numbers don't show the order."""
    one, two = int(numbers.one), int(numbers.two)
    if one > 12 >= two:
        return True
    return False if two > 12 >= one else None


def _numeric(numbers: _Numbers, day_first: bool | None) -> calendar_date:
    """Reads a date of three numbers. If they don't show the order of day and month, `day_first` decides."""
    one, two, three = int(numbers.one), int(numbers.two), int(numbers.three)
    if _is_iso(numbers):
        return _calendar(one, two, three)
    if len(numbers.one) > 2 or len(numbers.three) not in (2, 4):
        raise ValueError(_NO_DATE)
    shown = _shown_order(numbers)
    order = shown if shown is not None else day_first
    if order is None and numbers.mark == ".":
        order = True  # no country puts the month first in dates with points
    if order is None and one != two:
        raise ValueError(_UNCLEAR)
    year = three if len(numbers.three) == 4 else _century(numbers.three)
    return _calendar(year, two, one) if order else _calendar(year, one, two)


def _century(year: str) -> int:
    if len(year) != 2:
        raise ValueError(_NO_DATE)
    first = _first_short_year()
    return first + (int(year) - first) % 100


def _first_short_year() -> int:
    return datetime.now(UTC).year + _PIVOT - 99


def _calendar(year: int, month: int, day: int) -> calendar_date:
    try:
        return calendar_date(year, month, day)
    except ValueError:
        raise ValueError(_NO_DATE) from None


def _strptime(text: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        raise ValueError(_NO_DATE) from None
