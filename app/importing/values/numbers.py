"""Normalises numbers written by people or programs, including durations, ratings and prices."""

import re
from math import ceil, floor, isfinite

from loaders.model import ImportedRating, MoneyDoc

_SPACES = re.compile(r"[\s'\u2019\u00a0\u202f\u2009]")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}|\d{1,3}(?:\.\d{3}){2,}")  # 1,24,980: Indian digit grouping
_NUMBER = r"[-+]?[0-9][0-9.,'\u2019\u00a0\u202f\u2009]*"
_TO = r"\s*(?:-|\u2013|\u2014|to)\s*"  # separates the two ends of a range
_SUFFIXES = {"k": 1_000, "m": 1_000_000}
#: The length of each unit in days; 0 for hours, whose length is computed from `hours_per_day`.
_DAYS = {"hour": 0.0, "hr": 0.0, "h": 0.0, "day": 1.0, "d": 1.0, "week": 7.0, "wk": 7.0, "w": 7.0,
         "month": 30.0, "mo": 30.0, "year": 365.0, "yr": 365.0, "y": 365.0}  # fmt: skip
_DURATION = re.compile(
    rf"({_NUMBER})(?:{_TO}({_NUMBER}))?\s*"
    r"(hours?|hrs?|h|days?|d|weeks?|wks?|w|months?|mo|years?|yrs?|y)?\b\.?",
    re.IGNORECASE,
)
_RANGE = re.compile(rf"({_NUMBER})(?:{_TO}({_NUMBER}))?", re.IGNORECASE)
_RATING = re.compile(
    rf"({_NUMBER})(?:\s*/\s*5|\s*★|\s*stars?)?\s*(?:[|,]|(?P<open>[(\[]))\s*({_NUMBER}\s*[km]?)"
    r"(?(open)[^\d)\]]*[)\]])\D*$",
    re.IGNORECASE,
)
_SYMBOLS = {"₹": "INR", "€": "EUR", "£": "GBP", "¥": "JPY", "$": "USD", "₩": "KRW", "₽": "RUB", "₺": "TRY"}
_RUPEES = re.compile(r"\brs\b\.?\s*(?=\d)|\brs(?=\d)", re.IGNORECASE)
#: ISO 4217 currencies whose minor unit is not a hundredth, with their number of decimal places.
_EXPONENTS = dict.fromkeys(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ),
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)


def decimal(value: object) -> float:
    """Reads a number such as "124,980", "1,24,980", "1.299,50", "12 500" or "1.2k"."""
    if isinstance(value, bool):
        raise ValueError("is not a number")
    if isinstance(value, int | float):
        if not isfinite(value):
            raise ValueError("is not a number")
        return float(value)
    try:
        return _parse(str(value))
    except ValueError:
        raise ValueError("is not a number") from None


def integer(value: object) -> int:
    """Reads a whole number: 3.0 is valid, 3.5 is not."""
    if type(value) is int:
        return value
    number = decimal(value)
    if number != int(number):
        raise ValueError("is not a whole number")
    return int(number)


def count(value: object) -> int:
    """Reads a whole number that is zero or more."""
    if (number := integer(value)) < 0:
        raise ValueError("is below zero")
    return number


def stars(value: object, *, round: bool = False) -> int:
    """Reads a whole number from 1 to 5. With `round`, fractions are rounded, and halves are rounded up."""
    if type(value) is int and 1 <= value <= 5:
        return value
    number = decimal(value)
    rounded = floor(number + 0.5) if round else number
    if rounded != int(rounded):
        raise ValueError("is not a whole number (round = true rounds it)")
    if not 1 <= rounded <= 5:
        raise ValueError("is not between 1 and 5")
    return int(rounded)


def fraction(value: object) -> float:
    """Reads a fraction from 0 to 1, or a percentage: 0.5 or "50 %"."""
    text = str(value).strip()
    share = decimal(text[:-1]) / 100 if text.endswith("%") else decimal(value)
    if not 0 <= share <= 1:
        raise ValueError("is neither a number from 0 to 1 nor a percentage")
    return share


