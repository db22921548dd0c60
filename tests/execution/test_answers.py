"""What is known of an answer: its errors, what it was read from, and whether it may be cached."""

from time import monotonic
from typing import Any

import pytest

from app.execution import Answer, Executor, Operation, Prepared
from app.observing import Record
from loaders.mongo import Database, Scope, current_scope
from resolvers.context import PUBLIC, Viewer
from resolvers.relay import encode_id
from resolvers.schema import schema
from tests import factories
from tests.factories import store
from tests.support import NOW, request_for

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")


async def answer(database: Database, text: str, viewer: Viewer = PUBLIC, *, compiled: bool = True) -> Answer:
    """The answer to an operation whose request records what it reads."""
    executor = Executor(schema, compiled=compiled)
    prepared = executor.prepare(Operation(text))
    assert isinstance(prepared, Prepared), prepared
    scope = Scope(monotonic() + 60, reads={})
    token = current_scope.set(scope)
    try:
        found = await executor.run(prepared, request_for(database, viewer, scope=scope))
    finally:
        current_scope.reset(token)
    assert isinstance(found, Answer), found
    return found


@pytest.fixture
async def catalogue(database: Database) -> dict[str, Any]:
    course = factories.course(categorySlug="c", slug="one")
    other, student = factories.course(), factories.student()
    category, review = factories.category("c"), factories.review(course, student)
    await store(
        database,
        courses=[course, other],
        categories=[category],
        students=[student],
        reviews=[review],
    )
    return {"course": course, "category": category, "review": review, "student": student}


@pytest.mark.parametrize("compiled", [True, False])
async def test_an_answer_says_which_documents_it_was_read_from(
    database: Database, catalogue: dict[str, Any], compiled: bool
) -> None:
    text = """{ course(slug: "one") { category { name } reviews { nodes { student { name } } } }
                platform { students } }"""
    found = await answer(database, text, compiled=compiled)
    assert found.reads == {
        "courses": {catalogue["course"]["_id"]},
        "categories": {catalogue["category"]["_id"]},
        "reviews": {catalogue["review"]["_id"]},
        "students": {catalogue["student"]["_id"]},
    }


@pytest.mark.usefixtures("catalogue")
async def test_a_collection_that_was_only_counted_is_among_them(database: Database) -> None:
    found = await answer(database, "{ courses { totalCount } platform { students } }")
    assert set(found.reads) == {"courses", "students"}
    assert found.reads["students"] == set()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("text", "collections"),
    [
        ("{ platform { reviews } }", {"courses", "reviews"}),
        ("{ node(id: $id) { ... on Student { reviews(orderBy: $order) { nodes { id } } } } }",
         {"students", "reviews", "courses"}),
        ("{ node(id: $id) { ... on Student { reviews(orderBy: $order) { totalCount } } } }",
         {"students", "reviews", "courses"}),
    ],
    ids=["a union", "a page that looks up courses", "a count that looks up courses"],
)  # fmt: skip
async def test_a_collection_that_a_pipeline_joins_is_among_them(
    database: Database, catalogue: dict[str, Any], text: str, collections: set[str]
) -> None:
    student = encode_id("Student", catalogue["student"])
    text = text.replace("$id", f'"{student}"').replace("$order", "{field: RATING, direction: DESC}")
    found = await answer(database, text)
    assert found.errors == ()
    assert set(found.reads) == collections


@pytest.mark.usefixtures("catalogue")
async def test_nothing_is_recorded_unless_the_request_asks(database: Database) -> None:
    executor = Executor(schema)
    prepared = executor.prepare(Operation("{ courses { nodes { title } } }"))
    assert isinstance(prepared, Prepared)
    found = await executor.run(prepared, request_for(database))
    assert isinstance(found, Answer)
    assert found.reads == {}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("text", "viewer", "cacheable"),
    [
        ("{ courses { totalCount } }", PUBLIC, True),
        ("{ courses { totalCount } }", STAFF, False),
        ("{ courses(first: 1000) { totalCount } }", PUBLIC, False),
        ("mutation { signOut(input: {}) { clientMutationId } }", PUBLIC, False),
        ("{ courses { totalCount } viewer { roles } }", PUBLIC, False),
        ("{ mine: rateLimit { limit } }", PUBLIC, False),
        ("{ courses { nodes { ...F } } } fragment F on Course { viewerCanReview }", PUBLIC, False),
    ],
    ids=["public", "with a token", "with an error", "mutation", "viewer", "budget", "nested"],
)
async def test_what_may_be_cached(database: Database, text: str, viewer: Viewer, cacheable: bool) -> None:
    found = await answer(database, text, viewer)
    assert found.cacheable is cacheable
    assert (found.errors == ()) is ("errors" not in found.payload)


async def test_an_answer_with_a_trace_is_not_cacheable(database: Database) -> None:
    executor = Executor(schema)
    prepared = executor.prepare(Operation("{ __typename }"))
    assert isinstance(prepared, Prepared)
    found = await executor.run(prepared, request_for(database, record=Record(NOW, is_shown=True)))
    assert isinstance(found, Answer)
    assert found.payload["extensions"]["lectern"]["mongo"]["commands"] == 0
    assert not found.cacheable
