"""Which operations are compiled, and what their plans request from MongoDB."""

from typing import Any

import pytest

from app.execution import Answer, Executor, Operation, Prepared, Refusal
from app.execution.encoding import encoded
from app.execution.plan_report import plan_text
from loaders.mongo.database import Database
from resolvers.schema import schema
from tests import factories
from tests.factories import store
from tests.support import UNLIMITED, request_for

Q = """query ($after: String, $with: Boolean = true) {
  courses(first: 2, after: $after) {
    nodes { title reviews(first: 3) @include(if: $with) { nodes { rating student { name } } } }
  }
}"""


@pytest.fixture
def executor() -> Executor:
    return Executor(schema, UNLIMITED)


def prepared(executor: Executor, query: str, variables: dict[str, Any] | None = None) -> Prepared:
    ready = executor.prepare(Operation(query, variables))
    assert isinstance(ready, Prepared), ready
    return ready


def explained(executor: Executor, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    return executor.explain(prepared(executor, query, variables))


async def run(
    executor: Executor, database: Database, query: str, variables: dict[str, Any] | None = None
) -> Answer | Refusal:
    return await executor.run(prepared(executor, query, variables), request_for(database))


async def answered(
    executor: Executor, database: Database, query: str, variables: dict[str, Any] | None = None
) -> Answer:
    answer = await run(executor, database, query, variables)
    assert isinstance(answer, Answer), answer
    return answer


def test_a_plan_has_a_level_for_each_call(executor: Executor) -> None:
    report = explained(executor, Q)
    assert [(level["level"], level["field"], level["arguments"]) for level in report["levels"]] == [
        (1, "Query.courses", "after: $after, first: 2"),
        (2, "Course.reviews", "first: 3"),
        (3, "Review.student", ""),
    ]
    assert (report["engine"], report["commands"], report["cost"]["objects"]) == ("compiled", 3, 17)


def test_a_plan_depends_on_conditions(executor: Executor) -> None:
    report = explained(executor, Q, {"with": False})
    assert [level["field"] for level in report["levels"]] == ["Query.courses"]
    assert "title" in report["projections"]["courses"]
    assert "newestReviewIds" not in report["projections"]["courses"]


def test_only_keys_that_are_read_are_fetched(executor: Executor) -> None:
    fetched = explained(executor, Q)["projections"]
    assert fetched["courses"] == ["_id", "newestReviewIds", "status", "title"]
    assert fetched["students"] == ["_id", "name"]
    assert "body" not in fetched["reviews"]


def test_a_rating_comes_from_keys_of_its_course(executor: Executor) -> None:
    query = "{ courses { nodes { rating { average histogram { count } } } } }"
    fetched = explained(executor, query)["projections"]
    assert fetched == {"courses": ["_id", "ratingAverage", "ratingStars", "status"]}


async def test_an_edge_may_have_no_key_that_is_read(executor: Executor, database: Database) -> None:
    await store(database, courses=[factories.course(title="T", slug="s")])
    answer = await answered(executor, database, "{ courses { edges { __typename } } }")
    assert (answer.engine, answer.payload) == (
        "compiled",
        {"data": {"courses": {"edges": [{"__typename": "CourseEdge"}]}}},
    )


def test_equal_calls_of_a_level_are_one(executor: Executor) -> None:
    query = """{ courses { nodes {
      a: reviews(first: 1) { nodes { rating } } b: reviews(first: 1) { nodes { title } }
      reviews { totalCount }
    } } }"""
    keys = [level["keys"] for level in explained(executor, query)["levels"]]
    assert keys == [["courses"], ["a", "b"], ["reviews"], ["totalCount"]]


def test_long_arguments_are_shortened_but_stay_distinct(executor: Executor) -> None:
    courses = '{key}: courses(filter: {{search: "{word}{end}"}}) {{ totalCount }}'
    searches = [courses.format(key=key, word="x" * 10_000, end=end) for key, end in ("a1", "b2", "c1")]
    query = f"{{ categories {{ {' '.join(searches)} }} }}"
    levels = [level for level in explained(executor, query)["levels"] if level["field"] == "Category.courses"]
    assert [level["keys"] for level in levels] == [["a", "c"], ["b"]]
    assert all(len(level["arguments"]) < 200 for level in levels)


def test_a_plan_is_printed_as_text(executor: Executor) -> None:
    lines = plan_text(explained(executor, Q)).splitlines()
    assert lines[:3] == [
        "engine       compiled",
        "cost         up to 129 of 1,000,000,000 (LECTERN_MAX_COST): 17 objects, 64 values, 5 commands",
        "commands     3",
    ]
    assert " 2    Course.reviews(first: 3): ReviewConnection!  [1 command]" in lines
    assert "  students   _id, name" in lines


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ __schema { queryType { name } } }", "introspection"),
        ('{ courses { totalCount } __type(name: "Course") { name } }', "introspection"),
    ],
)
async def test_some_operations_are_left_to_graphql_core(
    executor: Executor, database: Database, query: str, reason: str
) -> None:
    report = explained(executor, query)
    assert (report["engine"], report["reason"]) == ("graphql-core", reason)
    assert reason in plan_text(report)
    answer = await answered(executor, database, query)
    assert answer.engine == "reference"
    assert "errors" not in answer.payload


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("query ($b: Boolean = true) { platform @skip(if: $b) { __typename } }", None),
        ("query ($b: Boolean = true) { platform { __typename students @skip(if: $b) } }", ["platform"]),
    ],
)
async def test_a_condition_that_is_null_is_the_client_s_mistake(
    executor: Executor, database: Database, query: str, path: list[str] | None
) -> None:
    answer = await run(executor, database, query, {"b": None})
    (error,) = answer.payload["errors"]
    assert (error.get("path"), error["extensions"]) == (path, {"code": "BAD_USER_INPUT"})
    assert ("data" in answer.payload) is isinstance(answer, Answer) is (path is not None)


