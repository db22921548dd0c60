"""Reads durations and workloads: "8 weeks", "1h 30min", "4-6 Wochen", "PT90M", "12 weeks (84 days)".

A string can contain more than one length. The parts of a single length are added up ("2 weeks 3 days"). Three
kinds of length are not added: the same length in another unit ("45 days (6 weeks)"), a rate ("3 months at 10
hours a week"), and the hours of work within a period ("6 weeks, 40 hours").
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.credit_numbers import names_credits
from app.importing.values.numbers import Mark, decimal_mark, exact, parse
from app.importing.values.units import (
    UNITS,
    Length,
    Unit,
    check_readable,
    counts_parts,
    in_brackets,
    is_bare,
    joins_lengths,
    lengths,
    plain,
    unit_named,
)

_HOURS_PER_MINUTE = Decimal(1) / 60
_DAYS: dict[Unit, int] = {"days": 1, "weeks": 7, "months": 30, "years": 365}
#: Pairs of units that can make up a single length, such as hours and minutes in "1 hour 30 minutes". The
#: second amount must be less than the number given here.
_CONTINUES: dict[tuple[Unit, Unit], int] = {
    ("hours", "minutes"): 60, ("days", "hours"): 24, ("weeks", "days"): 7, ("months", "weeks"): 5,
    ("months", "days"): 31, ("years", "months"): 12,
}  # fmt: skip
#: Names that Udemy gives its columns, and the unit that each implies.
_KNOWN_COLUMNS: dict[str, Unit] = {"content duration": "hours", "content length": "hours"}
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?")
_ISO = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:\d+(?:\.\d+)?S)?)?"
)
_MOST_DAYS = 100_000
_LONGEST = 500  # maximum length, in characters; a longer string is not a duration and is slow to search
_NO_DURATION = "is not a duration"
_SEVERAL = "names more than one length"
_NO_UNIT = "has no unit (set unit, such as unit = “hours”)"


def duration(
    value: object, *, unit: Unit | None = None, hours_per_day: float = 8, decimal: Mark | None = None
) -> int:
    """Reads a duration in days, rounded up.

    Examples are "45 days", "8 weeks", "1.5 months" (of 30 days), "4-6 weeks" (the middle is used), "90
    minutes" and "P4W". `unit` is the unit of bare numbers. Hours are working hours: with 8
    `hours_per_day`, "Approx. 33 hours" is 5 days.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        parts: Sequence[Length] = [Length(exact(value), unit)]
        if unit is None:
            raise ValueError(_NO_UNIT)
    else:
        if len(str(value)) > _LONGEST:
            raise ValueError(_NO_DURATION)
        parts = _counted(plain(str(value)), unit, hours_per_day, decimal)
        if _is_within_a_span(parts, str(value), hours_per_day, decimal):
            raise ValueError(_SEVERAL)
    total = _total(parts, hours_per_day)
    if abs(total) >= _MOST_DAYS:  # before rounding, which fails for a huge number
        raise ValueError(_NO_DURATION)
    days = ceil(round(total, 6))
    if not 0 <= days < _MOST_DAYS:
        raise ValueError(_NO_DURATION)
    return days


