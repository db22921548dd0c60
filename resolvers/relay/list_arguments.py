"""Arguments as a client gave them, in the terms of the loaders."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, NamedTuple, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from loaders.text import has_words
from resolvers.errors import BadUserInputError
from resolvers.inputs import (
    AuditFilter,
    CourseFilter,
    CourseOrder,
    EnrollmentFilter,
    OrderDirection,
    ReviewFilter,
    ReviewOrder,
    StudentFilter,
)

CourseFilterArgument = Annotated[CourseFilter | None, strawberry.argument(description="Which courses.")]
CourseOrderArgument = Annotated[
    CourseOrder | None, strawberry.argument(description="By default the most relevant first.")
]
ReviewFilterArgument = Annotated[ReviewFilter | None, strawberry.argument(description="Which reviews.")]
ReviewOrderArgument = Annotated[
    ReviewOrder | None, strawberry.argument(description="By default the newest first.")
]
StudentFilterArgument = Annotated[StudentFilter | None, strawberry.argument(description="Which students.")]
EnrollmentFilterArgument = Annotated[
    EnrollmentFilter | None, strawberry.argument(description="Which enrolments.")
]
AuditFilterArgument = Annotated[AuditFilter | None, strawberry.argument(description="Which entries.")]

#: Characters of a text of a filter, and of a slug.
LONGEST_TEXT = 200

T = TypeVar("T")


class Ordering(NamedTuple):
    field: Any
    descending: bool


def given(value: Any) -> dict[str, Any]:
    """The fields of an input that were given a value; enums as their stored values.

    Raises BadUserInputError for a text that is too long.
    """
    if value is None:
        return {}
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: _plain(name, item) for name, item in values.items() if item not in (UNSET, None)}


def narrowing(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A filter without the criteria that every document meets: a search without words, `verifiedOnly: false`.

    Cursors are signed with it, so that a list has the same ones however it is asked for.
    """
    return {name: value for name, value in wanted.items() if _narrows(name, value)}


def _narrows(name: str, value: Any) -> bool:
    if name == "search":
        return has_words(value)
    return name != "verified_only" or bool(value)


def text(name: str, value: str) -> str:
    """A text of an argument, which is looked up or searched for.

    Raises BadUserInputError for one that is too long: what is done with it takes time by its length.
    """
    if len(value) > LONGEST_TEXT:
        raise BadUserInputError(
            f"`{to_camel_case(name)}` has {len(value):,} characters: it takes at most {LONGEST_TEXT}."
        )
    return value


def ordering(order_by: CourseOrder | ReviewOrder | None, default: str) -> Ordering:
    """The field and the direction; by default descending."""
    if order_by is None:
        return Ordering(default, descending=True)
    return Ordering(order_by.field.value, order_by.direction is OrderDirection.DESC)


def allowed(wanted: Sequence[T] | None, visible: Sequence[T]) -> Sequence[T]:
    """What is wanted of what is visible; all of that when nothing in particular is wanted."""
    return visible if wanted is None else [value for value in visible if value in wanted]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return text(name, value)
    if isinstance(value, list):
        return [_plain(name, item) for item in value]
    return given(value) if is_dataclass(value) else value
