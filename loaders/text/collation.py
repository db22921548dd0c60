"""Sort keys of titles and names, in the order of the Unicode Collation Algorithm.

The key is stored, because a `find` with a collation can't use an index for the rest of its filter. It orders
by primary weights, which means by letters, regardless of case and accents. letter_order.txt has the order of
the letters. A library for the whole algorithm isn't used: the one for Python (pyuca) was last released in
2017, and reads a table of 1.8 MB at every start.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from loaders.text.folding import folded

_MAX_KEY = 200  # characters
_MAX_PRIMARY = 150  # of them for the order of letters; the rest breaks ties
_TIE = "\x01"  # sorts before every other character of a key

# A Latin letter that isn't in ASCII becomes an ASCII letter and a character from _AFTER on, which sorts after
# whatever else follows that letter. Letters of other scripts become characters from _FIRST on, which sort
# between Latin and Han.
_AFTER = 0x10FF00
_FIRST = 0x100
_BEFORE_DIGITS = "/"

# Thai and Lao vowels that are written before the consonant after which they are spoken, and sorted.
_LEADING_VOWEL = re.compile("([\u0e40-\u0e44\u0ec0-\u0ec4])([\u0e01-\u0e2e\u0e81-\u0eae])")


def sort_key(text: str) -> str:
    """Returns the key by which a title or name is sorted. It has at most 200 characters.

    Leading punctuation doesn't count, and digits come before letters. The spelling in letters of other
    scripts breaks ties, so that バス and パス have a fixed order.
    """
    words = " ".join(folded(text))
    if words.isascii():
        return words[:_MAX_KEY]
    primary = _LEADING_VOWEL.sub(r"\2\1", words).translate(_LETTERS)[:_MAX_PRIMARY]
    return f"{primary}{_TIE}{words}"[:_MAX_KEY]


def _letters() -> Iterator[tuple[int, str]]:
    """Yields the code of each letter, and what it becomes in a key."""
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
