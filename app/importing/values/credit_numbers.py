"""Reads numbers of credits: "3", "7,5 hp", "6 ECTS", "3.0 credit hours", "Credits: 4"."""

import re

from app.importing.values.numbers import NUMBER, Mark, ascii_digits, exact, parse
from app.importing.values.words import WORDS

_NAME = rf"(?:(?:{'|'.join(WORDS['credits']['names'])})(?!\w)|{'|'.join(WORDS['credits']['unspaced'])})"
_WORDS = rf"{_NAME}(?:[\s-]+{_NAME})*"
# A remark in brackets that has no digits or gives a number of hours: "6 ECTS (180 hours)".
_BRACKET = rf"[(\[](?:\D*|\s*\d+\s*(?:{'|'.join(WORDS['units']['hours'])})\.?\s*)[)\]]"
_WRITTEN = re.compile(
    rf"(?:{_WORDS}\s*[:=]?\s*)?(?P<number>{NUMBER})[\s-]*(?:{_WORDS})?\.?\s*(?:{_BRACKET})?", re.IGNORECASE
)
_NAMED = re.compile(rf"(?<!\d)(?:{NUMBER})[\s-]*{_WORDS}", re.IGNORECASE)
_MOST = 1_000  # maximum number of credits
_LONGEST = 200  # maximum length, in characters; a longer string is not a number of credits
_NO_CREDITS = "is not a number of credits"


def credits_of(value: object, *, decimal: Mark | None = None) -> float:
    """Reads a number of credits. Raises ValueError for anything else, even a range such as "1-4"."""
    if isinstance(value, str):
        written = ascii_digits(value[:_LONGEST]).strip()
        match = _WRITTEN.fullmatch(written) if len(value) <= _LONGEST else None
        if match is None:
            raise ValueError("has several numbers" if len(re.findall(NUMBER, written)) > 1 else _NO_CREDITS)
        number = parse(match["number"], decimal or ".")  # "3.000" is 3, because no course has 3,000 credits
    else:
        number = exact(value)
    if not 0 <= number <= _MOST:
        raise ValueError(f"is not from 0 to {_MOST:,}")
    return float(number)


def names_credits(text: str) -> bool:
    """Returns whether a string contains a number of credits, such as "6 ECTS"."""
    return bool(_NAMED.search(text[:_LONGEST]))
