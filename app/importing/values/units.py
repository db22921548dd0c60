"""Finds lengths of time in text, in the languages of words.toml."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

from app.importing.values.numbers import NUMBER, Mark, ascii_digits, parse
from app.importing.values.words import WORDS, by_word

Unit = Literal["minutes", "hours", "days", "weeks", "months", "years"]
UNITS: tuple[Unit, ...] = get_args(Unit)

_NAMES = {unit: "|".join(names) for unit, names in WORDS["units"].items()}
_UNSPACED = {unit: "|".join(names) for unit, names in WORDS["unspaced_units"].items()}
_ANY_NAME, _ANY_UNSPACED = "|".join(_NAMES.values()), "|".join(_UNSPACED.values())
_END = r"(?![^\W\d])"  # the end of a unit's name; a digit may follow, as in "13h45m"
_UNIT = "|".join(f"(?P<{unit}>(?:{_NAMES[unit]}){_END}|(?:{_UNSPACED[unit]}))" for unit in UNITS)
_ANY_UNIT = rf"(?:{_ANY_NAME}){_END}|(?:{_ANY_UNSPACED})"
_TO = rf"\s*(?:{'|'.join(WORDS['lengths']['to'])})(?![^\W\d_])\s*"
_PART = re.compile(
    rf"(?P<low>{NUMBER})(?:{_TO}(?P<high>{NUMBER}))?\s*\+?[\s-]*"
    rf"(?:(?:full|working|business|calendar)\s+)?(?:(?:{_UNIT})\.?)?",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?:{NUMBER})(?:{_TO}(?:{NUMBER}))?\s*\+?", re.IGNORECASE)
#: What makes a length a rate: "a week", "/week", "weekly", "pro Woche", "par semaine".
_RATE = re.compile(
    rf"\s*(?:/|\b(?:{'|'.join(WORDS['lengths']['per'])})\b)\s*(?:{_ANY_NAME})(?!\w)"
    r"|/[^\W\d]|\s*\b(?:per|pro|par|por)\s+[^\W\d]"  # "45 min/lesson", "2 hours per session"
    rf"|\s*(?:{'|'.join(WORDS['lengths']['rates'])})\b|\s*[/每]\s*(?:{_ANY_UNSPACED})",
    re.IGNORECASE,
)
_RATE_BEFORE = re.compile(r"(?:每周|每週|每天|每日|週に?|毎週|주당|haftada)\s*$", re.IGNORECASE)
_WEEK = re.compile(
    rf"\b(?:{_NAMES['weeks']})\b|{_UNSPACED['weeks']}|week|wöch|hebdo|seman|settiman|tygodn|týdn|hafta"
)
_WORDS = by_word("numbers")
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
#: A number word before a unit, or before the other end of a range: "six to eight weeks".
_NUMBER_WORD = re.compile(
    rf"(?P<rate>(?:{_ANY_UNIT})\s+)?(?<![\w-])(?P<word>{_WORD})"
    rf"(?=[\s-]+(?:{_ANY_UNIT})|{_TO}(?:{NUMBER}|{_WORD})[\s-]+(?:{_ANY_UNIT}))",
    re.IGNORECASE,
)
_UNSPACED_WORDS = by_word("unspaced_numbers")
_UNSPACED_WORD = re.compile(
    rf"(?<![\w])({'|'.join(sorted(_UNSPACED_WORDS, key=len, reverse=True))})(?=\s*(?:{_ANY_UNSPACED}))"
)
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
_SHORT_FRACTION = re.compile(rf"(?<![\d/.,])([1-9])/([2-9])(?=[\s-]*(?:{_ANY_UNIT}))", re.IGNORECASE)
#: "two and a half days", "a year and a half".
_AND_A_HALF = re.compile(
    rf"\b(?P<number>\d+|{_WORD})(?P<unit>\s+(?:{_ANY_UNIT}))?\s+and\s+a\s+half\b", re.IGNORECASE
)
_TIMES = re.compile(
    rf"(?<![\d.,])(\d{{1,3}})\s*[x\u00d7*]\s*(\d{{1,4}})(?=[\s-]*(?:{_ANY_UNIT}))", re.IGNORECASE
)
_HOURS_AND_MINUTES = re.compile(r"(?<=\d)\s?(?:h|u|std\.?|ч)\s?([0-5]\d)(?!\d|\s?[^\W\d])", re.IGNORECASE)
_PRIME = re.compile(r"(?<=\d)\s?['\u2032](?!['\d])")
#: A number of parts, and the length of each.
_PARTS = re.compile(
    rf"\d\s+(?!(?:{_ANY_UNIT}))[^\W\d]+\s+(?:{'|'.join(WORDS['parts']['of'])})\s+\d"
    rf"|\b(?:{'|'.join(WORDS['parts']['each'])})\W*$"
    rf"|\d[\s-]*(?:{_ANY_UNIT})\s*[x\u00d7*]\s*\d",  # such as "1 day x 3"
    re.IGNORECASE,
)
#: Two lengths joined by a dash or "to", which are not parts of a single length: "2 weeks - 1 month".
_JOINED = re.compile(rf"\d[\s-]*(?:{_ANY_UNIT})\.?{_TO}\d", re.IGNORECASE)
_BRACKETS = re.compile(r"[(\[\uff08\u3010][^()\[\]\uff08\uff09\u3010\u3011]*[)\]\uff09\u3011]")


class Length(NamedTuple):
    """A part of a duration. amount: the middle, if it is a range. unit: None if the text names no unit."""

    amount: Decimal
    unit: Unit | None
    weekly: bool | None = None  # whether it is a rate per week; None if it is not a rate


def lengths(text: str, mark: Mark | None, *, strict: bool = True, rates: bool = False) -> Iterator[Length]:
    """Yields the lengths in text that `plain` has returned.

    Rates, such as "2 hours a week", are included only if `rates` is set. If `strict` is set, an unclear
    number raises ValueError; otherwise it is skipped.
    """
    for match in _PART.finditer(text):
        rate = _RATE.match(text, match.end()) or _RATE_BEFORE.search(text, 0, match.start())
        if rate and not rates:
            continue
        try:
            low = parse(match["low"], mark)
            high = parse(match["high"], mark) if match["high"] else low
        except ValueError:
            if strict:
                raise
            continue
        unit = next((unit for unit in UNITS if match[unit]), None)
        yield Length((low + high) / 2, unit, bool(_WEEK.search(rate[0])) if rate else None)


def unit_named(word: str) -> Unit | None:
    """Returns the unit that a word names in any of the known languages, or None."""
    match = re.fullmatch(_UNIT, word, re.IGNORECASE)
    return next((unit for unit in UNITS if match and match[unit]), None)


def plain(text: str) -> str:
    """Replaces number words and fractions with digits, and removes text in brackets.

    Text in brackets usually repeats a length. It is kept if there are no digits outside the brackets.
    """
    text = ascii_digits(text).casefold().strip()
    outside = _BRACKETS.sub(" ", text)
    text = outside if re.search(r"\d", outside) else text
    text = re.sub(r"(\d*)\s?([½¼¾])", lambda m: f"{m[1] or 0}{_FRACTIONS[m[2]]}", text)
    text = re.sub(
        r"\b(\d{1,9}) (\d)/([2-9])\b", lambda m: str(int(m[1]) + round(int(m[2]) / int(m[3]), 4)), text
    )
    text = _SHORT_FRACTION.sub(lambda m: str(round(int(m[1]) / int(m[2]), 4)), text)
    text = _AND_A_HALF.sub(_with_half, text)
    text = _TIMES.sub(lambda m: str(int(m[1]) * int(m[2])), text)
    text = _PRIME.sub(" min", _HOURS_AND_MINUTES.sub(r"h \1min", text))
    text = _UNSPACED_WORD.sub(lambda m: _UNSPACED_WORDS[m[1]], text)
    return _NUMBER_WORD.sub(
        lambda m: m[0] if m["rate"] else _WORDS[m["word"]], text
    )  # in "10 hours a week", "a" is not a number


def is_bare(text: str) -> bool:
    """Returns whether text that `plain` has returned is a number or a range without a unit."""
    return bool(_BARE.fullmatch(text))


def joins_lengths(text: str) -> bool:
    """Returns whether text has two lengths joined by a dash or "to", as in "1 month - 2 weeks"."""
    return bool(_JOINED.search(text))


def check_readable(text: str) -> None:
    """Raises ValueError if text begins with a negative number, or has a number with an exponent."""
    if re.match(r"[-\u2212]\s*[\d.,]", text):
        raise ValueError("is negative")
    if re.search(r"\d[eE][-+]?\d", text):
        raise ValueError("is not a number")


def in_brackets(text: str) -> str:
    """Applies `plain` to the text in brackets, which `plain` normally removes."""
    return plain(" ".join(bracket[1:-1] for bracket in _BRACKETS.findall(text)))


def counts_parts(text: str) -> bool:
    """Returns whether text gives the length of each of several parts, as in "12 sessions of 2 hours"."""
    return bool(_PARTS.search(text))


def _with_half(match: re.Match[str]) -> str:
    return f"{Decimal(_WORDS.get(match['number'], match['number'])) + Decimal('0.5')}{match['unit'] or ''}"