def hours(value: object) -> float:
    """Reads a number of hours, such as "2-3 hours per week".

    For a range, written with any kind of dash, returns the middle.
    """
    if isinstance(value, int | float):
        number = decimal(value)
    elif match := _RANGE.search(str(value)):
        number = _middle(match[1], match[2])
    else:
        raise ValueError("is not a number of hours")
    if number < 0:
        raise ValueError("is negative")
    return number


def duration(value: object, *, unit: str = "days", hours_per_day: float = 8) -> int:
    """Reads a duration in days, rounded up.

    Examples are "45 days", "8 weeks", "1.5 months" (of 30 days) and "4-6 weeks" (the middle is used). `unit`
    is the unit of the first number if no number has one. Hours are working hours: "Approx. 33 hours" with 8
    `hours_per_day` is 5 days.
    """
    matches = list(_DURATION.finditer(str(value)))
    parts = [m for m in matches if m[3]] or matches[:1]
    if not parts:
        raise ValueError("is not a duration")
    days = ceil(round(sum(_days(m, unit, hours_per_day) for m in parts), 6))
    if not 0 <= days < 100_000:
        raise ValueError("is not a duration")
    return days


def rating(value: object, *, count: object = None) -> ImportedRating:
    """Reads an average rating and the number of ratings, from one or two columns.

    Examples in one column are "4.7 (55)" and "4.7/5 (1.2k ratings)". `count` is the second column's value.
    """
    if count is not None:
        average, number = decimal(value), integer(count)
    elif match := _RATING.match(str(value).strip()):
        average, number = decimal(match[1]), integer(match[3])
    else:
        raise ValueError('is not an average with a count, such as "4.7 (55)"')
    if number < 0 or not (1 <= average <= 5 or number == 0):
        raise ValueError("is not an average rating from 1 to 5")
    return {"average": average, "count": number}


def price(value: object, *, currency: str | None = None) -> MoneyDoc:
    """Reads a price such as "₹1,299", "49.99 EUR" or "Free". Returns it in the currency's minor unit."""
    text = str(value).strip()
    code = currency or _currency(text)
    if not code:
        raise ValueError('has no currency (set one, such as currency = "EUR")')
    if text.casefold() in ("free", "gratis"):
        return {"amountMinor": 0, "currency": code}
    match = re.search(_NUMBER, text)
    amount = decimal(match[0] if match else text) * 10 ** _EXPONENTS.get(code, 2)
    if amount < 0:
        raise ValueError("is negative")
    return {"amountMinor": floor(amount + 0.5), "currency": code}


def _currency(text: str) -> str | None:
    if code := re.search(r"\b[A-Z]{3}\b", text):
        return code[0]
    if _RUPEES.search(text):
        return "INR"
    return next((code for symbol, code in _SYMBOLS.items() if symbol in text), None)


def _days(match: re.Match[str], unit: str, hours_per_day: float) -> float:
    name = (match[3] or unit).casefold()
    days_per_unit = _DAYS[name if name in _DAYS else name.removesuffix("s")]
    return _middle(match[1], match[2]) * (days_per_unit or 1 / hours_per_day)


def _middle(low: str, high: str | None) -> float:
    first = _parse(low)
    return (first + _parse(high)) / 2 if high else first


def _parse(text: str) -> float:
    """Reads a number with thousands separators, a decimal separator and a suffix such as k.

    If both a comma and a point occur, the later one is the decimal separator. If only one of them occurs, it
    is a thousands separator if the digits are in groups of three, otherwise the decimal separator.
    """
    text = _SPACES.sub("", text).rstrip(".,")
    factor = _SUFFIXES.get(text[-1:].casefold(), 1)
    digits = text[:-1] if factor > 1 else text
    sign = digits[:1] if digits[:1] in "+-" else ""
    body = digits.removeprefix(sign)
    if not body or not set(body) <= set("0123456789.,"):
        raise ValueError("is not a number")
    return float(sign + _with_decimal_point(body)) * factor


def _with_decimal_point(body: str) -> str:
    """Replaces the decimal separator with a point, and removes thousands separators."""
    if "," in body and "." in body:
        last = max(body.rfind(","), body.rfind("."))
        whole, fraction = re.sub(r"[.,]", "", body[:last]), body[last + 1 :]
        return f"{whole}.{fraction}"
    if _GROUPED.fullmatch(body):
        return re.sub(r"[.,]", "", body)
    return body.replace(",", ".")
