"""Equal calls of one depth are one, wherever they come from, and no other calls wait for each other.

This is the first claim of the README.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.execution import Answer, Operation, Prepared
from app.execution.plan_report import plan_text
from loaders.mongo.database import Database
from resolvers.context import PUBLIC
from resolvers.relay import ids
from tests import factories
from tests.execution.comparison import asked, asked_in_ticks
from tests.execution.engines import executor
from tests.execution.hooked import Hook, hooked
from tests.execution.operations import Question
from tests.factories import store
from tests.support import UNLIMITED, request_for

COMPILED = executor(compiled=True, limits=UNLIMITED)
REFERENCE = executor(compiled=False, limits=UNLIMITED)

FIGURES = "studentsEnrolled totalCourses students countries reviews averageRating"


@pytest.fixture
async def course_id(database: Database) -> str:
    """The ID of the first of three courses, each with a category and three reviews by different students."""
    courses = [factories.course(title=f"T{number}", categorySlug="c") for number in range(3)]
    students = [factories.student() for _ in range(9)]
    reviews = [factories.review(courses[number % 3], student) for number, student in enumerate(students)]
    category = factories.category("c")
    await store(database, courses=courses, students=students, reviews=reviews, categories=[category])
    return ids.encode_id("Course", courses[0])


async def commands(database: Database, query: str, variables: dict[str, Any] | None = None) -> list[str]:
    """The commands that the plan sends. Checks that graphql-core sends no fewer, and that the answers are
    equal.
    """
    question = Question(Operation(query, variables), PUBLIC)
    answer, sent = await asked_in_ticks(COMPILED, database, question)
    reference, by_reference = await asked_in_ticks(REFERENCE, database, question)
    assert isinstance(answer, Answer)
    assert answer.engine == "compiled"
    assert answer.payload == reference.payload
    assert "errors" not in answer.payload
    assert len(sent) <= len(by_reference)
    return sent


@pytest.mark.parametrize(
    ("query", "levels"),
    [
        (f"{{ platform {{ {FIGURES} }} }}", 6),
        ("{ " + " ".join(f"a{n}: platform {{ {FIGURES} }}" for n in range(700)) + " }", 6),
        ("{ platform { " + " ".join(f"a{n}: studentsEnrolled" for n in range(10)) + " } }", 1),
        ("{ " + " ".join(f"a{n}: courses(first: 2) {{ nodes {{ title }} }}" for n in range(20)) + " }", 1),
        ("{ a: course(id: $id) { title } b: course(id: $id) { slug } }", 1),
        ("{ a: courses(first: $n) { nodes { title } } b: courses(first: 2) { nodes { slug } } }", 1),
        ("{ a: courses(first: $n) { nodes { title } } b: courses(first: 3) { nodes { slug } } }", 2),
        (
            "{ a: courses(first: 2) { nodes { category { courseCount } } } "
            "b: courses(first: 3) { nodes { category { courseCount } } } }",
            4,
        ),
        (
            "{ a: courses(first: 2) { nodes { ...F } } course(id: $id) { ...F } "
            "b: courses(first: 3) { edges { node { ... { ...F } } } } } "
            "fragment F on Course { x: reviews(first: 1) { nodes { id } } "
            "y: reviews(first: $one) { nodes { student { name } } } }",
            5,
        ),
        (
            "{ courses { nodes { a: reviews(first: 1) { nodes { student { name } } } "
            "b: reviews(first: 2) { nodes { s: student { country } } } } } }",
            4,
        ),
        (
            "{ node(id: $id) { ... on Course { reviews { nodes { course { title } } } } } "
            "course(id: $id) { title } }",
            2,
        ),
    ],
)
async def test_the_cost_of_a_request_depends_on_its_depth(
    database: Database, course_id: str, query: str, levels: int
) -> None:
    """One command per relation, arguments and level, over branches, aliases, fragments and root fields."""
    types = {"$id": "ID!", "$n": "Int = 2", "$one": "Int = 1"}
    declared = ", ".join(f"{name}: {type_}" for name, type_ in types.items() if name in query)
    plan_text = f"query ({declared}) {query}" if declared else query
    assert len(await commands(database, plan_text, {"id": course_id})) == levels


async def test_the_number_of_parents_does_not_matter(database: Database, course_id: str) -> None:
    query = "{ a: courses(first: %d) { nodes { reviews { nodes { student { name } } } } } }"
    few, many = [await commands(database, query % number) for number in (1, 3)]
    assert few == many == ["find courses", "find reviews", "find students"]


async def test_a_parent_that_recurs_deeper_is_not_requested_again(database: Database, course_id: str) -> None:
    """The same course is above its reviews and below them."""
    query = """query ($id: ID!) {
      course(id: $id) { reviews { totalCount nodes { course { reviews { totalCount } } } } }
    }"""
    assert await commands(database, query, {"id": course_id}) == [
        "find_one courses", "find reviews", "aggregate reviews",
    ]  # fmt: skip


async def test_a_slow_branch_delays_no_other(database: Database, course_id: str) -> None:
    """The course's reviews, their authors and more arrive while the categories are still in flight. Calls
    that are in both branches wait for both.
    """
    query = """query ($id: ID!) {
      categories { courses(first: 1) { nodes { slow: instructors { name } category { courseCount } } } }
      course(id: $id) { reviews { nodes { student { name reviews { totalCount } } } } }
    }"""
    sent: list[str] = []
    authors, free = asyncio.Event(), asyncio.Event()

    async def hold(collection: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        if collection == "categories":
            await free.wait()
        sent.append(collection)
        if sent.count("reviews") == 2:
            authors.set()
        return await send()

    async with asyncio.timeout(10):
        running = asyncio.create_task(run(database, hold, query, course_id))
        await authors.wait()
        assert sent == ["courses", "reviews", "students", "reviews"]
        free.set()
        assert "errors" not in (await running).payload


async def test_nothing_waits_for_a_value_that_became_null(database: Database, course_id: str) -> None:
    query = """query ($id: ID!) {
      course(id: $id) { reviews { totalCount } enrollments(first: 1, last: 1) { totalCount } }
      category(slug: "c") { name courseCount }
    }"""

    async def hold(collection: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        if collection == "reviews":
            await asyncio.Event().wait()
        return await send()

    async with asyncio.timeout(10):
        answer = await run(database, hold, query, course_id)
    assert answer.payload["data"]["course"] is None
    assert answer.payload["data"]["category"]["courseCount"] == 3
    assert [error["path"] for error in answer.payload["errors"]] == [["course", "enrollments"]]


async def test_equal_calls_wait_for_each_other(database: Database, course_id: str) -> None:
    query = """{
      categories { c: courses(first: 1) { nodes { title } } }
      category(slug: "c") { courses(first: 1) { nodes { slug } } }
    }"""
    sent: list[str] = []

    async def hold(collection: str, command: str, send: Callable[[], Awaitable[Any]]) -> Any:
        if collection == "categories" and command == "find":
            await asyncio.sleep(0.1)
        sent.append(collection)
        return await send()

    async with asyncio.timeout(10):
        answer = await run(database, hold, query)
    assert sent == ["categories", "categories", "courses"]
    assert answer.payload["data"]["category"]["courses"]["nodes"]


async def test_nothing_waits_for_a_branch_without_parents(database: Database, course_id: str) -> None:
    query = """query ($id: ID!) {
      category(slug: "none") { courses(first: 1) { nodes { category { courseCount } } } }
      b: category(slug: "c") { courses(first: 1) { nodes { category { courseCount } } } }
      course(id: $id) { reviews(first: 0) { nodes { course { category { courseCount } } } } }
      courses { nodes { reviews { nodes { course { category { courseCount } } } } } }
    }"""
    answer = await asked(COMPILED, database, Question(Operation(query, {"id": course_id}), PUBLIC))
    data = answer.payload["data"]
    assert "errors" not in answer.payload
    assert data["b"]["courses"]["nodes"][0]["category"] == {"courseCount": 3}
    assert data["courses"]["nodes"][0]["reviews"]["nodes"][0]["course"]["category"] == {"courseCount": 3}


def test_a_shared_level_is_explained_once() -> None:
    query = """query ($n: Int!) {
      a: courses(first: 5) { nodes { category { courseCount } reviews(first: 2) { totalCount } } }
      b: courses(first: $n) { nodes { category { n: courseCount } r: reviews(first: $n) { totalCount } } }
    }"""
    report = explained(query, {"n": 2})
    assert [(level["level"], level["field"], level["keys"]) for level in report["levels"]] == [
        (1, "Query.courses", ["a"]),
        (2, "Course.category", ["category", "category"]),
        (3, "Category.courseCount", ["courseCount", "n"]),
        (2, "Course.reviews", ["reviews", "r"]),
        (3, "ReviewConnection.totalCount", ["totalCount", "totalCount"]),
        (1, "Query.courses", ["b"]),
    ]
    assert report["commands"] == 6
    lines = plan_text(report).splitlines()
    assert " 3      courseCount, n: Category.courseCount: Int!  [1 command, 2 places]" in lines


def test_a_field_of_lists_is_called_for_each_list() -> None:
    counts = "{ courses { nodes { a: reviews(first: 1) { totalCount } b: reviews { totalCount } } } }"
    report = explained(counts, {})
    assert [level["commands"] for level in report["levels"]] == [1, 1, 2, 1]
    assert report["commands"] == 5


def test_levels_depend_on_the_values_of_variables() -> None:
    query = "query ($n: Int!) { a: courses(first: 5) { totalCount } b: courses(first: $n) { totalCount } }"
    assert explained(query, {"n": 5})["levels"][0]["keys"] == ["a", "b"]


def explained(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    prepared = COMPILED.prepare(Operation(query, variables))
    assert isinstance(prepared, Prepared), prepared
    return COMPILED.explain(prepared)


async def run(database: Database, hook: Hook, query: str, course_id: str | None = None) -> Answer:
    prepared = COMPILED.prepare(Operation(query, {"id": course_id}))
    assert isinstance(prepared, Prepared), prepared
    answer = await COMPILED.run(prepared, request_for(hooked(database, hook)))
    assert isinstance(answer, Answer), answer
    return answer
