"""Search: the words of a query against the stored terms (loaders/text/terms.py)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from loaders.mongo import Filter, all_of
from loaders.text.terms import stem, words

_MOST_WORDS = 10  # of a query; the rest is not looked at
_LAST = "\U0010ffff"  # sorts after every character


def search_filter(text: str) -> Filter:
    """What matches every word of a query, the last also as a prefix. A query without words matches all."""
    *whole, last = query_words(text) or [""]
    if not last:
        return {}
    return all_of(*({"search.t": {"$in": _forms(word)}} for word in whole), _matches_prefix(last))


def search_score(text: str) -> Mapping[str, Any]:
    """How well a document matches: the sum over the words of the weight of the best term that each matches,
    doubled where it is the word and not only begins with it; among equals the better rated.

    Raises ValueError when the query has no words.
    """
    *whole, last = query_words(text)
    best = [_best(_forms(word)) for word in whole] + [_best(_forms(last), prefix=last)]
    return {"$add": [*best, {"$divide": ["$ratingBayesian", 10]}]}


def has_words(text: str) -> bool:
    return bool(query_words(text))


@lru_cache(maxsize=64)  # a query is looked at several times for each of its lists
def query_words(text: str) -> Sequence[str]:
    """The words of a query that are looked for."""
    return tuple(words(text)[:_MOST_WORDS])


def _forms(word: str) -> list[str]:
    return sorted({word, stem(word)})


def _matches_prefix(word: str) -> Filter:
    begins = {"search": {"$elemMatch": {"t": {"$gte": word, "$lt": word + _LAST}}}}
    return {"$or": [begins, {"search.t": stem(word)}]}


def _best(forms: Sequence[str], prefix: str | None = None) -> Mapping[str, Any]:
    begins = [{"$gte": ["$$term.t", prefix]}, {"$lt": ["$$term.t", f"{prefix}{_LAST}"]}]
    otherwise: Any = {"$cond": [{"$and": begins}, "$$term.w", 0]} if prefix else 0
    exact = {"$in": ["$$term.t", list(forms)]}
    weight = {"$cond": [exact, {"$multiply": ["$$term.w", 2]}, otherwise]}
    return {"$max": {"$map": {"input": "$search", "as": "term", "in": weight}}}
