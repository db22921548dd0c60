"""The CPU time to refuse or prepare hostile documents."""

import gc
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson
import pytest
from graphql import get_introspection_query

from app.execution import Executor, Operation, Prepared, Refusal
from resolvers.schema import schema

Json: TypeAlias = Any  # variables as a client sends them

MOST = 0.1  # seconds of CPU for parsing, the limits, validation, the price and the plan
TRIES = 12  # the least of several runs, as other processes slow the core down for a while


def repeated(text: str, count: int) -> str:
    return " ".join(text.format(i=i) for i in range(count))


def on_course(selections: str, more: str = "") -> str:
    return f"{{ courses {{ nodes {{ {selections} }} }} }} {more}"


LEAVES = "id slug title summary level language durationDays studentCount createdAt updatedAt status"
TEXTS: Mapping[str, str] = {
    "overlapping fields": on_course("rating { average } " * 90),
    "more overlapping fields": on_course("rating { average } " * 400),
    "conflicting fields": on_course(repeated("x: title x: slug", 50)),
    "overlapping lists": on_course("reviews { nodes { student { reviews { nodes { id } } } } } " * 40),
    "overlapping fragments": on_course(
        repeated("...F{i}", 60), repeated("fragment F{i} on Course {{ rating {{ average count }} }}", 60)
    ),
    "fragments that spread each other": on_course(
        "...F0", repeated("fragment F{i} on Course {{ ...F0 ...F1 ...F2 ...F3 ...F4 ...F5 }}", 20)
    ),
    "a chain of fragments": on_course(
        "...F0",
        "".join(f"fragment F{i} on Course {{ ...F{i + 1} }} " for i in range(98))
        + "fragment F98 on Course { id }",
    ),
    "operations that share a fragment": repeated("query Q{i} {{ ...F }}", 50)
    + " fragment F on Query { courses { nodes { id title slug } } }",
    "operations without their variables": repeated("query Q{i} {{ ...F }}", 24)
    + " fragment F on Query {"
    + repeated("a{i}: courses(first: $v{i}) {{ totalCount }}", 25)
    + "}",
    "unknown fields": on_course(repeated("titel{i}", 1_900)),
    "long unknown fields": on_course(repeated("viewerCanRevieww{i}", 1_900)),
    "unknown arguments": f"{{ courses({repeated('firsts{i}: 1', 600)}) {{ totalCount }} }}",
    "one argument again and again": "{ courses(" + "first: 1 " * 600 + ") { totalCount } }",
    "one argument again and again over many lines": "{ courses(" + "first:\n1\n" * 600 + ") { totalCount } }",
    "unknown members": "{ courses(filter: {" + repeated("tagz{i}: 1", 249) + "}) { totalCount } }",
    "unknown members with values": "{ courses(filter: {"
    + repeated("tagz{i}: [" + "1 " * 200 + "]", 8)
    + "}) { totalCount } }",
    "wrong values": "{ courses(filter: {levels: [" + "BEGINNR " * 249 + "]}) { totalCount } }",
    "unknown types": on_course(repeated("... on Coursee{i} {{ id }}", 99)),
    "undefined variables": on_course(repeated("a{i}: reviews(first: $v{i}) {{ totalCount }}", 99)),
    "unused variables": f"query ({repeated('$v{i}: Int', 490)}) {{ courses {{ totalCount }} }}",
    "variables of nested types": f"query ({repeated('$v{i}: ' + '[' * 60 + 'Int' + ']' * 60, 15)}) {{ a }}",
    "directives": on_course("id " + "@skip(if: true) " * 50),
    "nodes of any type": "{ " + repeated('n{i}: node(id: "x") {{ id __typename }}', 50) + " }",
    "different filters": on_course(
        repeated("a{i}: reviews(first: 0, filter: {{ratings: [1, {i}]}}) {{ totalCount }}", 70)
    ),
    "a fragment in many places": on_course(
        repeated("a{i}: reviews(first: 0) {{ nodes {{ course {{ ...F }} }} }}", 66),
        f"fragment F on Course {{ {LEAVES} }}",
    ),
    "introspection": get_introspection_query(),
    "introspection of one type": "{ "
    + repeated('a{i}: __type(name: "Course") {{ fields {{ type {{ fields {{ name }} }} }} }}', 49)
    + " }",
    "a string": '{ courses(filter: {search: "' + "x" * 49_000 + '"}) { totalCount } }',
    "escapes": '{ courses(filter: {search: "' + r"\uD83D\uDE00" * 4_000 + '"}) { totalCount } }',
    "a block string": '{ courses(filter: {search: """' + "  x\n" * 1_900 + '"""}) { totalCount } }',
    "a name": "{ " + "x" * 49_000 + " }",
    "an integer": "{ courses(first: " + "1" * 49_000 + ") { totalCount } }",
    "comments": "{ courses { totalCount } }" + "\n#" * 2_000,
    "commas": "{ courses { totalCount } }" + "," * 49_000,
    "types": repeated("type T{i} {{ a: Int }}", 200),
    "open brackets": "{ a(x: " + "[" * 1_900,
}


