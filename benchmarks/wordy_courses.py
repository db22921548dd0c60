"""Generated courses with long texts, for benchmarks of search and import: always the same courses.

Words are drawn from 24,000 made-up English-like words, a few of which are frequent and most of which are rare
(Zipf's law). A fifth of the courses is written in Han characters or Thai letters, without spaces.
"""

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import TypeAlias

#: A row of an imported file.
Row: TypeAlias = dict[str, object]

_WORDS = 24_000
_ONSETS = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "gr",
    "h",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "w",
)
_NUCLEI = ("a", "e", "i", "o", "u", "ea", "io", "ou")
_CODAS = ("", "l", "m", "n", "nt", "r", "rd", "s", "st", "t")
_ENDINGS = ("", "", "", "s", "ing", "ed", "er", "ation", "ly", "ment")
_HAN = [chr(0x4E00 + n) for n in range(2_000)]
_THAI = [chr(0x0E01 + n) for n in range(46)]
_FREQUENT = ("the", "of", "and", "to", "in", "you", "for", "with", "is", "a")


class Texts:
    """Draws words from the vocabulary. The n-th most frequent word has a share proportional to 1/n."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.vocabulary = vocabulary()
        self._shares = list(accumulate(1 / (n + 10) for n in range(len(self.vocabulary))))
        self._signs = {
            id(signs): list(accumulate(1 / (n + 20) for n in range(len(signs)))) for signs in (_HAN, _THAI)
        }

    def row(self, number: int, words: int) -> Row:
        """Returns a course whose description has this many words."""
        write = self._unspaced if number % 5 == 0 else self._spaced
        return {
            "id": f"c{number}",
            "codes": [f"{self._chance.choice('ABCDEFGH')}{self._chance.choice('STUVW')}-{number}"],
            "title": write(self._chance.randint(2, 6)).capitalize(),
            "summary": write(20),
            "description": write(words),
            "tags": [self._one() for _ in range(3)],
        }

    def _one(self) -> str:
        return self._chance.choices(self.vocabulary, cum_weights=self._shares)[0]

    def _spaced(self, words: int) -> str:
        drawn = self._chance.choices(self.vocabulary, cum_weights=self._shares, k=words)
        joined = [self._chance.choice(_FREQUENT) if self._chance.random() < 0.35 else word for word in drawn]
        return " ".join(joined) + "."

    def _unspaced(self, words: int) -> str:
        signs = self._chance.choice((_HAN, _THAI))
        return "".join(self._chance.choices(signs, cum_weights=self._signs[id(signs)], k=2 * words))


def vocabulary() -> list[str]:
    """Returns the words, the most frequent first."""
    chance = random.Random(1)
    words: dict[str, None] = {}
    while len(words) < _WORDS:
        syllables = chance.choice((1, 2, 2, 2, 3))
        parts = (
            chance.choice(_ONSETS) + chance.choice(_NUCLEI) + chance.choice(_CODAS) for _ in range(syllables)
        )
        words["".join(parts) + chance.choice(_ENDINGS)] = None
    return list(words)


def courses(count: int, words: int = 300) -> Iterator[Row]:
    texts = Texts(2)
    return (texts.row(number, words) for number in range(count))
