"""Search terms and sort keys of courses and students.

MongoDB's text index has no prefix search, combines words with OR, and can't be paginated by key. Therefore,
each document stores its own search terms: its words in lower case and without accents ("folded"), and their
English stems, each with a weight. A query word matches a term that equals the word or its stem; the last
word also matches as a prefix.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypedDict
from unicodedata import category, combining, normalize

from snowballstemmer import stemmer

from loaders.model import SearchTerm

TITLE, CODE, TAG, SUMMARY, DESCRIPTION = 10, 10, 6, 3, 1  # the weight of a term in each field

_WORD = re.compile(r"[^\s+#]+(?:[+#]+(?![^\s+#]))?")  # "C++" and "C#" count as words
_MAX_TERM = 64  # maximum length in characters; longer terms are truncated to fit an index key
_MAX_TERMS = 400  # terms per document; those with the greatest weight are kept

# Maximum length in characters of words whose stem is cached; few words in any language are longer.
_LONGEST_CACHED = 20
_MAX_FOLDED = 8_192  # maximum number of characters whose folded form is cached

_SourceFields = Mapping[str, Any]  # a course or a student, possibly incomplete

_new_stem = stemmer("english").stemWord
_kept_stem = lru_cache(maxsize=20_000)(_new_stem)


class CourseKeys(TypedDict):
    sortTitle: str
    search: list[SearchTerm]


class StudentKeys(TypedDict):
    sortName: str
    search: list[SearchTerm]


# Unicode categories of Indic vowel signs. The signs are part of a word, but `isalnum` is False for them.
# Accents are in these categories too, but `_folded` removes them first.
_VOWEL_SIGNS = ("Mc", "Mn")


class _Folding(dict[int, str]):
    """A str.translate table that removes case and accents, and is filled on demand.

    Characters that are not part of a word become spaces. The table is a bounded cache: it is cleared when it
    is full.
    """

    def __missing__(self, code: int) -> str:
        if len(self) >= _MAX_FOLDED:
            self.clear()
        folded = self[code] = _folded(chr(code))
        return folded


def _folded(character: str) -> str:
    """Returns a character in lower case and without accents.

    Normalises it twice, because casefolding can undo the first normalisation.
    """
    plain = normalize("NFKD", normalize("NFKD", character).casefold())
    return "".join(_word_character_or_space(c) for c in plain if not combining(c))


def _word_character_or_space(character: str) -> str:
    if character.isalnum() or character in "+#" or category(character) in _VOWEL_SIGNS:
        return character
    return " "


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """Returns the words of a string, in order, in lower case and without accents.

    "Café Ökonomie" has the words "cafe" and "okonomie". Each character is normalised on its own, which takes
    linear time. Normalising the whole text would take quadratic time if it had long runs of combining marks.
    """
    return [w[:_MAX_TERM] for w in _WORD.findall(text.translate(_FOLDING))]


def stem(word: str) -> str:
    return str(_kept_stem(word) if len(word) <= _LONGEST_CACHED else _new_stem(word))


def sort_key(text: str) -> str:
    """Returns the key by which a title or name is sorted.

    The key is in lower case, without accents or leading punctuation, and has at most 200 characters.
    """
    return " ".join(words(text))[:200]


def course_keys(course: _SourceFields) -> CourseKeys:
    """Returns a course's sort key and search terms."""
    weights: Counter[str] = Counter()
    _weigh(weights, [course["title"]], TITLE)
    _weigh(weights, course["codes"], CODE)
    _weigh(weights, course["tags"], TAG)
    _weigh(weights, [course["summary"] or ""], SUMMARY)
    _weigh(weights, [course["description"] or ""], DESCRIPTION)
    return {"sortTitle": sort_key(course["title"]), "search": _terms(weights)}


def student_keys(student: _SourceFields) -> StudentKeys:
    """Returns a student's sort key and search terms."""
    weights: Counter[str] = Counter(dict.fromkeys(words(student["name"]), 1))
    return {"sortName": sort_key(student["name"]), "search": _terms(weights)}


def _weigh(weights: Counter[str], texts: Iterable[str], weight: int) -> None:
    for term in {t for text in texts for w in words(text) for t in (w, stem(w))}:
        weights[term] += weight


def _terms(weights: Counter[str]) -> list[SearchTerm]:
    heaviest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_MAX_TERMS]
    return [{"t": term, "w": weight} for term, weight in heaviest]
