"""The words a course or a student is found by, and the keys they are sorted by.

MongoDB's text index has no prefixes, ranks by OR and can't be paged by a key, so the words are stored with
the document: folded (case and accents removed), with their English stems, each with a weight. A query word
matches a term that is equal to it or to its stem; the last word also matches as a prefix.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypedDict
from unicodedata import category, combining, normalize

from snowballstemmer import stemmer

from loaders.model import SearchTerm

TITLE, CODE, TAG, SUMMARY, DESCRIPTION = 10, 10, 6, 3, 1  # weights

_WORD = re.compile(r"[^\s+#]+(?:[+#]+(?![^\s+#]))?")  # C++ and C# are words
_MAX_TERM = 64  # characters; a longer one is cut, so that no term outgrows an index key
_MAX_TERMS = 400  # a document; the heaviest stay

_LONGEST_KEPT = 20  # characters of a word whose stem is cached; few words of a language are longer
_MOST_FOLDED = 8_192  # characters whose folding is cached

_new_stem = stemmer("english").stemWord
_kept_stem = lru_cache(maxsize=20_000)(_new_stem)


class CourseKeys(TypedDict):
    sortTitle: str
    search: list[SearchTerm]


class StudentKeys(TypedDict):
    sortName: str
    search: list[SearchTerm]


_VOWEL_SIGNS = ("Mc", "Mn")  # of Indic scripts; an accent of Latin ones combines


class _Folding(dict[int, str]):
    """For str.translate: what each character becomes. Case and accents go, and what is no part of a word is
    a space. A bounded cache, filled as it is used.
    """

    def __missing__(self, code: int) -> str:
        if len(self) >= _MOST_FOLDED:
            self.clear()
        folded = self[code] = _folded(chr(code))
        return folded


def _folded(character: str) -> str:
    """Casefolding can undo the first normalisation."""
    plain = normalize("NFKD", normalize("NFKD", character).casefold())
    return "".join(_kept(c) for c in plain if not combining(c))


def _kept(character: str) -> str:
    if character.isalnum() or character in "+#" or category(character) in _VOWEL_SIGNS:
        return character
    return " "


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """The words of a text, in order, without case and accents: "Café Ökonomie" has "cafe" and "okonomie".

    Linear in the length of the text: each character is normalised on its own. (To normalise a whole text is
    quadratic in its runs of combining marks, which are dropped here anyway.)
    """
    return [w[:_MAX_TERM] for w in _WORD.findall(text.translate(_FOLDING))]


def stem(word: str) -> str:
    return str(_kept_stem(word) if len(word) <= _LONGEST_KEPT else _new_stem(word))


def sort_key(text: str) -> str:
    """What a title or a name is ordered by: folded, without leading punctuation; at most 200 characters."""
    return " ".join(words(text))[:200]


def course_keys(course: Mapping[str, Any]) -> CourseKeys:
    """The derived keys of a course, from its title, codes, tags, summary and description."""
    weights: Counter[str] = Counter()
    _weigh(weights, [course["title"]], TITLE)
    _weigh(weights, course["codes"], CODE)
    _weigh(weights, course["tags"], TAG)
    _weigh(weights, [course["summary"] or ""], SUMMARY)
    _weigh(weights, [course["description"] or ""], DESCRIPTION)
    return {"sortTitle": sort_key(course["title"]), "search": _terms(weights)}


def student_keys(student: Mapping[str, Any]) -> StudentKeys:
    """The derived keys of a student, from the name."""
    weights: Counter[str] = Counter(dict.fromkeys(words(student["name"]), 1))
    return {"sortName": sort_key(student["name"]), "search": _terms(weights)}


def _weigh(weights: Counter[str], texts: Iterable[str], weight: int) -> None:
    for term in {t for text in texts for w in words(text) for t in (w, stem(w))}:
        weights[term] += weight


def _terms(weights: Counter[str]) -> list[SearchTerm]:
    heaviest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_MAX_TERMS]
    return [{"t": term, "w": weight} for term, weight in heaviest]
