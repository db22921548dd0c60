"""Finds words that differ from a mistyped word by one letter, or by two adjacent letters that are swapped.

All such words are generated, and looked up in the index of the stored terms. This takes no memory, no storage
and no work on writes, however many words the catalogue has. A list of the catalogue's words would have to be
updated by every write, and would have to record which words occur only in drafts. docs/api.md has
measurements.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from loaders.text.search import query
from loaders.text.terms import is_unspaced, new_stem

# Corrections are looked for only for this many words of a query, the longest ones. Few queries contain more
# slips.
_MOST_CORRECTED = 3
_SHORTEST, _LONGEST = 3, 20  # minimum and maximum length of words that are corrected
# The alphabets whose letters are tried as replacements and additions. In other scripts, letters are only left
# out and swapped. For each word, fewer than 2,100 words are generated.
_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋ",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяёєіїґўђјљњћџ",
    "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژکگی",
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
)


class Slip(NamedTuple):
    """A word of a query, a similar word that may have been meant, and the term of the similar word."""

    word: str
    near: str
    term: str


def possible_slips(text: str) -> list[Slip]:
    """Returns the slips that a query may contain. For each word, the likeliest slips come first."""
    required = [word for word in query(text).required if not is_unspaced(word)]
    longest = sorted(required, key=len, reverse=True)[:_MOST_CORRECTED]
    return [slip for word in longest for slip in _slips(word)]


def without_slips(text: str, corrected: Mapping[str, str]) -> str:
    """Returns a query with each word in `corrected` replaced by its correction."""
    return " ".join(corrected.get(word, word) for word in query(text).words)


def _slips(word: str) -> Sequence[Slip]:
    by_term: dict[str, Slip] = {}
    for other in near(word):
        by_term.setdefault(term := new_stem(other), Slip(word, other, term))
    return list(by_term.values())


def near(word: str) -> Iterator[str]:
    """Yields the words that differ from a word by one edit, the likeliest slips first.

    Yields nothing for a word that is too short or too long, or contains characters other than letters.
    """
    if not (_SHORTEST <= len(word) <= _LONGEST and word.isalpha()):
        return
    alphabet = next((letters for letters in _ALPHABETS if word[0] in letters), "")
    halves = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    for start, end in halves[:-2]:
        if end[0] != end[1]:
            yield start + end[1] + end[0] + end[2:]
    for start, end in halves:
        yield from (start + letter + end for letter in alphabet)
    for start, end in halves[:-1]:
        yield start + end[1:]
    for start, end in halves[:-1]:
        yield from (start + letter + end[1:] for letter in alphabet if letter != end[0])
