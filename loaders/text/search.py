"""Search: matches the words of a query against the stored terms (loaders/text/terms.py)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from loaders.mongo import Filter, all_of
from loaders.text.terms import stem, words

_MAX_WORDS = 10  # maximum number of words in a search query; the rest are ignored
_LAST = "\U0010ffff"  # sorts after every other character

_Expression = Mapping[str, Any]  # an aggregation expression, made of nested operators


def search_filter(text: str) -> Filter:
    """Returns a filter that matches every word of a query, the last word also as a prefix.

    A query without words matches everything.
    """
    *whole, last = query_words(text) or [""]
    if not last:
        return {}
    return all_of(*({"search.t": {"$in": _forms(word)}} for word in whole), _matches_prefix(last))


def search_score(text: str) -> _Expression:
    """Returns the expression that scores how well a course matches a query.

    Each word adds the highest weight of any term that it matches. The weight counts double if the term is the
    word or its stem, and once if the term only begins with the word. A tenth of the Bayesian rating breaks
    ties. Raises ValueError if the query has no words.
    """
    *whole, last = query_words(text)
    best = [_best(_forms(word)) for word in whole] + [_best(_forms(last), prefix=last)]
    return {"$add": [*best, {"$divide": [_number("$ratingBayesian"), 10]}]}


def has_words(text: str) -> bool:
    return bool(query_words(text))


@lru_cache(maxsize=64)  # cached, because each search calls it several times
def query_words(text: str) -> Sequence[str]:
    """Returns the first _MAX_WORDS words of a query. Only these are searched for."""
    return tuple(words(text)[:_MAX_WORDS])


def _forms(word: str) -> list[str]:
    return sorted({word, stem(word)})


def _matches_prefix(word: str) -> Filter:
    begins = {"search": {"$elemMatch": {"t": {"$gte": word, "$lt": word + _LAST}}}}
    return {"$or": [begins, {"search.t": stem(word)}]}


def _best(forms: Sequence[str], prefix: str | None = None) -> _Expression:
    begins = [{"$gte": ["$$term.t", prefix]}, {"$lt": ["$$term.t", f"{prefix}{_LAST}"]}]
    inexact: _Expression | int = {"$cond": [{"$and": begins}, _number("$$term.w"), 0]} if prefix else 0
    exact = {"$in": ["$$term.t", list(forms)]}
    weight = {"$cond": [exact, {"$multiply": [_number("$$term.w"), 2]}, inexact]}
    terms = {"$cond": [{"$isArray": "$search"}, "$search", []]}
    return {"$max": {"$map": {"input": terms, "as": "term", "in": weight}}}


def _number(value: str) -> _Expression:
    """Returns an expression for a number: 0 if others have stored something else."""
    return {"$cond": [{"$isNumber": value}, value, 0]}
