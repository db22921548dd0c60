"""The arguments of lists, checked and converted to what the loaders take."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, NamedTuple, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from loaders.model import Document
from loaders.text import has_words
from resolvers.errors import BadUserInputError
from resolvers.inputs import (
    AuditFilter,
    CourseFilter,
    CourseOrder,
    EnrollmentFilter,
    InputObject,
    OrderDirection,
    ReviewFilter,
    ReviewOrder,
    StudentFilter,
)

CourseFilterArgument = Annotated[
    CourseFilter | None,
    strawberry.argument(
        description="Criteria for courses; by default all that the viewer may see are listed."
    ),
]
CourseOrderArgument = Annotated[
    CourseOrder | None, strawberry.argument(description="Order of the courses; by default RELEVANCE, DESC.")
]
ReviewFilterArgument = Annotated[
    ReviewFilter | None,
    strawberry.argument(
        description="Criteria for reviews; by default all that the viewer may see are listed."
    ),
]
ReviewOrderArgument = Annotated[
    ReviewOrder | None, strawberry.argument(description="Order of the reviews; by default NEWEST, DESC.")
]
StudentFilterArgument = Annotated[
    StudentFilter | None,
    strawberry.argument(
        description="Criteria for students; by default all that the viewer may see are listed."
    ),
]
EnrollmentFilterArgument = Annotated[
    EnrollmentFilter | None,
    strawberry.argument(
        description="Criteria for enrolments; by default all that the viewer may see are listed."
    ),
]
AuditFilterArgument = Annotated[
    AuditFilter | None,
    strawberry.argument(
        description="Criteria for entries; by default all that the viewer may see are listed."
    ),
]

#: The maximum number of characters of a text in a filter, and of a slug.
LONGEST_TEXT = 200

T = TypeVar("T")


class Ordering(NamedTuple):
    field: Any  # a stored value of CourseOrderField or ReviewOrderField, which the loaders type as a Literal
    descending: bool


def set_fields(value: InputObject | None) -> Document:
    """Returns the fields of an input that are set and not null, with enums as their stored values.

    Raises BadUserInputError for a text that is too long.
    """
    if value is None:
        return {}
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: _plain(name, item) for name, item in values.items() if item not in (UNSET, None)}


def effective_criteria(wanted: Document) -> Document:
    """Drops criteria that every document meets: a search without words, `verifiedOnly: false`.

    Cursors are signed with the result, so equivalent filters have the same cursors.
    """
    return {name: value for name, value in wanted.items() if _narrows(name, value)}


def _narrows(name: str, value: Any) -> bool:  # any value of a filter
    if name == "search":
        return has_words(value)
    return name != "verified_only" or bool(value)


def text(name: str, value: str) -> str:
    """Returns a text argument that is looked up or searched for.

    Raises BadUserInputError if it is too long, because the time it takes to process grows with its length.
    """
    if len(value) > LONGEST_TEXT:
        raise BadUserInputError(
            f"`{to_camel_case(name)}` has {len(value):,} characters: it takes at most {LONGEST_TEXT}."
        )
    return value


def ordering(order_by: CourseOrder | ReviewOrder | None, default: str) -> Ordering:
    """Returns the field and the direction of an order; the default order is descending."""
    if order_by is None:
        return Ordering(default, descending=True)
    return Ordering(order_by.field.value, order_by.direction is OrderDirection.DESC)


def allowed(wanted: Sequence[T] | None, visible: Sequence[T]) -> Sequence[T]:
    """Returns the visible values that are wanted; all visible values if no filter is set (None)."""
    return visible if wanted is None else [value for value in visible if value in wanted]


def _plain(name: str, value: Any) -> Any:  # any value of an input
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return text(name, value)
    if isinstance(value, list):
        return [_plain(name, item) for item in value]
    return set_fields(value) if is_dataclass(value) else value
