"""Connections: every element exactly once, whatever the order, the page size and what else happens."""

from collections.abc import Mapping
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.listing import Key
from loaders.mongo import Database
from resolvers.cursors import Cursors
from resolvers.errors import InvalidCursorError
from tests import factories
from tests.factories import store
from tests.support import RunQuery

COURSE_ORDERS = ["RELEVANCE", "RATING", "POPULARITY", "NEWEST", "TITLE", "DURATION", "PRICE"]
REVIEW_ORDERS = ["NEWEST", "HELPFUL", "RATING"]

walks = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Few values, so that there are ties; None where the field may be null.
course_fields = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Go", "go!", "Élan", "Zig", "SQL for all"]),
        "studentCount": st.integers(0, 2),
        "durationDays": st.none() | st.integers(1, 2),
        "price": st.none() | st.builds(lambda n: {"amountMinor": n, "currency": "INR"}, st.integers(0, 2)),
        "stars": st.lists(st.integers(0, 1), min_size=5, max_size=5),
        "createdAt": st.integers(0, 2).map(lambda n: factories.T0 + n * factories.DAY),
    }
)
review_fields = st.fixed_dictionaries(
    {
        "rating": st.none() | st.integers(1, 3),
        "helpfulCount": st.integers(0, 2),
        "unhelpfulCount": st.integers(0, 1),
        "createdAt": st.none() | st.integers(0, 2).map(lambda n: factories.T0 + n * factories.DAY),
    }
)

PAGE = "nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WINDOW = "$first: Int, $after: String, $last: Int, $before: String"
GIVEN = "first: $first, after: $after, last: $last, before: $before, orderBy: $order"
COURSES = f"""query({WINDOW}, $order: CourseOrder, $search: String) {{
  list: courses({GIVEN}, filter: {{search: $search}}) {{ {PAGE} }} }}"""
REVIEWS = f"""query({WINDOW}, $order: ReviewOrder, $course: String) {{
  course(slug: $course) {{ list: reviews({GIVEN}) {{ {PAGE} }} }} }}"""


async def walk(
    run_query: RunQuery, text: str, variables: Mapping[str, Any], *, size: int, backwards: bool, between: Any
) -> list[str]:
    """The IDs of a list in its order, page by page; `between` is awaited after each page."""
    seen: list[str] = []
    cursor = None
    while True:
        window = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        data = await run_query(text, {**variables, **window})
        page = (data.get("course") or data)["list"]
        ids = [node["id"] for node in page["nodes"]]
        assert len(ids) == len(page["edges"]) <= size
        seen = ids + seen if backwards else seen + ids
        info = page["pageInfo"]
        assert info["hasPreviousPage" if not backwards else "hasNextPage"] is (cursor is not None)
        if not info["hasPreviousPage" if backwards else "hasNextPage"]:
            return seen
        assert ids
        cursor = info["startCursor" if backwards else "endCursor"]
        await between()


@walks
@given(
    fields=st.lists(course_fields, min_size=1, max_size=14),
    arriving=st.lists(course_fields, max_size=6),
    field=st.sampled_from(COURSE_ORDERS),
    direction=st.sampled_from(["ASC", "DESC"]),
    search=st.sampled_from([None, "g", "sql for"]),
    size=st.integers(1, 6),
    backwards=st.booleans(),
)
async def test_walking_courses_sees_each_exactly_once(
    indexed_database: Database,
    run_query: RunQuery,
    fields: list[dict[str, Any]],
    arriving: list[dict[str, Any]],
    field: str,
    direction: str,
    search: str | None,
    size: int,
    backwards: bool,
) -> None:
    await indexed_database["courses"].delete_many({})
    await store(indexed_database, courses=[factories.course(**f) for f in fields])
    variables = {"order": {"field": field, "direction": direction}, "search": search}
    whole = [n["id"] for n in (await run_query(COURSES, {**variables, "first": 100}))["list"]["nodes"]]
    assert search or len(whole) == len(fields)
    waiting = [factories.course(**f) for f in arriving]

    async def insert() -> None:
        if waiting:
            await store(indexed_database, courses=[waiting.pop()])

    seen = await walk(run_query, COURSES, variables, size=size, backwards=backwards, between=insert)
    assert [i for i in seen if i in whole] == whole
    assert len(seen) == len(set(seen))


