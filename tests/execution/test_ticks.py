"""An operation sends the same commands however long each takes.

So a difference between the engines does not come from the machine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.execution import Operation
from loaders.mongo.database import Database
from resolvers.context import PUBLIC
from resolvers.relay import ids
from tests import factories
from tests.execution.comparison import asked_in_ticks
from tests.execution.engines import executor
from tests.execution.operations import Question
from tests.factories import store

SLOW = 0.15  # seconds: three times the interval at which the queue checks for slow commands

everywhere = pytest.mark.parametrize("compiled", [True, False])


@pytest.fixture
async def found(database: Database) -> dict[str, str]:
    """IDs of a course run, of a review of its course and one of another course, and of the author of both."""
    own, other = (factories.course(categorySlug=slug) for slug in "cd")
    student, run = factories.student(), factories.course_run(own)
    reviews = [factories.review(course, student) for course in (own, other)]
    categories = [factories.category(slug) for slug in "cd"]
    await store(
        database,
        courses=[own, other],
        students=[student],
        reviews=reviews,
        courseRuns=[run],
        categories=categories,
    )
    return {
        "run": ids.encode_id("CourseRun", run),
        "own": ids.encode_id("Review", reviews[0]),
        "other": ids.encode_id("Review", reviews[1]),
        "student": ids.encode_id("Student", student),
    }


async def commands(database: Database, compiled: bool, question: Question, slow: str | int) -> list[str]:
    """The commands of an operation. slow: the collection with slow commands, or the index of the slow
    command.
    """
    begun = 0

    async def disturb(collection: str, _: str, send: Callable[[], Awaitable[Any]]) -> Any:
        nonlocal begun
        begun, place = begun + 1, begun
        answer = await send()
        if slow in (collection, place):
            await asyncio.sleep(SLOW)
        return answer

    _, sent = await asked_in_ticks(executor(compiled=compiled), database, question, disturb)
    return sent


@everywhere
async def test_of_two_calls_for_the_same_document_the_first_fetches_it(
    database: Database, found: dict[str, str], compiled: bool
) -> None:
    query = (
        "query($run: ID!, $own: ID!, $other: ID!) { node(id: $run) { id } nodes(ids: [$own, $other]) { id } }"
    )
    asked = Question(Operation(query, {key: found[key] for key in ("run", "own", "other")}), PUBLIC)
    expected = ["find_one courseRuns", "find reviews", "find_one courses", "find_one courses"]
    for slow in ("courseRuns", "reviews"):
        assert await commands(database, compiled, asked, slow) == expected


@everywhere
async def test_no_command_waits_until_a_slow_one_stops_counting(
    database: Database, found: dict[str, str], compiled: bool
) -> None:
    """More commands run at once than the queue admits; the last ones are for another category."""
    slugs = enumerate("c" * 8 + "d" * 7, 1)
    lists = (f'courses(first: {n}, filter: {{ categories: ["{slug}"] }})' for n, slug in slugs)
    fields = (f"a{n}: {list_} {{ nodes {{ category {{ name }} }} }}" for n, list_ in enumerate(lists))
    asked = Question(Operation(f"{{ {' '.join(fields)} }}"), PUBLIC)
    sent = [await commands(database, compiled, asked, slow) for slow in ("none", "courses", 0, 7)]
    assert sent == [["find courses"] * 15 + ["find categories"]] * 4


async def test_commands_sent_after_the_answer_count(database: Database, found: dict[str, str]) -> None:
    """graphql-core sends them for a value that became null."""
    query = """query($id: ID!) {
      student(id: $id) { reviews(first: 1) { nodes { term } } enrollments(first: 1, last: 1) { totalCount } }
    }"""
    asked = Question(Operation(query, {"id": found["student"]}), PUBLIC)
    for slow in ("students", "reviews"):
        sent = await commands(database, False, asked, slow)
        assert sent == ["find_one students", "find reviews", "find courses"]