@pytest.mark.alone
@pytest.mark.parametrize("name", TEXTS)
def test_no_document_takes_long(name: str) -> None:
    assert least(lambda: cpu(TEXTS[name])) < MOST


def least(measure: Callable[[], float]) -> float:
    """Repeats a measurement until it is below MOST; returns the last one after TRIES."""
    for tried in range(TRIES):
        if (taken := measure()) < MOST:
            break
        time.sleep(tried / 4)
    return taken


def cpu(text: str) -> float:
    """Seconds of CPU to prepare or refuse a document that isn't cached."""
    executor = Executor(schema)
    gc.collect()
    start = time.process_time()
    if isinstance(prepared := executor.prepare(Operation(text)), Prepared):
        executor.explain(prepared)
    return time.process_time() - start


@pytest.mark.parametrize("name", TEXTS)
def test_a_refusal_is_short(name: str) -> None:
    """A few errors, each with a few lines and locations, whatever the client wrote."""
    refused = Executor(schema).prepare(Operation(TEXTS[name]))
    if isinstance(refused, Refusal):
        assert len(orjson.dumps(refused.payload)) < 11 * 1_500
        assert all(len(error["message"]) <= 500 for error in refused.payload["errors"])


WRONG: Mapping[str, Mapping[str, Json]] = {
    "a long string": {"a": "x" * 900_000},
    "a long integer": {"a": int("9" * 4_000)},
    "lists of wrong values": {"c": {name: [["y" * 900]] * 249 for name in ("tags", "levels", "languages")}},
    "unknown members": {"c": {"tag" * 500 + str(n): n for n in range(250)}},
    "members of members": {"c": {"tags": {"é" * 400_000: 2}}},
    "unknown variables": {f"v{n}": {"x": [[0] * 17]} for n in range(250)},
}


@pytest.mark.alone
@pytest.mark.parametrize("name", WRONG)
def test_invalid_variables_are_refused_quickly_and_briefly(name: str) -> None:
    executor = Executor(schema)
    query = """query ($a: Int, $c: CourseFilter!) {
      courses(first: $a, filter: $c) { totalCount }
    }"""
    executor.prepare(Operation(query))
    taken = []
    for _ in range(3):
        start = time.process_time()
        refused = executor.prepare(Operation(query, dict(WRONG[name])))
        taken.append(time.process_time() - start)
    assert min(taken) < MOST
    assert isinstance(refused, Refusal)
    assert refused.payload["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert len(orjson.dumps(refused.payload)) < 11 * 1_500


# -- LECTERN_INTROSPECTION=false ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ course }", None),
        ("{ courses }", None),
        ("{ courses(frist: 1) { totalCount } }", None),
        ("{ courses(filter: {tag: 1}) { totalCount } }", None),
        ("{ courses(filter: {levels: [BEGINNR]}) { totalCount } }", None),
        ('{ node(id: "x") { slug } }', None),
        ("{ courses { nodes { ... on Coursee { id } } } }", None),
        ("query ($f: CourseFiltr) { courses(filter: $f) { totalCount } }", None),
        ("query ($f: CourseFilter) { courses(filter: $f) { totalCount } }", {"f": {"tag": ["x"]}}),
        ("query ($l: [Level!]) { courses(filter: {levels: $l}) { totalCount } }", {"l": ["BEGINNR"]}),
        ("{ __schema { queryType { name } } }", None),
        ('{ __type(name: "Course") { name } }', None),
    ],
)
def test_without_introspection_no_name_is_suggested(query: str, variables: Json) -> None:
    refused = Executor(schema, introspection=False).prepare(Operation(query, variables))
    assert isinstance(refused, Refusal)
    assert "id you mean" not in str(refused.payload)
    default = Executor(schema).prepare(Operation(query, variables))
    assert isinstance(default, Prepared) or "id you mean" in str(default.payload)


def test_typename_works_without_introspection() -> None:
    prepared = Executor(schema, introspection=False).prepare(Operation("{ __typename }"))
    assert isinstance(prepared, Prepared)
