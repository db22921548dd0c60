"""Generates a query for every field that is reachable from Query."""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from graphql import GraphQLNamedType, get_named_type

from resolvers.access.rules import RULES
from resolvers.schema import schema
from tests.permissions import world
from tests.permissions.world import Json, Value, global_id

_REVIEW = global_id("Review", world.review)

#: The arguments of the fields of Query.
_ARGUMENTS: Mapping[str, str] = {
    "node": f'(id: "{_REVIEW}")',
    "nodes": f'(ids: ["{_REVIEW}"])',
    "course": '(slug: "course")',
    "category": '(slug: "web")',
    "instructor": f'(id: "{global_id("Instructor", world.grace)}")',
    "student": f'(id: "{global_id("Student", world.ada)}")',
    "review": f'(id: "{_REVIEW}")',
}
#: The arguments of the field of Query for particular fields below it.
_ARGUMENTS_OF: Mapping[str, str] = {
    "Course.viewerCanReview": '(slug: "reviewable")',
    "Enrollment.waitlistPosition": '(slug: "reviewed")',
    "Review.moderationReason": f'(id: "{global_id("Review", world.own_review)}")',
}


class Asked(NamedTuple):
    """A field and the path to it.

    keys: the path from `data` to a value that is there only if the field returns anything.
    rules: the rules of all fields on the path, including the field itself.
    """

    coordinate: str
    keys: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def query(self) -> str:
        head, *tail = self.keys
        inner = ""
        for key in reversed(tail):
            inner = f" {{ {key}{inner} }}"
        return f"{{ {head}{_ARGUMENTS_OF.get(self.coordinate, _ARGUMENTS.get(head, ''))}{inner} }}"


def value_at(data: Value, keys: tuple[str, ...]) -> Json:
    """Returns the value at a path in a response, in the first element of each list; None if there is none."""
    for key in keys:
        if isinstance(data, list):
            data = data[0] if data else None
        if data is None:
            return None
        data = data[key]
    return data


def fields() -> list[Asked]:
    """Returns every field once, by the path with the fewest rules."""
    return sorted(_walk())


def _walk() -> Iterator[Asked]:
    order = count()
    waiting: list[Json] = [(0, 0, next(order), schema.query_type, (), ())]
    seen: set[str] = set()
    while waiting:
        *_, kind, path, rules = heappop(waiting)
        if kind.name in seen:
            continue
        seen.add(kind.name)
        for name, field in kind.fields.items():
            coordinate, keys, type_ = f"{kind.name}.{name}", (*path, name), get_named_type(field.type)
            passed = (*rules, coordinate) if coordinate in RULES else rules
            yield Asked(coordinate, (*keys, *_evidence(type_)), passed)
            if hasattr(type_, "fields"):
                heappush(waiting, (len(passed), len(keys), next(order), type_, keys, passed))


def _evidence(type_: GraphQLNamedType) -> tuple[str, ...]:
    """Returns the path to a value that proves that an object has content: an empty page is an object too."""
    names = getattr(type_, "fields", {})
    if "nodes" in names:
        return ("nodes", "__typename")
    if "startCursor" in names:
        return ("startCursor",)
    return ("__typename",) if names else ()
