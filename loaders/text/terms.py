"""The search terms of courses and students, and of queries.

MongoDB's text index has no prefix search, combines words with OR, and can't be paginated by key. Therefore,
each document stores its own search terms, and a course also stores their weights.

The term of a word is the English stem of its folded form (`folded`). In scripts that put no spaces between
words (Chinese, Japanese, Thai, Lao, Khmer, Burmese), the terms are all pairs of adjacent characters, so that
a query can match any part of a title. The last character of a run of such characters is also a term by
itself. So every character begins a term, and a query of one character finds it as a prefix.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, TypedDict

from Stemmer import Stemmer

from loaders.text.collation import sort_key
from loaders.text.folding import folded

TITLE, CODE, TAG, SUMMARY, DESCRIPTION = 10, 10, 6, 3, 1  # the weight of a term in each field
_WHOLE_CODE = 20  # the additional weight of a complete code, which nobody types by chance

MAX_TERM = 64  # maximum length in characters; longer terms are truncated to fit an index key
_MAX_TERMS = 150  # maximum number of terms per document; the heaviest are kept
_MAX_PARTS = 3  # maximum number of parts of a compound; a compound with more is found only by its parts

#: Words that occur in almost every English text. They don't become terms of a summary or description, and a
#: query doesn't require them if it has other words. Words that are also names ("IT", "Go", "C") are not
#: included.
STOP_WORDS = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "for", "from", "has", "have",
        "how", "in", "into", "is", "its", "of", "on", "or", "our", "so", "such", "than", "that", "the",
        "their", "them", "then", "these", "they", "this", "those", "to", "was", "we", "were", "what", "when",
        "which", "will", "with", "you", "your",
    )
)  # fmt: skip

_SourceFields = Mapping[str, Any]  # a course or a student, possibly incomplete

# Characters of scripts that put no spaces between words, including their vowel signs.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u104c-\u109f\u1780-\u17d3\u17dc\u17dd"
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\ua9e0-\ua9ef\uaa60-\uaa7f\U0001aff0-\U0001b16f"
    "\U00020000-\U0003ffff"
)
_SEGMENT = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# Words that are joined by punctuation, such as "Node.js", "front-end" and "QX-101".
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]++(?:[-._/'&:\u00b7\u2010\u2011\u2019][^\W_]++)+")
_LETTERS_OR_DIGITS = re.compile(r"\D+|\d+")

_LONGEST_CACHED = 20  # maximum length of words whose stem is cached; few words in any language are longer
_MOST_CACHED = 20_000  # maximum number of words whose stems are cached
_COUNT_BITS = 32  # the lower bits of a rank, which hold how often a term occurs

#: Returns the stem of a word, without caching it. Used for generated words, few of which occur in any text.
new_stem = Stemmer("english", 0).stemWord


class _Stems(dict[str, str]):
    """Stems by word. A catalogue uses the same words again and again, so stems are cached."""

    def __missing__(self, word: str) -> str:
        found = str(new_stem(word))
        if len(word) <= _LONGEST_CACHED:
            if len(self) >= _MOST_CACHED:
                self.clear()
            self[word] = found
        return found


_stems = _Stems()


class CourseKeys(TypedDict):
    sortTitle: str
    searchTerms: list[str]
    searchWeights: list[int]


class NameKeys(TypedDict):
    sortName: str
    searchTerms: list[str]


def stem(word: str) -> str:
    """Returns the stem of a word."""
    return _stems[word]


def course_keys(course: _SourceFields) -> CourseKeys:
    """Returns a course's sort key, its search terms and their weights, the heaviest term first.

    A term's weight is the sum of the weights of the fields in which it occurs. Terms of equal weight are
    sorted by how often they occur.
    """
    codes = [_of_code(code) for code in course["codes"]]
    ranks: dict[str, int] = {}
    _add(ranks, TITLE, _terms(course["title"]))
    _add(ranks, CODE, dict.fromkeys(chain.from_iterable(codes), 1))
    _add(ranks, _WHOLE_CODE, dict.fromkeys((of_code[-1] for of_code in codes if of_code), 1))
    _add(ranks, TAG, _terms("\n".join(course["tags"])))
    _add(ranks, SUMMARY, _terms(course["summary"] or "", STOP_WORDS))
    _add(ranks, DESCRIPTION, _terms(course["description"] or "", STOP_WORDS))
    heaviest = sorted(ranks, key=ranks.__getitem__, reverse=True)[:_MAX_TERMS]
    return {
        "sortTitle": sort_key(course["title"]),
        "searchTerms": heaviest,
        "searchWeights": [ranks[term] >> _COUNT_BITS for term in heaviest],
    }


def name_keys(person: _SourceFields) -> NameKeys:
    """Returns the sort key and search terms of a student or an instructor."""
    terms = list(_terms(person["name"]))
    return {"sortName": sort_key(person["name"]), "searchTerms": terms[:_MAX_TERMS]}


def words(text: str) -> list[str]:
    """Returns the folded words of a string, in order. A run of a script without spaces is one word."""
    found = folded(text)
    if all(map(str.isascii, found)):
        return [word[:MAX_TERM] for word in found]
    return [segment[:MAX_TERM] for word in found for segment in _SEGMENT.findall(word)]


def is_unspaced(word: str) -> bool:
    """Returns whether a word is written in a script that puts no spaces between words."""
    return not word.isascii() and _IS_UNSPACED.match(word) is not None


def pairs(run: str) -> list[str]:
    """Returns the pairs of adjacent characters in a run, or the run itself if it is a single character."""
    return [run[n : n + 2] for n in range(max(1, len(run) - 1))]


def _add(ranks: dict[str, int], weight: int, terms: Mapping[str, int]) -> None:
    """Adds the terms of a field to the ranks of all terms.

    A rank holds a term's weight, and in its lower bits how often the term occurs, so that it sorts by both.
    weight: the field's weight. terms: how often each term occurs in the field.
    """
    shifted = weight << _COUNT_BITS
    for term, count in terms.items():
        ranks[term] = ranks.get(term, 0) + shifted + count


def _of_code(code: str) -> list[str]:
    """Returns the terms of a code, the whole code last.

    "QX 101", "QX-101" and "QX101" all have the terms "qx", "101" and "qx101".
    """
    parts = [part for word in words(code) for part in _LETTERS_OR_DIGITS.findall(word)]
    whole = stem("".join(parts)[:MAX_TERM])
    of_parts = dict.fromkeys(term for part in parts for term in _of_word(part) if term != whole)
    return [*of_parts, whole] if whole else []


def _terms(text: str, without: Collection[str] = frozenset()) -> dict[str, int]:
    """Maps each term of a string to its number of occurrences. Words in `without` are left out."""
    found = words(text)
    kept = [word for word in found if word not in without]
    if all(map(str.isascii, kept)):
        terms = Counter(map(_stems.__getitem__, kept))
    else:
        terms = Counter()
        for word, count in Counter(kept).items():
            for term in _of_word(word):
                terms[term] += count
    terms.update(_with_numbers(found))
    terms.update(_compounds(text))
    return terms


def _with_numbers(found: Sequence[str]) -> list[str]:
    """Returns the terms of words joined to the number that follows them: "cs50" for "CS 50"."""
    numbers = [place for place, word in enumerate(found) if word.isdecimal() and place]
    return [stem(found[n - 1] + found[n]) for n in numbers if found[n - 1].isalpha()]


def _of_word(word: str) -> Sequence[str]:
    return (*pairs(word), word[-1]) if is_unspaced(word) else (stem(word),)


def _compounds(text: str) -> list[str]:
    """Returns the terms of compounds without their punctuation: "nodejs" for "Node.js"."""
    written = [part for part in text.split() if not part.isalnum()]
    parts = [words(compound) for part in written for compound in _COMPOUND.findall(part)]
    joined = (of_one for of_one in parts if 1 < len(of_one) <= _MAX_PARTS)
    return [stem("".join(of_one)[:MAX_TERM]) for of_one in joined if not any(map(is_unspaced, of_one))]
