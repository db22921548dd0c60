"""BSON types, filters and dates.

Where BSON or the drivers leave a type open, an alias of `Any` gives that type a name.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

#: A value that BSON can hold; its type depends on the field that stores it.
Value: TypeAlias = Any

#: A complete document from any collection, as the drivers accept and return it.
Document: TypeAlias = dict[str, Any]

#: All or some of a document's fields; read-only. Every TypedDict in loaders.model is compatible with it.
Fields: TypeAlias = Mapping[str, Any]

#: A stored document. The caller annotates it with its TypedDict (loaders.model), because a type checker can't
#: infer the TypedDict from the name of a collection.
Stored: TypeAlias = Any

#: A pipeline stage, an operator or an expression, as MongoDB defines them: nested to any depth.
Expression: TypeAlias = Mapping[str, Any]

#: A keyword option that is passed to the driver unchanged.
Option: TypeAlias = Any

#: A client, database, collection or session of Motor, or of PyMongo's blocking or async API. The three APIs
#: have the same methods, but their classes have no common base.
DriverObject: TypeAlias = Any

#: The result of a driver call; its type depends on the command.
Result: TypeAlias = Any

#: A function that calls a method of a driver object.
DriverCall: TypeAlias = Callable[[DriverObject], Result]

#: A query filter: field names and operators with their values. {} matches every document.
Filter: TypeAlias = Expression


def all_of(*filters: Filter) -> Filter:
    """Returns a filter for documents that match all of the filters. Empty filters are left out."""
    conditions = [f for f in filters if f]
    if len(conditions) < 2:
        return conditions[0] if conditions else {}
    return {"$and": conditions}


def now() -> datetime:
    """Returns the current time in UTC, truncated to milliseconds, which is MongoDB's resolution."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def utc(moment: datetime) -> datetime:
    """Adds the time zone UTC to a datetime that has no time zone.

    MongoDB stores times in UTC, but the driver might return them without a time zone.
    """
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def differs(document: Fields, fields: Fields) -> bool:
    """Returns whether setting these fields would change a document."""
    return any(differ(document.get(name), value) for name, value in fields.items())


def differ(stored: Value, value: Value) -> bool:
    """Returns whether a value differs from the stored one, which is None if there is none.

    A time can have a time zone or not. An empty list is the same as none.
    """
    if isinstance(stored, datetime) and isinstance(value, datetime):
        return utc(stored) != utc(value)
    return bool(stored != value) and not (stored is None and value == [])
