"""Search terms, sort keys and slugs for courses and students."""

from loaders.text.search import has_words, search_filter, search_score
from loaders.text.slugs import slugify, unique_slugs, used_slugs
from loaders.text.terms import course_keys, student_keys

__all__ = [
    "course_keys",
    "has_words",
    "search_filter",
    "search_score",
    "slugify",
    "student_keys",
    "unique_slugs",
    "used_slugs",
]
