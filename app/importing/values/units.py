"""Finds the lengths of time that a text names, in the languages of words.toml."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

from app.importing.values.numbers import NUMBER, Mark, ascii_digits, parse
from app.importing.values.words import WORDS

Unit = Literal["minutes", "hours", "days", "weeks", "months", "years"]
UNITS: tuple[Unit, ...] = get_args(Unit)

_NAMES = {unit: "|".join(names) for unit, names in WORDS["units"].items()}
_UNSPACED = {unit: "|".join(names) for unit, names in WORDS["unspaced_units"].items()}
_ANY_NAME, _ANY_UNSPACED = "|".join(_NAMES.values()), "|".join(_UNSPACED.values())
_UNIT = "|".join(f"(?P<{unit}>(?:{_NAMES[unit]})(?!\\w)|(?:{_UNSPACED[unit]}))" for unit in UNITS)
_ANY_UNIT = rf"(?:{_ANY_NAME})(?!\w)|(?:{_ANY_UNSPACED})"
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
    rf"|\s*(?:{'|'.join(WORDS['lengths']['rates'])})\b|\s*[/每]\s*(?:{_ANY_UNSPACED})",
    re.IGNORECASE,
)
_RATE_BEFORE = re.compile(r"(?:每周|每週|每天|每日|週に?|毎週|주당|haftada)\s*$", re.IGNORECASE)
_WEEK = re.compile(
    rf"\b(?:{_NAMES['weeks']})\b|{_UNSPACED['weeks']}|week|wöch|hebdo|seman|settiman|tygodn|týdn|hafta"
)
_WORDS: Mapping[str, str] = WORDS["numbers"]
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER_WORD = re.compile(
    rf"(?P<rate>(?:{_ANY_UNIT})\s+)?(?<![\w-])(?P<word>{_WORD})(?=[\s-]+(?:{_ANY_UNIT}))", re.IGNORECASE
)
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
_BRACKETS = re.compile(r"[(\[\uff08\u3010][^()\[\]\uff08\uff09\u3010\u3011]*[)\]\uff09\u3011]")


class Length(NamedTuple):
    """A part of a duration. amount: for a range, its middle. unit: None if the text names none."""

    amount: Decimal
    unit: Unit | None
    weekly: bool | None = None  # whether a rate is per week; None if it is not a rate


def lengths(text: str, mark: Mark | None, *, strict: bool = True, rates: bool = False) -> Iterator[Length]:
    """Yields the lengths in a text that `plain` has returned.

    Rates, such as "2 hours a week", are included only if `rates` is set. If `strict`, an unclear number
    raises ValueError; otherwise it is skipped.
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
    """Returns the unit that a word names, in any of the known languages."""
    match = re.fullmatch(_UNIT, word, re.IGNORECASE)
    return next((unit for unit in UNITS if match and match[unit]), None)


def plain(text: str) -> str:
    """Replaces number words and fractions with digits, and removes text in brackets.

    Such text usually repeats a length. It is kept if there are no digits outside the brackets.
    """
    text = ascii_digits(text).casefold().strip()
    outside = _BRACKETS.sub(" ", text)
    text = outside if re.search(r"\d", outside) else text
    text = re.sub(r"(\d*)\s?([½¼¾])", lambda m: f"{m[1] or 0}{_FRACTIONS[m[2]]}", text)
    text = re.sub(r"\b(\d+) (\d)/([2-9])\b", lambda m: str(int(m[1]) + round(int(m[2]) / int(m[3]), 4)), text)
    return _NUMBER_WORD.sub(
        lambda m: m[0] if m["rate"] else _WORDS[m["word"]], text
    )  # in "10 hours a week", "a" is not a number


def is_bare(text: str) -> bool:
    """Returns whether a text that `plain` has returned is a number or a range without a unit."""
    return bool(_BARE.fullmatch(text))
