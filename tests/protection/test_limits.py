"""The limits of documents and variables, each tested exactly at its default and one over."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pytest
from graphql import parse

from app.execution import Executor, Operation, Prepared
from app.operation_limits import Limits
from app.protection import TooLargeError, depth, overlap, root_fields
from app.protection.fragments import have_cycle
from resolvers.schema import schema
from tests.support import UNLIMITED

Json: TypeAlias = Any  # variables or an answer

LIMITS = Limits()
ROOT = Path(__file__).parents[2]


def refusals(query: str, variables: dict[str, Json] | None = None) -> list[Json]:
    """The errors of an operation with the default limits."""
    prepared = Executor(schema).prepare(Operation(query, variables))
    return [] if isinstance(prepared, Prepared) else prepared.payload["errors"]


def refused_for(query: str, variables: dict[str, Json] | None = None) -> str:
    """The message for an operation that is too large."""
    (error,) = refusals(query, variables)
    assert error["extensions"] == {"code": "OPERATION_TOO_LARGE"}
    message: str = error["message"]
    return message


def listed(tags: str) -> str:
    return f"courses(first: 0, filter: {{ tags: {tags} }}) {{ totalCount }}"


def strings(count: int) -> str:
    return "[" + '"x" ' * count + "]"


def of_tokens(count: int) -> str:
    """A document with exactly this many tokens, in lists of 200 values and one of the rest."""
    lists = [200] * ((count - 2) // 220)
    lists.append(count - 2 - sum(lists) - 19 * len(lists) - 19)
    text = f"{{ {' '.join(f'a{n}: {listed(strings(size))}' for n, size in enumerate(lists))} }}"
    assert parse(text).token_count == count, parse(text).token_count
    return text


def nested(count: int) -> str:
    """A document with fields nested this deep."""
    names = ["courses(first: 0)", *(["nodes", "category", "courses(first: 0)"] * count)][: count - 1]
    return "{ " + " { ".join([*names, "__typename"]) + " }" * count


def fragments(count: int) -> str:
    """A document with this many fragments on four fields, because those on one field are compared."""
    counts = [count // 4 + (place < count % 4) for place in range(4)]
    figures = (f"a{n}: platform {{ {'... { students } ' * c} }}" for n, c in enumerate(counts))
    return f"{{ {' '.join(figures)} }}"


TEXTS: Mapping[str, Callable[[int], str]] = {
    "query_length": "{ courses { totalCount } }".ljust,
    "query_tokens": of_tokens,
    "depth": nested,
    "aliases": lambda n: "{ courses { " + " ".join(f"a{x}: totalCount" for x in range(n)) + " } }",
    "root_fields": lambda n: "{ courses { totalCount }" + " __typename" * (n - 1) + " }",
    "directives": lambda n: "{ courses { totalCount" + " __typename @skip(if: false)" * n + " } }",
    "fragments": fragments,
    "list_values": lambda n: f"{{ {listed(strings(n))} }}",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_document_at_its_limit_is_accepted(name: str) -> None:
    assert refusals(TEXTS[name](getattr(LIMITS, name))) == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_document_one_over_its_limit_is_refused(name: str) -> None:
    message = refused_for(TEXTS[name](getattr(LIMITS, name) + 1))
    assert f"{getattr(LIMITS, name):,} are allowed (LECTERN_MAX_{name.upper()})" in message


@pytest.mark.parametrize("more", ["\n#", "\n", "\r", ",\n"])
def test_comments_and_lines_are_bounded_as_tokens_are(more: str) -> None:
    text = "{ courses { totalCount } }"
    assert refusals(text + more * LIMITS.query_tokens) == []
    assert "LECTERN_MAX_QUERY_TOKENS" in refused_for(text + more * (LIMITS.query_tokens + 1))


def test_a_literal_object_is_limited_like_a_list() -> None:
    text = "{{ courses(filter: {{ {} }}) {{ totalCount }} }}"
    (error, *_) = refusals(text.format("x: 1 " * LIMITS.list_values))
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "LECTERN_MAX_LIST_VALUES" in refused_for(text.format("x: 1 " * (LIMITS.list_values + 1)))


def test_the_depth_of_a_literal_is_limited() -> None:
    """No input of the schema is nested this deep, so the accepted literal fails validation instead."""
    (error, *_) = refusals(f"{{ {listed('[' * 9 + ']' * 9)} }}")
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "LECTERN_MAX_VALUE_DEPTH" in refused_for(f"{{ {listed('[' * 10 + ']' * 10)} }}")


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("{ a { b } }", 2),
        ("{ ... { ... { a { ... { b } } } } }", 2),
        ("{ a { ...F } x { y { ...F } } } fragment F on T { b { c } }", 4),
        ("{ a { ...F } } fragment F on T { b { ...G } ...G } fragment G on T { c { d } }", 4),
        ("{ a { ...F } } fragment F on T { b { ...F } }", 2),
        ("{ a { ...Gone } }", 1),
    ],
    ids=[
        "fields",
        "inline fragments",
        "a fragment twice",
        "fragments in fragments",
        "a cycle",
        "no fragment",
    ],
)
def test_depth_counts_fields(query: str, at: int) -> None:
    depth.check_depth(parse(query), at)
    with pytest.raises(TooLargeError):
        depth.check_depth(parse(query), at - 1)


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("{ a b }", 2),
        ("query A { a } query B { a b }", 3),
        ("{ ...F ...F ... { c } } fragment F on T { a b { x y z } }", 3),
        ("query A { ...F } query B { ...F } fragment F on T { a b }", 4),
        ("{ a ...F ...Gone } fragment F on T { b ...F }", 2),
    ],
    ids=["fields", "operations", "fragments", "a shared fragment", "a cycle"],
)
def test_root_fields_of_all_operations_count(query: str, at: int) -> None:
    root_fields.check_root_fields(parse(query), at)
    with pytest.raises(TooLargeError):
        root_fields.check_root_fields(parse(query), at - 1)


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("{ a b }", 2),
        ("{ a a a }", 3 + 3),
        ("{ x: a x: b }", 2 + 1),
        ("{ a { x } a { x } }", 2 + 1 + 2 + 1),
        ("{ ...F ...F } fragment F on T { a }", 2 + 1 + 1),
        ("{ a { ...F } b { ...F } } fragment F on T { a }", 2 + 2 * 2 + 1),
        ("query A { ...F } query B { ...F } fragment F on T { a }", 2 * 2 + 1),
    ],
    ids=["fields", "pairs", "aliases", "below pairs", "spread twice", "spread elsewhere", "operations"],
)
def test_overlap_counts_comparisons(query: str, at: int) -> None:
    overlap.check_overlap(parse(query), at)
    with pytest.raises(TooLargeError):
        overlap.check_overlap(parse(query), at - 1)


def test_a_fragment_that_spreads_itself_is_reported_as_such() -> None:
    errors = refusals(
        "{ courses { nodes { ...F } } } fragment F on Course { category { courses { nodes { ...F } } } }"
    )
    assert [error["extensions"]["code"] for error in errors] == ["GRAPHQL_VALIDATION_FAILED"]
    assert errors[0]["message"] == "Cannot spread fragment 'F' within itself."


@pytest.mark.parametrize(
    ("fragments", "found"),
    [
        ("fragment A on T { ...A }", True),
        ("fragment A on T { x { ... { ...B } } } fragment B on T { y { ...A } }", True),
        ("fragment A on T { ...B ...B ...C } fragment B on T { ...C } fragment C on T { ...Gone }", False),
        ("", False),
    ],
)
def test_a_cycle_of_fragments_is_found(fragments: str, found: bool) -> None:
    assert have_cycle(parse("{ a } " + fragments)) is found


# -- variables ---------------------------------------------------------------------------------------------


def nested_value(depth: int) -> Json:
    return orjson.loads('{"x":' * depth + "1" + "}" * depth)


FILTERED = "query ($f: CourseFilter) { courses(filter: $f) { totalCount } }"


@pytest.mark.parametrize(("more", "is_refused"), [(0, False), (1, True)])
@pytest.mark.parametrize(
    ("limit", "variables"),
    [
        ("LECTERN_MAX_LIST_VALUES", lambda more: {"f": {"tags": ["x"] * (LIMITS.list_values + more)}}),
        ("LECTERN_MAX_LIST_VALUES", lambda more: {"unknown": [{"x": [[0] * (LIMITS.list_values + more)]}]}),
        ("LECTERN_MAX_LIST_VALUES", lambda more: {f"v{n}": n for n in range(LIMITS.list_values + more)}),
        ("LECTERN_MAX_VALUES", lambda more: {"v": [[0] * 248] * 20 + [[0] * (18 + more)]}),
        ("LECTERN_MAX_VALUE_DEPTH", lambda more: {"v": orjson.loads("[" * (10 + more) + "]" * (10 + more))}),
        ("LECTERN_MAX_VALUE_DEPTH", lambda more: {"v": nested_value(10 + more)}),
    ],
    ids=["a list", "a nested list", "an object", "values", "lists in lists", "objects in objects"],
)  # fmt: skip
def test_the_size_of_variables_is_limited(
    limit: str, variables: Callable[[int], dict[str, Json]], more: int, is_refused: bool
) -> None:
    if is_refused:
        assert f"({limit})" in refused_for(FILTERED, variables(more))
    else:
        assert refusals(FILTERED, variables(more)) == []


@pytest.mark.parametrize(("count", "is_refused"), [(3, False), (4, True)])
def test_plain_variables_count_as_values(count: int, is_refused: bool) -> None:
    executor = Executor(schema, replace(LIMITS, values=3))
    prepared = executor.prepare(Operation("{ __typename }", {f"v{n}": n for n in range(count)}))
    assert isinstance(prepared, Prepared) != is_refused


def test_the_limits_can_be_set() -> None:
    executor = Executor(schema, replace(UNLIMITED, aliases=2))
    assert isinstance(executor.prepare(Operation("{ a: __typename b: __typename }")), Prepared)
    assert not isinstance(
        executor.prepare(Operation("{ a: __typename b: __typename c: __typename }")), Prepared
    )


# -- accepted operations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "example", sorted((ROOT / "web" / "src" / "examples").glob("*.graphql")), ids=lambda p: p.stem
)
def test_every_example_is_accepted(example: Path) -> None:
    variables = orjson.loads(example.with_suffix(".json").read_bytes())
    assert refusals(example.read_text(), variables) == []


@pytest.mark.parametrize("query", ["{ courses { totalCount } }", "{ nothing }", "{"])
async def test_a_document_can_be_read_beforehand(query: str) -> None:
    executor = Executor(schema)
    await asyncio.gather(*(executor.read(Operation(query)) for _ in range(3)))
    assert executor.kept(Operation(query))
    assert executor.prepare(Operation(query)) == executor.prepare(Operation(query))


async def test_other_work_gets_its_turn_before_a_document_is_validated() -> None:
    turns: list[str] = []
    executor, query = Executor(schema), Operation("{ courses { totalCount } }")
    asyncio.get_running_loop().call_soon(turns.append, "another")
    await executor.read(query)
    assert turns


def test_an_operation_is_cached_once_it_was_prepared() -> None:
    executor = Executor(schema)
    for query in ("{ courses { totalCount } }", "{ nothing }", "{"):
        assert not executor.kept(Operation(query))
        executor.prepare(Operation(query, {"any": 1}))
        assert executor.kept(Operation(query))
        assert not executor.kept(Operation(query, operation_name="Other"))
