"""The IDs, slugs and cursors that exist in a fuzzed gateway."""

from collections.abc import Iterator

from tests.hostile.fuzzing.values import Json, Pool
from tests.hostile.gateway import Gateway

_QUERY = """{
  categories { id slug }
  courses(first: 4) {
    pageInfo { startCursor endCursor }
    nodes {
      id slug title tags instructors { id } runs(first: 1, upcomingOnly: false) { nodes { id } }
      reviews(first: 2) { pageInfo { endCursor } nodes { id student { id } } }
    }
  }
}"""


def pool(gateway: Gateway) -> Pool:
    """All strings in the answer to a query for them."""
    return list(_strings(gateway.ask(_QUERY).json()["data"]))


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
