"""Query filters in MongoDB's own form."""

from typing import TypeAlias

from loaders.mongo.bson_types import Expression

#: Field names and operators with their values; {} matches every document.
Filter: TypeAlias = Expression


def all_of(*filters: Filter) -> Filter:
    """A filter that matches what all the filters match. Empty filters are left out."""
    conditions = [f for f in filters if f]
    if len(conditions) < 2:
        return conditions[0] if conditions else {}
    return {"$and": conditions}
