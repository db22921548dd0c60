"""Checks the arguments of lists, and converts them to the arguments of the loaders."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, NamedTuple, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from loaders.model import Document
from loaders.text import MOST_WORDS, is_blank, nfc, query
from resolvers.errors import BadUserInputError
from resolvers.inputs import (
    AccountFilter,
    AuditFilter,
    Bounds,
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
        description="Criteria for courses. By default, all courses that the viewer can see are listed."
    ),
]
CourseOrderArgument = Annotated[
    CourseOrder | None,
    strawberry.argument(description="Order of the courses. The default is RELEVANCE, DESC."),
]
ReviewFilterArgument = Annotated[
    ReviewFilter | None,
    strawberry.argument(
        description="Criteria for reviews. By default, all reviews that the viewer can see are listed."
    ),
]
ReviewOrderArgument = Annotated[
    ReviewOrder | None, strawberry.argument(description="Order of the reviews. The default is NEWEST, DESC.")
]
StudentFilterArgument = Annotated[
    StudentFilter | None,
    strawberry.argument(
        description="Criteria for students. By default, all students that the viewer can see are listed."
    ),
]
EnrollmentFilterArgument = Annotated[
    EnrollmentFilter | None,
    strawberry.argument(
        description="Criteria for enrolments. By default, all enrolments that the viewer can see are listed."
    ),
]
AccountFilterArgument = Annotated[
    AccountFilter | None,
    strawberry.argument(
        description="Criteria for accounts. By default, all accounts that the viewer can see are listed."
    ),
]
AuditFilterArgument = Annotated[
    AuditFilter | None,
    strawberry.argument(
        description="Criteria for entries. By default, all entries that the viewer can see are listed."
    ),
]

#: The maximum length of a string in a filter, and of a slug argument, in characters.
LONGEST_TEXT = 200
TEXT_BOUNDS = Bounds(max_length=LONGEST_TEXT)

T = TypeVar("T")


class Ordering(NamedTuple):
    field: Any  # such as "NEWEST"; Any, because each loader has its own Literal type for this
    descending: bool


def set_fields(value: InputObject | None) -> Document:
    """Returns the fields of an input that are set and not null, with enums converted to their stored values.

    Raises BadUserInputError if a string is too long.
    """
    if value is None:
        return {}
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: _plain(name, item) for name, item in values.items() if item not in (UNSET, None)}


def effective_criteria(wanted: Document) -> Document:
    """Drops criteria that every document meets, such as a blank search or `verifiedOnly: false`.

    The dropped criteria are not part of a cursor's signature, so equivalent filters have the same cursors.
    """
    return {name: value for name, value in wanted.items() if _narrows(name, value)}


def _narrows(name: str, value: Any) -> bool:  # Any, because a filter value can have any type
    if name == "search":
        return not is_blank(value)
    return name != "verified_only" or bool(value)


def text(name: str, value: str) -> str:
    """Checks the length of a string argument, such as a slug or a search, and returns the string unchanged.

    Raises BadUserInputError if the string is too long, because long strings take longer to process.
    """
    if len(value) > LONGEST_TEXT:
        raise BadUserInputError(
            f"`{to_camel_case(name)}` has {len(value):,} characters, but at most {LONGEST_TEXT} are allowed.",
            "TOO_LONG",
            max=LONGEST_TEXT,
        )
    return value


def slug_argument(value: str) -> str:
    """Checks the length of a slug argument. Returns the slug with composed characters, like stored slugs."""
    return nfc(text("slug", value))


def search_argument(value: str) -> str:
    """Checks the length of a search and its number of words. Returns the search unchanged."""
    return _search(text("search", value))


def _search(value: str) -> str:
    """Checks the number of words in a search, and returns the search unchanged."""
    if (count := len(query(value).words)) > MOST_WORDS:
        message = f"`search` has {count} words, but at most {MOST_WORDS} are allowed."
        raise BadUserInputError(message, "TOO_LONG", maxWords=MOST_WORDS)
    return value


def ordering(order_by: CourseOrder | ReviewOrder | None, default: str) -> Ordering:
    """Returns the field and direction to order by. If `order_by` is None, orders by `default`, descending."""
    if order_by is None:
        return Ordering(default, descending=True)
    return Ordering(order_by.field.value, order_by.direction is OrderDirection.DESC)


def allowed(wanted: Sequence[T] | None, visible: Sequence[T]) -> Sequence[T]:
    """Returns the values in `visible` that are also in `wanted`, or all of them if `wanted` is None."""
    return visible if wanted is None else [value for value in visible if value in wanted]


def _plain(name: str, value: Any) -> Any:  # Any, because the value can have any input type
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        value = text(name, value)
        return _search(value) if name == "search" else value
    if isinstance(value, list):
        return [_plain(name, item) for item in value]
    return set_fields(value) if is_dataclass(value) else value