@walks
@given(
    fields=st.lists(review_fields, min_size=1, max_size=14),
    arriving=st.lists(review_fields, max_size=6),
    field=st.sampled_from(REVIEW_ORDERS),
    direction=st.sampled_from(["ASC", "DESC"]),
    size=st.integers(1, 6),
    backwards=st.booleans(),
)
async def test_walking_reviews_sees_each_exactly_once(
    indexed_database: Database,
    run_query: RunQuery,
    fields: list[dict[str, Any]],
    arriving: list[dict[str, Any]],
    field: str,
    direction: str,
    size: int,
    backwards: bool,
) -> None:
    for name in ("courses", "reviews"):
        await indexed_database[name].delete_many({})
    course = factories.course()
    await store(indexed_database, courses=[course], reviews=[factories.review(course, **f) for f in fields])
    variables = {"order": {"field": field, "direction": direction}, "course": course["slug"]}
    data = await run_query(REVIEWS, {**variables, "first": 100})
    whole = [n["id"] for n in data["course"]["list"]["nodes"]]
    assert len(whole) == len(fields)
    waiting = [factories.review(course, **f) for f in arriving]

    async def insert() -> None:
        if waiting:
            await store(indexed_database, reviews=[waiting.pop()])

    seen = await walk(run_query, REVIEWS, variables, size=size, backwards=backwards, between=insert)
    assert [i for i in seen if i in whole] == whole
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("field", COURSE_ORDERS)
async def test_an_order_is_its_opposite_backwards(
    database: Database, run_query: RunQuery, field: str
) -> None:
    courses = [factories.course(durationDays=n and 10 * n, studentCount=n % 2) for n in (None or 0, 1, 1, 2)]
    await store(database, courses=courses)
    orders = [
        await run_query(COURSES, {"order": {"field": field, "direction": d}, "search": None})
        for d in ("ASC", "DESC")
    ]
    ascending, descending = ([n["id"] for n in data["list"]["nodes"]] for data in orders)
    assert ascending == descending[::-1]
    assert len(ascending) == 4


async def test_pages_are_20_and_at_most_100(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=[factories.course() for _ in range(101)])
    data = await run_query("{ a: courses { nodes { id } } b: courses(first: 100) { nodes { id } } }")
    assert [len(data[name]["nodes"]) for name in "ab"] == [20, 100]
    for arguments, message in (
        ("first: 101", "`first` is 101: it takes 0 to 100. Follow `pageInfo` for more."),
        ("last: -1", "`last` is -1: it takes 0 to 100. Follow `pageInfo` for more."),
        ("first: 1, last: 1", "Give `first` or `last`, not both."),
    ):
        payload = await run_query(f"{{ courses({arguments}) {{ nodes {{ id }} }} }}", errors=True)
        assert payload["data"] is None
        assert payload["errors"][0]["message"] == message
        assert payload["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_an_empty_page_still_tells_where_it_lies(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=[factories.course()])
    data = await run_query(
        "{ courses(first: 0) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    assert data["courses"] == {
        "totalCount": 1,
        "nodes": [],
        "pageInfo": {"hasNextPage": True, "endCursor": None},
    }


@pytest.mark.parametrize(
    "changed",
    [
        "orderBy: {field: TITLE, direction: ASC}",
        "orderBy: {field: RELEVANCE, direction: ASC}",
        'filter: {search: "go"}',
        "filter: {hasSeats: false}",
    ],
)
async def test_a_cursor_is_refused_where_filter_or_order_changed(
    database: Database, run_query: RunQuery, changed: str
) -> None:
    await store(database, courses=[factories.course() for _ in range(2)])
    first = await run_query("{ courses(first: 1) { pageInfo { endCursor } } }")
    cursor = first["courses"]["pageInfo"]["endCursor"]
    same = await run_query(f'{{ courses(first: 1, after: "{cursor}") {{ nodes {{ id }} }} }}')
    assert len(same["courses"]["nodes"]) == 1
    payload = await run_query(
        f'{{ courses(first: 1, after: "{cursor}", {changed}) {{ nodes {{ id }} }} }}', errors=True
    )
    assert payload["errors"][0]["extensions"] == {"code": "INVALID_CURSOR"}
    assert "`after` is not a cursor of this list" in payload["errors"][0]["message"]


@pytest.mark.parametrize("cursor", ["", "x", "não", "AAAA", "A" * 400, "🙂"])
async def test_what_is_no_cursor_is_refused(database: Database, run_query: RunQuery, cursor: str) -> None:
    payload = await run_query(
        "query($c: String) { courses(before: $c) { nodes { id } } }", {"c": cursor}, errors=True
    )
    assert payload["errors"][0]["extensions"] == {"code": "INVALID_CURSOR"}


@given(value=st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text())
def test_a_cursor_gives_back_its_key(value: Any) -> None:
    key = Key(value, ObjectId())
    scope = Cursors(b"secret").scope("list")
    cursor = scope.cursor(key)
    assert scope.key(cursor, "after") == key
    for other in (Cursors(b"another").scope("list"), Cursors(b"secret").scope("other")):
        with pytest.raises(InvalidCursorError):
            other.key(cursor, "after")
