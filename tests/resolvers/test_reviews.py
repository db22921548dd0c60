"""The list of all reviews: the public one, and the moderation queue of staff."""

from typing import Any

import pytest

from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from tests import factories
from tests.factories import DAY, T0, store
from tests.support import RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")
LIST = """query($filter: ReviewFilter, $orderBy: ReviewOrder, $first: Int, $after: String) {
  reviews(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { body flagCount moderationReason status course { title } student { name } } } }"""


async def bodies(run_query: RunQuery, viewer: Viewer, **variables: Any) -> list[str]:
    found = (await run_query(LIST, variables, viewer=viewer))["reviews"]
    assert found["totalCount"] == len(found["nodes"])
    return [review["body"] for review in found["nodes"]]


def catalogue(times: int = 1) -> dict[str, list[Any]]:
    course, draft, student = factories.course(), factories.course(status="DRAFT"), factories.student()
    reviews = []
    for n in range(times):
        at = T0 + n * 10 * DAY
        reviews += [
            factories.review(course, student, body="one (x)", createdAt=at, rating=1),
            factories.review(
                course, student, body="two", title="Tea", createdAt=at + DAY, rating=2, flagCount=2
            ),
            factories.review(course, student, body="three", createdAt=at + 2 * DAY, status="PENDING"),
            factories.review(
                course, student, body="four Tea", createdAt=at + 3 * DAY, status="REJECTED", flagCount=1,
                moderationReason="Rude.",
            ),
            factories.review(draft, student, body="five", createdAt=at + 4 * DAY),
        ]  # fmt: skip
    return {"courses": [course, draft], "students": [student], "reviews": reviews}


@pytest.mark.parametrize(
    ("filter", "public", "staff"),
    [
        ({}, ["two", "one (x)"], ["five", "four Tea", "three", "two", "one (x)"]),
        ({"statuses": ["PENDING"]}, [], ["three"]),
        ({"flagged": True}, [], ["four Tea", "two"]),
        ({"flagged": False}, ["two", "one (x)"], ["five", "three", "one (x)"]),
        ({"flagged": True, "statuses": ["PUBLISHED"]}, [], ["two"]),
        ({"flagged": False, "ratings": [2]}, ["two"], None),
        ({"flagged": False, "search": "tea"}, [], []),
        ({"search": "tea"}, [], ["four Tea", "two"]),
        ({"search": "TEA four"}, [], ["four Tea"]),
        ({"search": "(X"}, [], ["one (x)"]),
        ({"search": " "}, ["two", "one (x)"], ["five", "four Tea", "three", "two", "one (x)"]),
        ({"search": "\u200b"}, ["two", "one (x)"], ["five", "four Tea", "three", "two", "one (x)"]),
        ({"search": ".*"}, [], []),
        ({"search": "\0"}, [], []),
        ({"ratings": [1]}, ["one (x)"], None),
    ],
)
async def test_staff_see_and_search_every_review(
    database: Database,
    run_query: RunQuery,
    filter: dict[str, Any],
    public: list[str],
    staff: list[str] | None,
) -> None:
    await store(database, **catalogue())
    assert await bodies(run_query, PUBLIC, filter=filter) == public
    if staff is not None:
        assert await bodies(run_query, STAFF, filter=filter) == staff


async def test_the_list_has_orders_and_pages(database: Database, run_query: RunQuery) -> None:
    await store(database, **catalogue())
    order = {"field": "RATING", "direction": "ASC"}
    assert await bodies(run_query, PUBLIC, orderBy=order) == ["one (x)", "two"]
    first = (await run_query(LIST, {"first": 2}, viewer=STAFF))["reviews"]
    after = first["pageInfo"]["endCursor"]
    rest = (await run_query(LIST, {"first": 5, "after": after}, viewer=STAFF))["reviews"]
    assert [one["body"] for one in (*first["nodes"], *rest["nodes"])] == [
        "five", "four Tea", "three", "two", "one (x)"
    ]  # fmt: skip


async def test_only_staff_see_flags_and_reasons(database: Database, run_query: RunQuery) -> None:
    documents = catalogue()
    documents["reviews"][1]["moderationReason"] = "Fine."
    await store(database, **documents)
    for viewer, count, reason in ((PUBLIC, 0, None), (STAFF, 2, "Fine.")):
        found = await run_query(LIST, {"filter": {"ratings": [2]}}, viewer=viewer)
        seen = [one for one in found["reviews"]["nodes"] if one["body"] == "two"]
        assert [(one["flagCount"], one["moderationReason"]) for one in seen] == [(count, reason)]


@pytest.mark.parametrize("viewer", [PUBLIC, STAFF], ids=["public", "staff"])
@pytest.mark.parametrize("filter", [{}, {"search": "tea"}, {"flagged": True}], ids=str)
async def test_the_number_of_commands_is_constant(
    database: Database, run_query: RunQuery, mongo_commands: list[str], viewer: Viewer, filter: dict[str, Any]
) -> None:
    await store(database, **catalogue())
    mongo_commands.clear()
    await run_query(LIST, {"filter": filter}, viewer=viewer)
    before = sorted(mongo_commands)
    await store(database, **catalogue(2))
    mongo_commands.clear()
    await run_query(LIST, {"filter": filter}, viewer=viewer)
    assert sorted(mongo_commands) == before
    assert len(before) <= 4  # the page and its length, courses and students


async def test_only_the_beginning_of_a_list_is_searched(
    database: Database, run_query: RunQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.reading.listing.MOST_SCANNED", 3)
    await store(database, **catalogue())
    assert await bodies(run_query, STAFF, filter={"search": "tea"}) == ["four Tea"]
