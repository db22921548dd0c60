"""Filters of documents, as MongoDB takes them."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Filter: TypeAlias = Mapping[str, Any]


def all_of(*filters: Filter) -> Filter:
    """What matches every one of the filters."""
    given = [f for f in filters if f]
    if len(given) < 2:
        return given[0] if given else {}
    return {"$and": given}
