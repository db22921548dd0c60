"""Sort keys of titles and names, in the order of the Unicode Collation Algorithm.

The keys are stored, because a `find` with a collation can use an index for strings only if the index has the
same collation. Keys are ordered by primary weights: by letters, regardless of case and accents. The order of
the letters is in letter_order.txt. A library for the whole algorithm isn't used: the one for Python (pyuca)
was last released in 2017, and reads a table of 1.8 MB at every start.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from loaders.text.folding import folded

_MAX_KEY = 200  # maximum length of a key, in characters
_MAX_PRIMARY = 150  # maximum length of the part of a key that orders by letter; the rest breaks ties
_TIE = "\x01"  # sorts before every other character of a key

# In a key, a Latin letter outside ASCII becomes two characters: the ASCII letter that precedes it in the
# alphabet, and a character whose code is _AFTER or higher. The second character sorts after anything else
# that can follow the ASCII letter. A letter of another script becomes a character whose code is _FIRST
# or higher, which sorts between Latin letters and Han characters.
_AFTER = 0x10FF00
_FIRST = 0x100
_BEFORE_DIGITS = "/"

# Matches a Thai or Lao vowel that is written before its consonant but sorted after it, and the consonant.
_LEADING_VOWEL = re.compile("([\u0e40-\u0e44\u0ec0-\u0ec4])([\u0e01-\u0e2e\u0e81-\u0eae])")


def sort_key(text: str) -> str:
    """Returns the key by which a title or name is sorted. It has at most 200 characters.

    Leading punctuation doesn't count, and digits come before letters. In scripts other than Latin, the
    spelling breaks ties, so that バス and パス, which differ only in their marks, have a fixed order.
    """
    words = " ".join(folded(text))
    if words.isascii():
        return words[:_MAX_KEY]
    primary = _LEADING_VOWEL.sub(r"\2\1", words).translate(_LETTERS)[:_MAX_PRIMARY]
    return f"{primary}{_TIE}{words}"[:_MAX_KEY]


def _letters() -> Iterator[tuple[int, str]]:
    """Yields the code point of each letter, and the characters that replace it in a key."""
    text = Path(__file__).with_name("letter_order.txt").read_text("utf-8")
    (ignored, *latin), others = (part.split() for part in text.split("\n\n")[1:])
    yield from ((ord(mark), "") for mark in ignored)
    anchor, after = _BEFORE_DIGITS, _AFTER
    for group in latin:
        if group[0].isascii():
            anchor, after = group[0], _AFTER
            key = anchor
        else:
            key, after = anchor + chr(after), after + 1
        yield from ((ord(letter), key) for letter in group)
    for place, group in enumerate(others):
        yield from ((ord(letter), chr(_FIRST + place)) for letter in group)


_LETTERS = dict(_letters())
