"""Reads numbers as people and programs write them.

A comma or a point either separates thousands or is the decimal mark. The form of most numbers shows which: in
"1,299.50", the point is the decimal mark because it comes last, and in "4,5", the comma can't separate
thousands. "1.299" is unclear, but other cells of the column may show what the point means (see decimal_mark).
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Literal
from unicodedata import decimal as digit_of

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.texts import text
from app.importing.values.words import by_word

Mark = Literal[".", ","]

_SPACE = "\u0020\u00a0\u202f\u2009\u2007"
_GROUP = f"[{_SPACE}'\u2019\u02bc]"  # characters that can only separate thousands
#: The pattern of a number with separators, but without a sign or a suffix.
NUMBER = rf"\d+(?:{_GROUP}\d{{3}}(?!\d))*(?:[.,]\d+)*(?:{_GROUP}\d{{3}}(?!\d))*(?:[.,]\d+)?|[.,]\d+"
_MULTIPLES = by_word("multiples")
#: A word that multiplies the number before it, such as "k" or "lakh".
MULTIPLE = "|".join(sorted(_MULTIPLES, key=len, reverse=True))
_WRITTEN = re.compile(
    rf"(?P<sign>[-+\u2212]?)\s*(?P<number>{NUMBER})\s*(?P<multiple>{MULTIPLE})?[.,]?", re.IGNORECASE
)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?:\.\d{3})+")  # 1,24,980: Indian digit grouping
_OTHER: dict[Mark, Mark] = {".": ",", ",": "."}
_LARGEST_COUNT = 2_000_000_000  # fits in GraphQL's Int, which has 32 bits
_NO_NUMBER = "is not a number"
_OUT_OF_RANGE = 10**18  # Decimal keeps 28 digits; below this limit, at least 10 are left for the fraction
_UNCLEAR = 'can be read with thousands or with decimals (set decimal = "." or ",")'
_ASCII_MARKS = str.maketrans("\uff0c\uff0e\u066b\u066c", ",.,,")
UNLIMITED = "UNLIMITED"  # what `seats` returns for words such as "no limit"
_SEATS = re.compile(
    r"(?:(?:max(?:imum|\.)?|up to|bis zu|jusqu'à|hasta|fino a|до)\s*)?"
    rf"(?P<number>{NUMBER})\s*"
    r"(?:seats?|places?|students?|participants?|people|persons?|pax|plätze|personen|teilnehmer|personnes|plazas"
    r"|personas|posti|persone|vagas|pessoas|miejsca?|osób|мест|человек|席|名|人|명)?",
    re.IGNORECASE,
)
_NO_LIMIT = frozenset(
    ("unlimited", "no limit", "∞", "unbegrenzt", "unbeschränkt", "illimité", "illimitée", "ilimitado",
     "sin límite", "illimitato", "onbeperkt", "bez limitu", "без ограничений", "无限制", "无限", "無制限")
)  # fmt: skip


class UnclearError(ValueError):
    """Raised if a number can be read in two ways, and nothing in its column shows which is meant."""


def decimal(value: object, *, decimal: Mark | None = None) -> float:
    """Reads a number such as "124,980", "1,24,980", "1.299,50", "12 500" or "1.2k".

    decimal: the decimal mark of numbers that can be read in two ways, such as "1.299".
    """
    return float(exact(value, mark=decimal))


def count(value: object) -> int:
    """Reads a non-negative whole number. A single comma or point before three digits separates thousands."""
    number = Decimal(value) if type(value) is int else _exact(value, thousands=True)
    if number < 0:
        raise ValueError("is below zero")
    if number > _LARGEST_COUNT:  # checked before int(), which is slow for numbers with many digits
        raise ValueError(f"is above {_LARGEST_COUNT:,}")
    if number != int(number):
        raise ValueError("is not a whole number")
    return int(number)


def seats(value: object) -> int | str:
    """Reads a number of seats, such as "30" or "max. 30 places". Returns UNLIMITED for "no limit"."""
    if not isinstance(value, str):
        return count(value)
    written = ascii_digits(text(value))
    if written.casefold() in _NO_LIMIT:
        return UNLIMITED
    match = _SEATS.fullmatch(written)
    if match is None:
        raise ValueError("is not a number of seats")
    return count(match["number"])


def exact(value: object, *, mark: Mark | None = None, thousands: bool = False) -> Decimal:
    """Reads a number without rounding it.

    mark: the decimal mark of a number that can be read in two ways, such as "1.299". thousands: whether the
    comma or point in such a number separates thousands if `mark` is None. If neither is set, such a number
    raises UnclearError. Raises ValueError if the absolute value is 10**18 or more.
    """
    return _bounded(_exact(value, mark=mark, thousands=thousands))


def _exact(value: object, *, mark: Mark | None = None, thousands: bool = False) -> Decimal:
    if isinstance(value, bool):
        raise ValueError(_NO_NUMBER)
    if isinstance(value, int | float):
        number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
        if not number.is_finite():
            raise ValueError(_NO_NUMBER)
        return number
    match = _WRITTEN.fullmatch(ascii_digits(str(value)).strip())
    if match is None:
        raise ValueError(_NO_NUMBER)
    number = _parse(match["number"], mark, thousands=thousands)
    if match["multiple"]:
        number = _bounded(number) * int(_MULTIPLES[match["multiple"].casefold()])
    return number.copy_negate() if match["sign"] in ("-", "\u2212") else number


def parse(digits: str, mark: Mark | None = None, *, thousands: bool = False) -> Decimal:
    """Reads a number in the same way as `exact`, but accepts neither a sign nor a suffix such as "k"."""
    return _bounded(_parse(digits, mark, thousands=thousands))


def _bounded(number: Decimal) -> Decimal:
    if number.copy_abs() >= _OUT_OF_RANGE:  # abs() fails if there are a million digits
        raise ValueError("is out of range")
    return number


def _parse(digits: str, mark: Mark | None, *, thousands: bool) -> Decimal:
    body = re.sub(_GROUP, "", digits)
    own = own_mark(digits)
    if own is None and not thousands and mark is None:
        raise UnclearError(_UNCLEAR)
    point = own or mark or _OTHER[_last_mark(body)]
    whole, _, rest = body.rpartition(point) if point in body else (body, "", "")
    grouped = whole.replace(_OTHER[point], "")
    if point in whole or (whole != grouped and not _GROUPED.fullmatch(whole)):
        raise ValueError(_NO_NUMBER)
    return Decimal(f"{grouped or 0}.{rest or 0}")


def decimal_mark(column: Column, given: Options) -> Decision:
    """Decides the decimal mark of a column from the numbers that can be read in only one way."""
    if "decimal" in given:
        return Decision()
    numbers = list(_numbers(column.cells))
    shown = {own for number in numbers if set(number) & set(_OTHER) and (own := own_mark(number))}
    if len(shown) == 1:
        return Decision({"decimal": shown.pop()})
    if shown and (unclear := unclear_numbers(column.cells)):
        return Decision(notes=[f"both “,” and “.” begin decimals; “{unclear[0]}” can be read in two ways"])
    return Decision()


def unclear_numbers(cells: Iterable[object]) -> list[str]:
    """Returns the numbers in which a comma or point can be the decimal mark or can separate thousands."""
    return [number for number in _numbers(cells) if own_mark(number) is None]


def most_decimals(cells: Iterable[object], mark: Mark) -> int:
    """Returns the most decimals of any number in which `mark` can only be the decimal mark."""
    shown = (number for number in _numbers(cells) if mark in number and own_mark(number) == mark)
    return max((len(number.rpartition(mark)[2]) for number in shown), default=0)


def ascii_digits(written: str) -> str:
    """Replaces the digits and decimal marks of all scripts with ASCII characters."""
    if written.isascii():
        return written
    plain = (str(digit_of(c)) if c.isdecimal() else c for c in written)
    return "".join(plain).translate(_ASCII_MARKS)


def own_mark(digits: str) -> Mark | None:
    """Returns the decimal mark of a number, or None if the number can be read in two ways.

    For a number without a comma or a point, returns ".", although "," would be equally correct.
    """
    body = re.sub(_GROUP, "", digits)
    marks = {mark for mark in _OTHER if mark in body}
    if len(marks) != 1:
        return _last_mark(body) if marks else "."
    mark = marks.pop()
    if _GROUPED.fullmatch(body) and body == digits and not body.startswith("0"):
        return None if body.count(mark) == 1 else _OTHER[mark]
    return mark


def _numbers(cells: Iterable[object]) -> Iterator[str]:
    for cell in cells:
        if isinstance(cell, str):
            yield from re.findall(NUMBER, ascii_digits(cell))


def _last_mark(body: str) -> Mark:
    return "," if body.rfind(",") > body.rfind(".") else "."