def hours(value: object, *, decimal: Mark | None = None) -> float:
    """Reads a number of hours, such as "2-3 hours per week".

    Returns the middle of a range, which can have any kind of dash. Converts minutes to hours.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = exact(value)
    else:
        if len(str(value)) > _LONGEST:
            raise ValueError("is not a number of hours")
        number = _weekly_hours(plain(str(value)), decimal)
    if number < 0:
        raise ValueError("is negative")
    return round(float(number), 2)


def _weekly_hours(text: str, mark: Mark | None) -> Decimal:
    if clock := _CLOCK.fullmatch(text):
        if clock[3] is None:
            raise ValueError("can be read as hours or as minutes")
        return Decimal(int(clock[1])) + Decimal(int(clock[2])) / 60
    check_readable(text)
    parts = list(lengths(text, mark, rates=True))
    if not parts or parts[0].unit not in (None, "hours", "minutes"):
        raise ValueError("is not a number of hours")
    chain = [parts[0]]
    for part in parts[1:]:
        if _continues(chain[-1], part) and not joins_lengths(text):
            chain.append(part)
        elif part.unit in (None, "hours", "minutes") and not chain[0].weekly:
            raise ValueError(_SEVERAL)
    if any(part.weekly is False for part in chain):
        raise ValueError("is not a number of hours a week")
    return sum(
        (part.amount * (_HOURS_PER_MINUTE if part.unit == "minutes" else 1) for part in chain), Decimal()
    )


def decide_duration(column: Column, given: Options) -> Decision:
    """Decides the unit of numbers without a unit.

    It is the unit in the column's name, or else the only unit in the other cells, or else days. If the other
    cells have several units, or credits, no unit is decided.
    """
    decision = decimal_mark(column, given)
    if "unit" in given:
        return decision
    if column.name in _KNOWN_COLUMNS:
        unit = _KNOWN_COLUMNS[column.name]
        return decision | Decision({"unit": unit}, {"unit": f"{unit}, as in this column of Udemy's"})
    named = [unit for unit in map(unit_named, column.words()) if unit]
    if len(named) == 1:
        return decision | Decision({"unit": named[0]})
    cells = column.without_long(_LONGEST).cells
    texts = [plain(str(cell)) for cell in cells if not isinstance(cell, bool)]
    parts = [part for text in texts for part in lengths(text, None, strict=False)]
    units = {part.unit for part in parts if part.unit}
    bare = any(is_bare(text) for text in texts)
    if not bare:
        return decision
    if len(units) > 1 or any(map(names_credits, texts)):
        others = "several units" if len(units) > 1 else "credits"
        return decision | Decision(notes=[f"numbers without a unit are left out: the column has {others}"])
    unit = units.pop() if units else "days"
    return decision | Decision({"unit": unit}, {"unit": f"{unit}, for numbers without a unit"})


def _counted(text: str, unit: Unit | None, hours_per_day: float, mark: Mark | None) -> Sequence[Length]:
    """Returns the parts that add up to the duration in a string."""
    if iso := _ISO.fullmatch(text.upper()):
        return _iso_parts(iso)
    if clock := _CLOCK.fullmatch(text):
        return [_clock(clock, hours_per_day)]
    check_readable(text)
    if is_bare(text):
        (bare, *_) = lengths(text, mark)
        if unit is None:
            raise ValueError(_NO_UNIT)
        return [bare._replace(unit=unit)]
    if counts_parts(text):
        raise ValueError("is the length of each part, not of the whole")
    known = [part for part in lengths(text, mark) if part.unit]
    if not known:
        raise ValueError(_why_unknown(text, mark))
    return _chain(known, hours_per_day, joined=joins_lengths(text))


def _why_unknown(text: str, mark: Mark | None) -> str:
    if any(part.unit for part in lengths(text, mark, rates=True)):
        return "is a rate, not a length"
    return "has no unit of time" if re.search(r"\d", text) else _NO_DURATION


def _chain(parts: Sequence[Length], hours_per_day: float, *, joined: bool) -> Sequence[Length]:
    """Returns the first length and the parts that continue it, each in a smaller unit than the last.

    joined: whether a dash or "to" joins two lengths. If so, no part continues the first length. Raises
    ValueError if another part is clearly longer or shorter. But the hours of work within a period of days or
    more are ignored.
    """
    chain = [parts[0]]
    for part in parts[1:]:
        if _days(part, hours_per_day) == _total(chain, hours_per_day):
            continue  # "2 days / 16 hours" gives the same length twice
        if not joined and _continues(chain[-1], part):
            chain.append(part)
        elif not _is_work(chain[0], part) and not _is_same(chain, part, hours_per_day):
            raise ValueError(_SEVERAL)
    return chain


def _continues(before: Length, part: Length) -> bool:
    if before.unit is None or part.unit is None:
        return False
    return part.amount < _CONTINUES.get((before.unit, part.unit), 0)


def _is_work(span: Length, part: Length) -> bool:
    """Returns whether a part is the hours or minutes of work within a period of days or more."""
    return span.unit in _DAYS and part.unit in ("hours", "minutes")


def _is_within_a_span(parts: Sequence[Length], text: str, hours_per_day: float, mark: Mark | None) -> bool:
    """Returns whether the text gives hours, and a much longer period in brackets: "12 hours (6 weeks)"."""
    if parts[0].unit not in ("hours", "minutes"):
        return False
    spans = [part for part in lengths(in_brackets(text), mark, strict=False) if part.unit in _DAYS]
    return any(_days(span, hours_per_day) > 2 * _total(parts, hours_per_day) for span in spans)


def _is_same(chain: Sequence[Length], part: Length, hours_per_day: float) -> bool:
    whole = _total(chain, hours_per_day)
    return abs(_days(part, hours_per_day) - whole) <= whole / 10


def _iso_parts(match: re.Match[str]) -> Sequence[Length]:
    parts = [Length(parse(match[unit], "."), unit) for unit in UNITS if match[unit]]
    if not parts:
        raise ValueError(_NO_DURATION)
    return parts


def _clock(match: re.Match[str], hours_per_day: float) -> Length:
    """Reads a length in the form h:mm:ss or h:mm.

    Without seconds, 1:30 can mean 1 hour 30 minutes or 1 minute 30 seconds. Such a length is accepted only if
    both round up to the same number of days.
    """
    first, second, third = int(match[1]), int(match[2]), match[3]
    as_hours = Length(Decimal(first) + Decimal(second) / 60, "hours")
    as_minutes = as_hours._replace(unit="minutes")
    if third is None and ceil(_days(as_hours, hours_per_day)) != ceil(_days(as_minutes, hours_per_day)):
        raise ValueError("can be read as hours or as minutes")
    return as_hours


def _total(parts: Sequence[Length], hours_per_day: float) -> Decimal:
    return sum((_days(part, hours_per_day) for part in parts), Decimal())


def _days(length: Length, hours_per_day: float) -> Decimal:
    if length.unit and length.unit in _DAYS:
        return length.amount * _DAYS[length.unit]
    in_hours = length.amount * (_HOURS_PER_MINUTE if length.unit == "minutes" else 1)
    return Decimal(in_hours) / Decimal(str(hours_per_day))