async def test_compilation_can_be_turned_off(database: Database) -> None:
    off = Executor(schema, compiled=False)
    assert (await answered(off, database, "{ courses { totalCount } }")).engine == "reference"


@pytest.mark.parametrize("compiled", [True, False])
async def test_data_is_in_the_order_of_the_text(database: Database, compiled: bool) -> None:
    await store(database, courses=[factories.course(title="T", slug="s")])
    engine = Executor(schema, compiled=compiled)
    query = """query ($no: Boolean = false) { z: __typename courses { nodes {
      slug @include(if: $no) b: title ...F a: title reviews(first: 1) { totalCount } slug } } }
      fragment F on Course { rating { count } __typename reviews(first: 1) { nodes { id } } }"""
    answer = await answered(engine, database, query)
    assert encoded(answer.payload["data"]) == (
        b'{"z":"Query","courses":{"nodes":[{"b":"T","rating":{"count":0},"__typename":"Course",'
        b'"reviews":{"nodes":[],"totalCount":0},"a":"T","slug":"s"}]}}'
    )


async def test_a_null_in_a_non_null_position_is_reported_as_by_graphql_core(
    database: Database, raw: None
) -> None:
    """And the results of the batches are not requested again."""
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course)])
    await database["courses"].update_one({}, {"$unset": {"title": ""}})
    query = "{ courses { nodes { id reviews { nodes { course { title } } } } } }"
    answers = []
    for compiled in (True, False):
        engine = Executor(schema, compiled=compiled)
        answers.append(await answered(engine, database, query))
    assert [answer.engine for answer in answers] == ["compiled", "reference"]
    payloads = [answer.payload for answer in answers]
    for payload in payloads:
        for error in payload["errors"]:
            del error["extensions"]["errorId"]
    assert payloads[0] == payloads[1]


async def test_completing_an_answer_sends_no_command_twice(
    executor: Executor, database: Database, mongo_commands: list[str], raw: None
) -> None:
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course)])
    await database["reviews"].update_one({}, {"$set": {"body": None}})
    mongo_commands.clear()
    answer = await answered(executor, database, "{ courses { nodes { reviews { nodes { body } } } } }")
    assert "errors" in answer.payload
    assert mongo_commands == ["find courses", "find reviews"]


async def test_shared_parents_and_constant_lists_are_complete(executor: Executor, database: Database) -> None:
    """Two reviews by one student each get the result of the student's level."""
    course, student = factories.course(), factories.student(name="Ada")
    reviews = [factories.review(course, student) for _ in range(2)]
    await store(database, courses=[course], students=[student], reviews=reviews)
    query = "{ courses { nodes { reviews { nodes { student { name reviews { totalCount } } } } } } }"
    answer = await answered(executor, database, query)
    nodes = answer.payload["data"]["courses"]["nodes"][0]["reviews"]["nodes"]
    assert nodes == [{"student": {"name": "Ada", "reviews": {"totalCount": 2}}}] * 2
