"""The actual cost of an operation: what it counts, on both engines."""

from time import monotonic
from typing import Any

import pytest
from bson import ObjectId

from app.execution import Answer, Executor, Operation, Prepared
from app.execution.pricing.cost import Cost
from loaders.mongo import Database, Scope, current_scope, find, transaction
from resolvers.context import PUBLIC, Viewer
from resolvers.relay import encode_id
from resolvers.schema import schema
from resolvers.schema.writes.payloads import EVENTS
from tests import factories
from tests.execution.metered import actual_cost, metered
from tests.support import UNLIMITED, request_for
from tests.writes.scenes import scenes
from tests.writes.support import operation

BOTH = [Executor(schema, UNLIMITED, compiled=compiled) for compiled in (True, False)]
both_engines = pytest.mark.parametrize("by", BOTH, ids=["compiled", "reference"])


@pytest.fixture
async def catalogue(database: Database) -> Database:
    """Three courses of one category, the first with two reviews by one student."""
    courses = [factories.course(f"C{n}", categorySlug="art", tags=["a", "b"][:n], codes=[]) for n in range(3)]
    student = factories.student("Ana")
    reviews = [factories.review(courses[0], student, n) for n in range(2)]
    await factories.store(
        database,
        categories=[factories.category("art")],
        courses=courses,
        students=[student],
        reviews=reviews,
    )
    return database


@both_engines
@pytest.mark.parametrize(
    ("query", "actual"),
    [
        ("{ __typename }", (0, 1, 0)),
        ("{ courses { nodes { title } } }", (1 + 3, 3, 1)),
        ("{ courses(first: 2) { edges { cursor node { title } } } }", (1 + 2 * 2, 2 * 4 + 2, 1)),
        ("{ courses(first: 100) { nodes { tags } } }", (1 + 3, 0 + 1 + 2, 1)),
        ("{ courses { nodes { description } } }", (1 + 3, 3 * 15, 1)),
        ("{ courses { totalCount } }", (1 + 20, 25, 2)),
        ("{ courses(first: 2) { totalCount } }", (1 + 2, 25, 2)),
        ('{ courses(filter: {tags: ["b"]}) { nodes { title } } }', (1 + 1, 1 + 1, 1)),
        ('{ course(slug: "none") { title reviews { nodes { body } } } }', (0, 0, 2)),
        ("{ courses { nodes { category { name } price { currency } } } }", (1 + 3 + 3, 3, 2)),
        ("{ courses { nodes { a: reviews { nodes { body } } } } }", (1 + 3 + 3 + 2, 3 * 25 + 2 * 5, 2)),
        ("{ courses @skip(if: true) { nodes { title } } __typename }", (0, 1, 0)),
        ('{ node(id: "x") { id } }', (0, 0, 0)),
    ],
)
async def test_an_answer_counts_what_it_has(
    catalogue: Database, by: Executor, query: str, actual: tuple[int, ...]
) -> None:
    result = await metered(by, catalogue, query)
    assert result.actual == actual, result.answer.payload


@both_engines
async def test_objects_of_an_interface_count_by_their_types(catalogue: Database, by: Executor) -> None:
    """Types are told apart by their keys; where these are equal, the lowest weight counts."""
    found = await metered(
        by,
        catalogue,
        "{ courses(first: 1) { nodes { id reviews(first: 1) { nodes { id } } } } categories { id } }",
    )
    data: Any = found.answer.payload["data"]
    ids = [data["courses"]["nodes"][0]["id"], data["categories"][0]["id"], "none"]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { %s } }"
    apart = "... on Course { description tags } ... on Category { description name }"
    result = await metered(by, catalogue, query % apart, {"ids": ids})
    tags = len(result.answer.payload["data"]["nodes"][0]["tags"])
    assert result.actual[:2] == (2, 3 + 15 + tags + 5 + 1)
    alike = "... on Course { x: description } ... on Category { x: description }"
    result = await metered(by, catalogue, query % alike, {"ids": ids})
    assert result.actual[:2] == (2, 3 + 2 * 5)


@both_engines
@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name fields { name type { ofType { name } } } } } }",
        "{ __schema { directives { name locations } } }",
        '{ __type(name: "Course") { fields(includeDeprecated: true) { name args { name } } } }',
        '{ __type(name: "No") { name } }',
    ],
)
async def test_introspection_takes_what_its_price_says(database: Database, by: Executor, query: str) -> None:
    result = await metered(by, database, query)
    assert result.actual.commands == 0
    assert result.actual == result.maximum


async def test_fields_beside_introspection_count_ten_times(catalogue: Database) -> None:
    result = await metered(
        BOTH[0], catalogue, "{ courses { nodes { title } } __schema { queryType { name } } }"
    )
    assert result.actual == (10 * (1 + 3) + 2, 10 * 3 + 2, 1)


async def test_equal_calls_on_graphql_core_are_in_the_price(catalogue: Database) -> None:
    """graphql-core makes each of them, and the price says so. Objects and values count as in a plan."""
    aliases = " ".join(f"a{n}: courses(first: 1) {{ totalCount }}" for n in range(50))
    compiled, reference = [await metered(by, catalogue, f"{{ {aliases} }}") for by in BOTH]
    assert compiled.actual == compiled.maximum == (100, 50 * 25, 2)
    assert reference.actual == reference.maximum == (100, 50 * 25, 100)


