"""A query for every field that the schema's query reaches."""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from graphql import GraphQLNamedType, get_named_type

from resolvers.access.rules import RULES
from resolvers.schema import schema
from tests.permissions import world
from tests.permissions.world import global_id

_REVIEW = global_id("Review", world.review)

#: What the fields of the query are asked for.
_ARGUMENTS: Mapping[str, str] = {
    "node": f'(id: "{_REVIEW}")',
    "nodes": f'(ids: ["{_REVIEW}"])',
    "course": '(slug: "course")',
    "category": '(slug: "web")',
    "student": f'(id: "{global_id("Student", world.ada)}")',
    "review": f'(id: "{_REVIEW}")',
}
#: For a field below it.
_ARGUMENTS_OF: Mapping[str, str] = {"Course.viewerCanReview": '(slug: "reviewable")'}


class Asked(NamedTuple):
    """A field and how it is reached: from the query to what is there when the field tells anything.
    rules: those on the way, its own included.
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


def told(data: Any, keys: tuple[str, ...]) -> Any:
    """What stands there in a response: in the first element of a list; None where nothing does."""
    for key in keys:
        if isinstance(data, list):
            data = data[0] if data else None
        if data is None:
            return None
        data = data[key]
    return data


def fields() -> list[Asked]:
    """Every field once, by the way with the fewest rules."""
    return sorted(_walk())


def _walk() -> Iterator[Asked]:
    order = count()
    waiting: list[Any] = [(0, 0, next(order), schema.query_type, (), ())]
    seen: set[str] = set()
    while waiting:
        *_, kind, way, rules = heappop(waiting)
        if kind.name in seen:
            continue
        seen.add(kind.name)
        for name, field in kind.fields.items():
            coordinate, keys, of = f"{kind.name}.{name}", (*way, name), get_named_type(field.type)
            passed = (*rules, coordinate) if coordinate in RULES else rules
            yield Asked(coordinate, (*keys, *_sign(of)), passed)
            if hasattr(of, "fields"):
                heappush(waiting, (len(passed), len(keys), next(order), of, keys, passed))


def _sign(of: GraphQLNamedType) -> tuple[str, ...]:
    """What is there of an object when there is something: an empty page is an object too."""
    names = getattr(of, "fields", {})
    if "nodes" in names:
        return ("nodes", "__typename")
    if "startCursor" in names:
        return ("startCursor",)
    return ("__typename",) if names else ()
