"""Limits: each exactly at its bound, and one over."""

from typing import Any

import pytest
from graphql import get_operation_ast, parse

from app.execution import Answer, Executor, Operation, Prepared
from app.execution.document import Document
from resolvers.schema import schema


@pytest.mark.parametrize(
    ("query", "variables", "nodes"),
    [
        ("{ __typename }", None, 0),
        ("{ courses(first: 100) { nodes { id } } }", None, 101),
        ("{ courses { nodes { id } } }", None, 21),
        ("{ courses(last: 3) { edges { cursor node { id } } pageInfo { endCursor } } }", None, 1 + 3 * 2 + 1),
        ("{ courses(first: 100) { nodes { reviews(first: 10) { nodes { id } } } } }", None, 1201),
        ("query($n: Int) { courses(first: $n) { nodes { id } } }", {"n": 7}, 8),
        ("query($n: Int = 9) { courses(first: $n) { nodes { id } } }", None, 10),
        ("query($n: Int = 9) { courses(first: $n) { nodes { id } } }", {"n": None}, 21),
        ("query($n: Int) { courses(first: $n) { nodes { id } } }", {"n": 7.0}, 8),
        ("{ categories { name } }", None, 5),
        ('{ nodes(ids: ["a", "b"]) { id } }', None, 2),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["a"] * 4}, 4),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": "a"}, 1),
        ('{ node(id: "a") { ... on Course { reviews(first: 2) { nodes { id } } } } }', None, 1 + 1 + 2),
        (
            "{ courses(first: 2) { ...P } } fragment P on CourseConnection { nodes { ...C } } "
            "fragment C on Course { category { name } }",
            None,
            1 + 2 * 2,
        ),
        ("{ __schema { types { fields { name } } } }", None, 0),
    ],
)
def test_nodes_are_counted_by_the_sizes_of_pages(query: str, variables: dict[str, Any], nodes: int) -> None:
    text = parse(query)
    document = Document(schema._schema, text, get_operation_ast(text))  # type: ignore[arg-type]
    coerced = document.variables.coerced(variables)
    assert not isinstance(coerced, list)
    assert document.nodes(coerced) == nodes


QUERY = "{ courses(first: 100) { nodes { reviews(first: 10) { nodes { id } } } } }"


@pytest.mark.parametrize(("max_nodes", "refused"), [(1201, False), (1200, True)])
def test_an_operation_asks_for_at_most_max_nodes(max_nodes: int, refused: bool) -> None:
    executor = Executor(schema._schema, max_tokens=1000, max_nodes=max_nodes, introspection=True)
    prepared = executor.prepare(Operation(QUERY))
    assert isinstance(prepared, Answer if refused else Prepared)
    if isinstance(prepared, Answer):
        (error,) = prepared.payload["errors"]
        assert error["extensions"] == {"code": "OPERATION_TOO_LARGE"}
        assert error["message"].startswith(
            "The operation asks for up to 1,201 objects, and 1,200 are allowed"
        )
        assert not prepared.executed


@pytest.mark.parametrize("first", [100, 100.0])
def test_a_size_counts_however_json_writes_it(first: float) -> None:
    executor = Executor(schema._schema, max_tokens=1000, max_nodes=100, introspection=True)
    query = "query ($n: Int) { courses(first: $n) { nodes { id } } }"
    refused = executor.prepare(Operation(query, {"n": first}))
    assert isinstance(refused, Answer)
    assert refused.payload["errors"][0]["extensions"] == {"code": "OPERATION_TOO_LARGE"}


def test_a_small_text_that_asks_for_the_world_is_refused() -> None:
    """Fragments that spread each other: short to write, and counted in no time."""
    deep = "category { courses(first: 100) { nodes { " * 15 + "title" + " } } }" * 15
    fans = " ".join(
        f"fragment F{n} on Course {{ ...F{n + 1} category {{ courses {{ nodes {{ ...F{n + 1} }} }} }} }}"
        for n in range(40)
    )
    executor = Executor(schema._schema, max_tokens=10_000, max_nodes=100_000, introspection=True)
    for query in (
        f"{{ courses {{ nodes {{ {deep} }} }} }}",
        f"{{ courses {{ nodes {{ ...F0 }} }} }} {fans} fragment F40 on Course {{ title }}",
    ):
        answer = executor.prepare(Operation(query))
        assert isinstance(answer, Answer)
        assert answer.payload["errors"][0]["extensions"] == {"code": "OPERATION_TOO_LARGE"}


def test_too_many_fields_to_be_validated() -> None:
    executor = Executor(schema._schema, max_tokens=10_000, max_nodes=100, introspection=True)
    refused = executor.prepare(Operation("{" + " __typename" * 3_000 + " }"))
    assert isinstance(refused, Answer)
    (error,) = refused.payload["errors"]
    assert error["extensions"] == {"code": "OPERATION_TOO_LARGE"}
    assert "too many fields side by side" in error["message"]