async def test_a_failed_operation_counts_its_commands(catalogue: Database) -> None:
    result = await metered(BOTH[0], catalogue, "{ courses(first: 101) { nodes { title } } }")
    assert result.actual == (0, 0, 0)


async def test_a_write_counts_its_transaction(database: Database, mongo_commands: list[str]) -> None:
    viewer, values = (await scenes(database))["createReview"]
    mongo_commands.clear()
    result = await metered(
        BOTH[0], database, operation("createReview", "__typename"), {"input": values}, viewer
    )
    # no webhook takes the event, and no review is held
    assert result.actual.commands == len(mongo_commands) == result.maximum.commands - EVENTS - 1
    assert result.actual.objects == 1


async def test_what_is_done_before_the_operation_doesnt_count(catalogue: Database) -> None:
    """Such as the commands that authentication sends, and the account of a new person that it writes."""
    prepared = BOTH[0].prepare(Operation("{ courses { nodes { title } } }"))
    assert isinstance(prepared, Prepared)
    scope = Scope(monotonic() + 60)
    outer = current_scope.set(scope)
    try:
        await find(catalogue["students"], {}, size=1)
        with scope.writing():
            await transaction(catalogue, lambda tx: tx.insert("accounts", {"_id": ObjectId()}))
        assert scope.wrote
        answer = await BOTH[0].run(prepared, request_for(catalogue, scope=scope))
    finally:
        current_scope.reset(outer)
    assert isinstance(answer, Answer)
    assert actual_cost(prepared, answer, scope).commands == 1
    assert not scope.wrote
    assert not scope.has_begun


@both_engines
@pytest.mark.parametrize(
    ("query", "is_fixed"),
    [
        ("{ __typename }", True),
        ('{ course(slug: "c") { ...Named } } fragment Named on Course { title price { currency } }', True),
        ("{ courses { totalCount } }", True),
        ("{ courses @skip(if: true) { nodes { title } } __typename }", True),
        ("query($x: Boolean = false) { courses { totalCount nodes @include(if: $x) { title } } }", True),
        ("query($x: Boolean = true) { courses { totalCount nodes @include(if: $x) { title } } }", False),
        ("{ courses { nodes { title } } }", False),
        ('{ course(slug: "c") { a: deliveryModes } }', False),
        ('{ course(slug: "c") { category { courses { edges { cursor } } } } }', False),
        ('{ node(id: "x") { id } }', False),
        ("{ __schema { queryType { name } } }", False),
        ('{ __type(name: "Course") { name } course(slug: "c") { title } }', False),
    ],
)
def test_without_lists_interfaces_and_introspection_the_size_is_fixed(
    by: Executor, query: str, is_fixed: bool
) -> None:
    prepared = by.prepare(Operation(query))
    assert isinstance(prepared, Prepared), prepared
    assert prepared.has_fixed_size == is_fixed


def test_an_actual_cost_has_a_price() -> None:
    assert Cost(4, 12, 1).price == 4 + 2 + 20


@pytest.fixture
async def rare(database: Database) -> Database:
    """Documents for which more commands than usual are sent, as many as the price says."""
    hidden = factories.course("Hidden", status="DRAFT", oldSlugs=["old"], prerequisiteIds=[])
    course = factories.course("C", slug="c", categorySlug="gone", prerequisiteIds=[hidden["_id"]])
    student = factories.student("Ana")
    reviews = [factories.review(course, student, n) for n in range(2)]
    await factories.store(
        database,
        categories=[factories.category("art", oldSlugs=["old"])],
        courses=[course, hidden],
        students=[student],
        reviews=reviews,
    )
    await database["reviews"].delete_one({"_id": reviews[0]["_id"]})  # its `_id` is still in newestReviewIds
    return database


TEACHER = Viewer(frozenset({"INSTRUCTOR"}), None, ObjectId(), "teacher")


@pytest.mark.parametrize(
    ("query", "viewer", "commands"),
    [
        ('{ course(slug: "old") { title } }', TEACHER, 3),
        ('{ course(slug: "none") { title } }', PUBLIC, 2),
        ('{ category(slug: "old") { name } }', PUBLIC, 2),
        ('{ course(slug: "c") { category { name } } }', PUBLIC, 1 + 2),
        ('{ course(slug: "c") { prerequisites { title } } }', TEACHER, 1 + 2),
        ('{ course(slug: "c") { reviews { nodes { body } } } }', PUBLIC, 1 + 2),
        ('{ student(id: "STUDENT") { reviews { nodes { body } } } }', PUBLIC, 1 + 3),
    ],
)
async def test_rare_commands_are_in_the_price(
    rare: Database, query: str, viewer: Viewer, commands: int
) -> None:
    student = await rare["students"].find_one({})
    assert student is not None
    query = query.replace("STUDENT", encode_id("Student", student))
    result = await metered(BOTH[0], rare, query, viewer=viewer)
    assert result.actual.commands == commands
    assert commands <= result.maximum.commands
