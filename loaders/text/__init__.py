"""Search terms, sort keys and slugs."""

from loaders.text.folding import folded, is_blank, nfc
from loaders.text.search import (
    MOST_WORDS,
    has_words,
    name_filter,
    query,
    search_filter,
    search_score,
    word_filters,
)
from loaders.text.slips import possible_slips, without_slips
from loaders.text.slugs import free_slug, slug_is_taken, slugify, unique_slugs, used_slugs
from loaders.text.terms import course_keys, name_keys

__all__ = [
    "MOST_WORDS",
    "course_keys",
    "folded",
    "free_slug",
    "has_words",
    "is_blank",
    "name_filter",
    "name_keys",
    "nfc",
    "possible_slips",
    "query",
    "search_filter",
    "search_score",
    "slug_is_taken",
    "slugify",
    "unique_slugs",
    "used_slugs",
    "without_slips",
    "word_filters",
]
