"""Search: matches the words of a query against the stored terms (loaders/text/terms.py)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from loaders.mongo import Filter, all_of
from loaders.text.collation import sort_key
from loaders.text.folding import is_blank
from loaders.text.terms import MAX_TERM, STOP_WORDS, is_unspaced, new_stem, pairs, stem, words

#: The maximum number of words in a query.
MOST_WORDS = 20

_EXACT_TITLE = 100  # the score that is added if the title equals the query
_LAST = "\U0010ffff"  # sorts after every other character
_NOTHING: Filter = {"_id": {"$in": []}}
# Endings that the stemmer removes. The last word of a query may break off in the middle of such an ending,
# so parts of endings are appended to the word: "programmi" with "ng" has the stem "program".
_ENDINGS = (
    "abilities", "ations", "edly", "ements", "fulness", "ically", "ingly", "ings", "ional", "iveness",
    "izations", "izers", "ousness", "yers", "ying",
)  # fmt: skip
_RESTS = sorted(
    {ending[n:m] for ending in _ENDINGS for n in range(len(ending)) for m in range(n + 1, len(ending) + 1)}
)
_LEAST_BEGUN = 4  # minimum length of a word that may match as the beginning of a longer word

_Expression = Mapping[str, Any]  # an aggregation expression, made of nested operators


class Term(NamedTuple):
    """Describes the stored terms that match one word of a query, or a part of the word.

    forms: the terms that match exactly. prefix: all terms that begin with it match inexactly; if it is "",
    only whole terms match. begun: further terms that match inexactly (see _ENDINGS).
    """

    forms: Sequence[str]
    prefix: str = ""
    begun: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """The analysis of a search string.

    words: the words of the string, in order. terms: what is looked up for each word. required: the words that
    a document must match.
    """

    words: Sequence[str]
    terms: Mapping[str, Sequence[Term]]
    required: Collection[str]


def has_words(text: str) -> bool:
    return bool(query(text).words)


@lru_cache(maxsize=64)  # cached, because each search calls this function several times
def query(text: str) -> Query:
    """Analyses a query. Only its first MOST_WORDS words are looked up."""
    found = words(text)
    looked_up = found[:MOST_WORDS]
    terms = {word: _of_word(looked_up, place) for place, word in enumerate(looked_up)}
    return Query(found, terms, [word for word in terms if word not in STOP_WORDS] or terms)


def search_filter(text: str) -> Filter:
    """Returns a filter for the courses with every required word of a query.

    The last word can be the beginning of a longer word. A blank query matches everything. A query that
    consists only of symbols matches nothing.
    """
    return {} if is_blank(text) else all_of(*word_filters(text).values()) or _NOTHING


def name_filter(text: str) -> Filter:
    """Like `search_filter`, but for names: every word is required."""
    terms = chain.from_iterable(query(text).terms.values())
    return {} if is_blank(text) else all_of(*map(_matches, terms)) or _NOTHING


def word_filters(text: str) -> Mapping[str, Filter]:
    """Returns the filter for each required word of a query."""
    asked = query(text)
    return {word: all_of(*map(_matches, asked.terms[word])) for word in asked.required}


def search_score(text: str) -> _Expression:
    """Returns the expression that scores how well a course matches a query.

    Each required word adds the highest weight among the terms that it matches. The weight is doubled if
    the match is exact. A course whose title equals the query comes first. To break ties, a tenth of the
    Bayesian rating is added. Raises ValueError if the query has no words.
    """
    if not (terms := _required(text)):
        raise ValueError(f"{text!r} has no words")
    is_title = {"$cond": [{"$eq": ["$sortTitle", sort_key(text)]}, _EXACT_TITLE, 0]}
    score = {"$add": [*map(_score, terms), is_title, {"$divide": [_number("$ratingBayesian"), 10]}]}
    return {
        "$let": {"vars": {"terms": _array("$searchTerms"), "weights": _array("$searchWeights")}, "in": score}
    }


def _of_word(words: Sequence[str], place: int) -> list[Term]:
    word, is_last = words[place], place == len(words) - 1
    if is_unspaced(word):
        return [Term((pair,), prefix=pair if len(pair) == 1 else "") for pair in pairs(word)]
    forms = tuple(dict.fromkeys((stem(word), *_compounds(words, place))))
    if not is_last:
        return [Term(forms)]
    completed = {new_stem(word + rest) for rest in _RESTS} if len(word) >= _LEAST_BEGUN else set()
    begun = sorted(term for term in completed if not term.startswith(word) and term not in forms)
    return [Term(forms, word, tuple(begun))]


def _compounds(words: Sequence[str], place: int) -> Iterator[str]:
    """Yields the terms that a word forms with the word before or after it.

    They let "node js" also find "NodeJS".
    """
    for first in (place - 1, place):
        both = words[max(0, first) : first + 2]
        if len(both) == 2 and not any(map(is_unspaced, both)):
            yield stem("".join(both)[:MAX_TERM])


def _required(text: str) -> Sequence[Term]:
    asked = query(text)
    return tuple(dict.fromkeys(chain.from_iterable(asked.terms[word] for word in asked.required)))


def _matches(term: Term) -> Filter:
    exact = {"searchTerms": {"$in": [*term.forms, *term.begun]}}
    if not term.prefix:
        return exact
    return {"$or": [{"searchTerms": {"$elemMatch": dict(_range(term.prefix))}}, exact]}


def _score(term: Term) -> _Expression:
    exact = [{"$multiply": [_weight(form), 2]} for form in term.forms]
    inexact = [_weight(form) for form in term.begun]
    if term.prefix:
        is_begun = {"$and": [{operator: ["$$this", bound]} for operator, bound in _range(term.prefix)]}
        # A course's terms are sorted by weight, so the first match is the heaviest.
        heaviest = {"$filter": {"input": "$$terms", "as": "this", "cond": is_begun, "limit": 1}}
        inexact.append(_weight({"$first": heaviest}))
    return {"$max": [*exact, *inexact]}


def _range(prefix: str) -> Sequence[tuple[str, str]]:
    return ("$gte", prefix), ("$lt", prefix + _LAST)


def _weight(term: str | _Expression) -> _Expression:
    """Returns the expression for the weight of a term, which is 0 if the course doesn't have the term."""
    place = {"$indexOfArray": ["$$terms", term]}
    weight = {"$cond": [{"$lt": ["$$place", 0]}, 0, _number({"$arrayElemAt": ["$$weights", "$$place"]})]}
    return {"$let": {"vars": {"place": place}, "in": weight}}


def _array(path: str) -> _Expression:
    """Returns an expression for a stored array, or for an empty array if the stored value isn't an array."""
    return {"$cond": [{"$isArray": path}, path, []]}


def _number(value: str | _Expression) -> _Expression:
    """Returns an expression for a stored number, or for 0 if the stored value isn't a number."""
    return {"$cond": [{"$isNumber": value}, value, 0]}
