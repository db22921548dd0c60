"""Types, filters and dates as BSON has them.

What BSON and the drivers leave untyped has a name here, with the reason why it is `Any`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

#: A value that BSON can hold: the field that stores it decides on its type.
Value: TypeAlias = Any

#: A whole document of any collection, as the drivers take and return it.
Document: TypeAlias = dict[str, Any]

#: A document or some of its fields, to be read only. Every TypedDict of loaders.model is one as well.
Fields: TypeAlias = Mapping[str, Any]

#: A stored document that the caller annotates with its TypedDict (loaders.model): a type checker can't infer
#: the TypedDict from the name of a collection.
Stored: TypeAlias = Any

#: A stage of a pipeline, an operator or an expression, as MongoDB defines them: nested without limit.
Expression: TypeAlias = Mapping[str, Any]

#: A keyword option that is passed on to the driver as it is.
Option: TypeAlias = Any

#: A client, database, collection or session of Motor or of PyMongo's blocking or async API: the same methods
#: without a common base class.
DriverObject: TypeAlias = Any

#: What a call of the driver returns, which depends on the command.
Result: TypeAlias = Any

#: Calls a method of a driver object.
DriverCall: TypeAlias = Callable[[DriverObject], Result]

#: Field names and operators with their values; {} matches every document.
Filter: TypeAlias = Expression


def all_of(*filters: Filter) -> Filter:
    """A filter that matches what all the filters match. Empty filters are left out."""
    conditions = [f for f in filters if f]
    if len(conditions) < 2:
        return conditions[0] if conditions else {}
    return {"$and": conditions}


def now() -> datetime:
    """The current time in UTC, truncated to the millisecond, MongoDB's resolution."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def utc(moment: datetime) -> datetime:
    """Returns a datetime with a time zone. MongoDB stores UTC; the driver may return it without a zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
