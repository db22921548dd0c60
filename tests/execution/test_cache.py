"""The operation cache: what it keeps, what it evicts, and how much memory it takes."""

import gc
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.execution import Executor, Operation, Prepared, Refusal
from app.execution.cache import Cache
from app.execution.document_cache import size_of_document
from resolvers.schema import schema
from tests.support import UNLIMITED

OPERATION = """query Page($after: String, $with: Boolean!) {
  courses(first: 20, after: $after, orderBy: {field: RATING, direction: DESC}) {
    edges { cursor node { ...Card reviews(first: 5) @include(if: $with) { nodes { id student { name } } } } }
    pageInfo { hasNextPage endCursor }
  }
}
fragment Card on Course { id slug title price { formatted } rating { average count } }"""


def executor(**options: Any) -> Executor:
    return Executor(schema, UNLIMITED, **options)


def valid(executor: Executor, text: str, variables: dict[str, Any] | None = None) -> Prepared:
    prepared = executor.prepare(Operation(text, variables))
    assert isinstance(prepared, Prepared), prepared
    return prepared


def kept(executor: Executor, text: str) -> bool:
    """Whether preparing an operation twice does the work once."""
    first, second = (executor.prepare(Operation(text)) for _ in range(2))
    if isinstance(first, Refusal) or isinstance(second, Refusal):
        return first is second
    return first.document is second.document


def test_an_operation_is_prepared_once() -> None:
    assert kept(executor(), "{ courses { totalCount } }")


async def test_a_text_too_large_for_the_cache_is_read_once() -> None:
    small, operation = executor(cache_bytes=1), Operation("{ courses { totalCount } }")
    read = await small.read(operation)
    prepared = small.prepare(operation, read)
    assert isinstance(prepared, Prepared)
    assert prepared.document is read
    assert not small.kept(operation)


async def test_a_text_that_another_request_read_meanwhile_is_not_read_again() -> None:
    ready, operation = executor(), Operation("{ courses { totalCount } }")
    assert await ready.read(operation) is await ready.read(operation)


def test_the_operations_of_one_document_are_cached_separately() -> None:
    prepare = executor().prepare
    text = "query A { courses { totalCount } } query B { categories { name } }"
    a, b = (prepare(Operation(text, operation_name=name)) for name in "AB")
    assert isinstance(a, Prepared)
    assert isinstance(b, Prepared)
    assert a.document is not b.document


@pytest.mark.parametrize("text", ["{", "{ nothing }", "query A { courses { totalCount } } query B { a }"])
def test_a_refusal_is_cached_too(text: str) -> None:
    assert kept(executor(), text)


@pytest.mark.parametrize("once", ["{{ courses {{ x{}: totalCount }} }}", "{{ nothing{} }}", "{{ x{}"])
def test_one_off_operations_never_evict_one_in_use(once: str) -> None:
    small = executor(cache_entries=20)
    used = Operation("{ courses { totalCount } }")
    first = small.prepare(used)
    assert small.prepare(used) == first
    for number in range(1_000):
        small.prepare(Operation(once.format(number)))
    assert isinstance(first, Prepared)
    again = small.prepare(used)
    assert isinstance(again, Prepared)
    assert again.document is first.document


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), max_size=300))
def test_neither_limit_is_exceeded(asked: list[tuple[int, int]]) -> None:
    cache: Cache[int, int] = Cache(entries=10, size=200)
    for key, size in asked:
        if cache.get(key) is None:
            cache.put(key, key, size)
        assert cache.get(key) in {None, key}
        assert len(cache) <= 10
        assert cache.size <= 200


def test_the_first_value_of_a_key_stays() -> None:
    cache: Cache[str, int] = Cache(entries=10, size=100)
    cache.put("same", 1, 10)
    cache.put("same", 2, 10)
    assert (cache.get("same"), cache.size) == (1, 10)


def test_an_entry_larger_than_its_segment_is_not_cached() -> None:
    cache: Cache[str, int] = Cache(entries=10, size=100)
    cache.put("small", 1, 10)
    cache.put("large", 2, 100)  # new entries share a fifth of the cache
    assert (cache.get("large"), cache.get("small")) == (None, 1)


def test_names_of_refused_operations_count_towards_the_size_of_refusals() -> None:
    ready = executor()
    tracemalloc.start()
    for number in range(200):
        for _ in range(2):
            ready.prepare(Operation("{", operation_name=f"{number}".ljust(100_000)))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 3_000_000


def test_the_estimated_size_of_an_operation_is_about_its_memory() -> None:
    """The estimate is between one and three times the memory, for an operation with both of its plans."""
    ready = executor()
    ready.prepare(Operation("{ courses { totalCount } }"))
    gc.collect()
    tracemalloc.start()
    documents = []
    for number in range(20):
        text = OPERATION.replace("query Page", f"query Page{number}")
        for condition in (True, False):
            ready.explain(valid(ready, text, {"with": condition}))
        documents.append((text, valid(ready, text, {"with": True}).document))
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = sum(size_of_document(text, document) for text, document in documents)
    assert taken < size < taken * 3, (taken, size)


@pytest.mark.parametrize(
    ("text", "long"),
    [
        ("{ courses { … totalCount } }", " "),
        ("{ courses { …: totalCount } }", "x"),
        ('{ courses(filter: {search: "…"}) { totalCount } }', "é"),
        ('{ courses(filter: {search: "…"}) { totalCount } }', "😀"),
    ],
    ids=["space", "a name", "a value", "a value of wide characters"],
)
def test_the_estimated_size_of_few_tokens_follows_their_text(text: str, long: str) -> None:
    """Measured as the difference that one more operation makes, with its plan: Python's own memory varies by
    kilobytes.
    """
    ready = executor()
    tracemalloc.start()
    taken = []
    for number in (100_000, 100_001):
        prepared = valid(ready, text.replace("…", long * number))
        ready.explain(prepared)
        gc.collect()
        taken.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    size = size_of_document(prepared.operation.query, prepared.document)
    more = taken[1] - taken[0]
    assert more < size * 1.1 < more * 3, (more, size)
