"""Shows the numbers of a workbook as its cells do: with the currency or unit that only their format names.

Source: ECMA-376 Part 1, 18.8.30 (numFmt) and 18.8.31 (numFmts).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from app.importing.values import is_currency, unit_named

#: A part of a number format. Besides the number, only currencies and literal characters are shown.
_PART = re.compile(
    r"\[\$(?P<currency>[^\]-]*)(?:-(?P<locale>[^\]]*))?\]"  # [$€-407]
    r'|"(?P<quoted>[^"]*)"'
    r"|\\(?P<escaped>.)"
    r"|(?P<sign>[$€£¥])"
    r"|(?P<number>General|[0#?](?:[0#?.,]*[0#?])?(?P<thousands>,*))"
    r"|(?P<other>\[[^\]]*\]|[_*].|.)",
    re.DOTALL,
)
_SECTION = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*', re.DOTALL)
#: Currencies by sign and Windows locale (MS-LCID), for signs that several currencies share.
_OF_LOCALES = {
    ("$", "409"): "USD", ("$", "1009"): "CAD", ("$", "C0C"): "CAD", ("$", "C09"): "AUD", ("$", "1409"): "NZD",
    ("$", "4809"): "SGD", ("$", "C04"): "HKD", ("$", "80A"): "MXN", ("¥", "804"): "CNY", ("¥", "411"): "JPY",
    ("kr", "41D"): "SEK", ("kr", "414"): "NOK", ("kr", "406"): "DKK", ("kr", "40F"): "ISK",
}  # fmt: skip
_SEPARATORS = frozenset(" -()+/:\u00a0\u202f")


class _Shown(NamedTuple):
    """What a cell shows before and after the number."""

    before: str
    after: str


def as_shown(number: float, number_format: str) -> str | None:
    """Returns a number with the currency or the unit that its format names, such as "€ 49.9" or "12 h".

    Returns None if the format names neither, or if the cell shows another
    number, such as a percentage or a number of thousands. The decimal mark is always a point. If there are
    exactly three decimals, a zero is appended, so that the point can't be taken for a thousands separator.
    """
    shown = _around(number_format)
    if shown is None:
        return None
    if not abs(number) < 1e12:  # also infinity and NaN
        return None
    digits = f"{number:.12g}"
    if "e" in digits:
        return None
    if len(digits.partition(".")[2]) == 3:
        digits += "0"
    return " ".join(f"{shown.before} {digits} {shown.after}".split())


@lru_cache(maxsize=256)
def _around(number_format: str) -> _Shown | None:
    """Returns what a cell shows before and after its number.

    Returns None if this is neither a currency nor a unit, or if the cell shows a different number.
    """
    texts = {False: "", True: ""}  # before and after the number
    is_after = False
    for part in _PART.finditer(_first_section(number_format)):
        if part["number"]:
            if is_after or part["thousands"]:
                return None
            is_after = True
        elif part["other"]:
            if not (part["other"][0] in "[_*" or part["other"] in _SEPARATORS):
                return None
        else:
            texts[is_after] += _currency(part) or part["quoted"] or part["escaped"] or part["sign"] or ""
    if not is_after or not _is_currency_or_unit(" ".join(texts.values())):
        return None
    return _Shown(texts[False].strip(), texts[True].strip())


def _currency(part: re.Match[str]) -> str:
    """Returns the currency in brackets. If several currencies share its sign, the locale decides."""
    sign = part["currency"] or ""
    return _OF_LOCALES.get((sign, (part["locale"] or "").upper().lstrip("0")), sign)


def _first_section(number_format: str) -> str:
    """Returns the section for positive numbers."""
    section = _SECTION.match(number_format)
    return section[0] if section else ""


def _is_currency_or_unit(text: str) -> bool:
    """Returns whether all words of a text are currencies or units of time, or signs such as €."""
    words = text.replace(".", " ").split()
    return bool(words) and all(is_currency(word) or unit_named(word) for word in words)
