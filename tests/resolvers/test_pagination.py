"""Connections: paging visits every element exactly once, in any order, page size and under changes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.mongo.database import Database
from loaders.reading.listing import Key
from resolvers.context import Viewer
from resolvers.cursors import Cursors
from resolvers.errors import InvalidCursorError
from resolvers.relay.ids import encode_id
from tests import factories
from tests.factories import clear, store
from tests.resolvers.conftest import Ask, Doc, Json, Value
from tests.support import RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")
COURSE = factories.course("The course", slug="the-course")
STUDENT = factories.student("The student")

COURSE_ORDERS = ["RELEVANCE", "RATING", "POPULARITY", "NEWEST", "TITLE", "DURATION", "PRICE"]
PAGE = "nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WINDOW = "$first: Int, $after: String, $last: Int, $before: String"
GIVEN = "first: $first, after: $after, last: $last, before: $before"


@dataclass(frozen=True)
class List:
    """A connection under test: its query, its orders, and how its elements are made."""

    type_name: str
    collection: str
    text: str
    make: Callable[..., Doc]
    fields: Mapping[str, Any]  # few distinct values, so that there are ties; None if the field may be null
    orders: Sequence[str] = ()
    searches: Sequence[str | None] = (None,)


days = st.integers(0, 2).map(lambda n: factories.T0 + n * factories.DAY)
prices = st.integers(0, 2).map(lambda n: {"amountMinor": n, "currency": "INR"})

LISTS = {
    "Query.courses": List(
        "Course",
        "courses",
        f"query({WINDOW}, $order: CourseOrder, $search: String) "
        f"{{ list: courses({GIVEN}, orderBy: $order, filter: {{search: $search}}) {{ {PAGE} }} }}",
        factories.course,
        {
            "title": st.sampled_from(["Go", "go!", "Élan", "Zig", "SQL for all"]),
            "studentCount": st.integers(0, 2),
            "durationDays": st.none() | st.integers(1, 2),
            "price": st.none() | prices,
            "stars": st.lists(st.integers(0, 1), min_size=5, max_size=5),
            "createdAt": days,
        },
        COURSE_ORDERS,
        (None, "g", "sql for"),
    ),
    "Course.reviews": List(
        "Review",
        "reviews",
        f"query({WINDOW}, $order: ReviewOrder) "
        f'{{ course(slug: "the-course") {{ list: reviews({GIVEN}, orderBy: $order) {{ {PAGE} }} }} }}',
        partial(factories.review, COURSE),
        {
            "rating": st.none() | st.integers(1, 3),
            "helpfulCount": st.integers(0, 2),
            "unhelpfulCount": st.integers(0, 1),
            "createdAt": st.none() | days,
        },
        ["NEWEST", "HELPFUL", "RATING"],
    ),
    "Course.enrollments": List(
        "Enrollment",
        "enrollments",
        f'query({WINDOW}) {{ course(slug: "the-course") {{ list: enrollments({GIVEN}) {{ {PAGE} }} }} }}',
        partial(factories.enrollment, COURSE, STUDENT, status="COMPLETED"),
        {"enrolledAt": st.none() | days},
    ),
    "Course.runs": List(
        "CourseRun",
        "courseRuns",
        f'query({WINDOW}) {{ course(slug: "the-course") '
        f"{{ list: runs({GIVEN}, upcomingOnly: false) {{ {PAGE} }} }} }}",
        partial(factories.course_run, COURSE),
        {"startsAt": days},
    ),
    "Query.students": List(
        "Student",
        "students",
        f"query({WINDOW}) {{ list: students({GIVEN}) {{ {PAGE} }} }}",
        factories.student,
        {"name": st.sampled_from(["Ann", "ann", "Änn", "Zoë"])},
    ),
}


@pytest.mark.parametrize("name", LISTS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), size=st.integers(1, 6), backwards=st.booleans())
async def test_paging_visits_every_remaining_element_once(
    indexed_database: Database,
    run_query: RunQuery,
    name: str,
    data: st.DataObject,
    size: int,
    backwards: bool,
) -> None:
    """Elements are inserted and deleted between pages, even the element of the cursor."""
    connection = LISTS[name]
    some = st.fixed_dictionaries(dict(connection.fields))
    stored = [connection.make(**f) for f in data.draw(st.lists(some, min_size=1, max_size=14))]
    arriving = [connection.make(**f) for f in data.draw(st.lists(some, max_size=6))]
    leaving = data.draw(st.lists(st.sampled_from(stored), max_size=4, unique_by=id))
    order = {"direction": data.draw(st.sampled_from(["ASC", "DESC"]))}
    order |= {"field": data.draw(st.sampled_from(connection.orders))} if connection.orders else {}
    variables = {"order": order, "search": data.draw(st.sampled_from(connection.searches))}
    collection = indexed_database[connection.collection]
    await clear(indexed_database)
    await store(indexed_database, **{"courses": [COURSE], connection.collection: stored})

    async def ask(window: Mapping[str, Value]) -> Json:
        answer = await run_query(connection.text, {**variables, **window}, viewer=STAFF)
        return (answer.get("course") or answer)["list"]

    async def change() -> None:
        if arriving:
            await collection.insert_one(arriving.pop())
        elif leaving:
            await collection.delete_one({"_id": leaving.pop()["_id"]})

    whole = [node["id"] for node in (await ask({"first": 100}))["nodes"]]
    assert variables["search"] or len(whole) == len(stored)
    gone = {encode_id(connection.type_name, document) for document in leaving}
    seen = await walk(ask, size=size, backwards=backwards, between=change)
    assert [i for i in seen if i in whole and i not in gone] == [i for i in whole if i not in gone]
    assert len(seen) == len(set(seen))


async def walk(
    ask: Callable[[Mapping[str, Value]], Awaitable[Value]],
    *,
    size: int,
    backwards: bool,
    between: Callable[[], Awaitable[None]],
) -> list[str]:
    """Returns the IDs of a list in its order, read page by page. between: awaited after each page."""
    seen: list[str] = []
    cursor = None
    for _ in range(40):
        page = await ask({"last": size, "before": cursor} if backwards else {"first": size, "after": cursor})
        ids = [node["id"] for node in page["nodes"]]
        assert len(ids) == len(page["edges"]) <= size
        seen = ids + seen if backwards else seen + ids
        info = page["pageInfo"]
        assert info["hasNextPage" if backwards else "hasPreviousPage"] is (cursor is not None)
        if not info["hasPreviousPage" if backwards else "hasNextPage"]:
            return seen
        assert ids
        cursor = info["startCursor" if backwards else "endCursor"]
        await between()
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("field", COURSE_ORDERS)
async def test_ascending_is_descending_reversed(database: Database, run_query: RunQuery, field: str) -> None:
    courses = [factories.course(durationDays=n and 10 * n, studentCount=n % 2) for n in (None or 0, 1, 1, 2)]
    await store(database, courses=courses)
    text = "query($order: CourseOrder) { courses(orderBy: $order) { nodes { id } } }"
    orders = [await run_query(text, {"order": {"field": field, "direction": d}}) for d in ("ASC", "DESC")]
    ascending, descending = ([n["id"] for n in data["courses"]["nodes"]] for data in orders)
    assert ascending == descending[::-1]
    assert len(ascending) == 4


async def test_pages_are_20_and_at_most_100(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=[factories.course() for _ in range(101)])
    data = await run_query("{ a: courses { nodes { id } } b: courses(first: 100) { nodes { id } } }")
    assert [len(data[name]["nodes"]) for name in "ab"] == [20, 100]
    for arguments, message, details in (
        (
            "first: 101",
            "`first` is 101, but must be between 0 and 100. Use the cursors in `pageInfo` to fetch more.",
            {"reason": "TOO_LARGE", "params": {"max": 100}},
        ),
        (
            "last: -1",
            "`last` is -1, but must be between 0 and 100.",
            {"reason": "TOO_SMALL", "params": {"min": 0}},
        ),
        ("first: 1, last: 1", "`first` and `last` can't be combined.", {}),
    ):
        payload = await run_query(f"{{ courses({arguments}) {{ nodes {{ id }} }} }}", errors=True)
        assert payload["data"] is None
        assert payload["errors"][0]["message"] == message
        assert payload["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", **details}


async def test_an_empty_page_has_page_info(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=[factories.course()])
    data = await run_query(
        "{ courses(first: 0) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    assert data["courses"] == {
        "totalCount": 1,
        "nodes": [],
        "pageInfo": {"hasNextPage": True, "endCursor": None},
    }


@pytest.mark.parametrize("spelt", ["é{}", " {}", "{}\n", "{}=", "\n{}"])
async def test_cursors_have_one_canonical_form(database: Database, run_query: RunQuery, spelt: str) -> None:
    await store(database, courses=[factories.course() for _ in range(2)])
    first = await run_query("{ courses(first: 1) { pageInfo { endCursor } } }")
    query = "query($after: String) { courses(after: $after) { nodes { id } } }"
    cursor = spelt.format(first["courses"]["pageInfo"]["endCursor"])
    payload = await run_query(query, {"after": cursor}, errors=True)
    assert payload["errors"][0]["extensions"] == {"code": "INVALID_CURSOR"}


@pytest.mark.parametrize(
    "changed",
    [
        "orderBy: {field: TITLE, direction: ASC}",
        "orderBy: {field: RELEVANCE, direction: ASC}",
        'filter: {search: "go"}',
        "filter: {hasSeats: false}",
    ],
)
async def test_a_cursor_is_refused_with_another_filter_or_order(
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


@pytest.mark.parametrize(
    ("field", "filters"),
    [
        (
            "courses",
            ["null", "{}", '{search: ""}', '{search: " \\n\u200b "}', "{search: null}"],
        ),
        ("students", ["null", "{}", '{search: ""}', "{countries: null}"]),
        ('course(slug: "the-course") { reviews', ["null", "{}", "{verifiedOnly: false}"]),
    ],
)  # fmt: skip
async def test_equivalent_filters_give_the_same_cursor(
    database: Database, run_query: RunQuery, field: str, filters: Sequence[str]
) -> None:
    reviews = [factories.review(COURSE, STUDENT)]
    await store(database, courses=[COURSE], students=[STUDENT], reviews=reviews)
    end = "}" * field.count("{")
    cursors = []
    for arguments in ("", *(f"(filter: {text})" for text in filters)):
        data = await run_query(f"{{ {field}{arguments} {{ pageInfo {{ endCursor }} }} {end} }}", viewer=STAFF)
        connection = data["course"]["reviews"] if "course" in data else data[field]
        cursors.append(connection["pageInfo"]["endCursor"])
    assert cursors[0]
    assert cursors == [cursors[0]] * len(cursors)


@pytest.mark.parametrize("cursor", ["", "x", "não", "AAAA", "A" * 400, "🙂"])
async def test_invalid_cursors_are_refused(database: Database, run_query: RunQuery, cursor: str) -> None:
    payload = await run_query(
        "query($c: String) { courses(before: $c) { nodes { id } } }", {"c": cursor}, errors=True
    )
    assert payload["errors"][0]["extensions"] == {"code": "INVALID_CURSOR"}


@given(value=st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text())
def test_cursors_round_trip_for_their_parent_only(value: Value) -> None:
    key = Key(value, ObjectId())
    scope = Cursors(b"secret").scope("list")
    for parent, another in ((ObjectId(), ObjectId()), ("web-dev", "dev")):
        cursor = scope.cursor(parent, key)
        assert scope.read(cursor, "after", [parent]) == (key, [True], None)
        assert scope.read(cursor, "after", [another, parent]) == (key, [False, True], None)
        for wrong in (scope, Cursors(b"another").scope("list"), Cursors(b"secret").scope("other")):
            with pytest.raises(InvalidCursorError):
                wrong.read(cursor, "after", [another])


@pytest.mark.parametrize("carried", [True, False])
async def test_every_window_matches_a_list_in_memory(
    database: Database, run_query: RunQuery, carried: bool
) -> None:
    """All combinations of `first` or `last` with `after` and `before`, by Relay's algorithm."""
    student = factories.student()
    reviews = [factories.review(COURSE, student, n) for n in range(5)]
    await store(database, courses=[COURSE], students=[student], reviews=reviews)
    if not carried:
        for collection in ("courses", "students"):
            await database[collection].update_many({}, {"$unset": {"newestReviewIds": ""}})
    text = f'query({WINDOW}) {{ course(slug: "the-course") {{ list: reviews({GIVEN}) {{ {PAGE} }} }} }}'
    whole = (await run_query(text, {"first": 5}))["course"]["list"]["edges"]
    cursors = [edge["cursor"] for edge in whole]
    places: list[int | None] = [None, 0, 1, 2, 4]
    for after, before, size, backwards in product(places, places, [None, 0, 1, 2, 5, 6], [False, True]):
        window: Doc = {
            "last" if backwards else "first": size,
            "after": None if after is None else cursors[after],
            "before": None if before is None else cursors[before],
        }
        page = (await run_query(text, window))["course"]["list"]
        between = cursors[0 if after is None else after + 1 : before]
        most = 20 if size is None else size
        from_end = backwards and size is not None
        shown = between[max(0, len(between) - most) :] if from_end else between[:most]
        assert [edge["cursor"] for edge in page["edges"]] == shown, window
        more = len(between) > most
        assert page["pageInfo"] == {
            "hasNextPage": before is not None if from_end else more,
            "hasPreviousPage": more if from_end else after is not None,
            "startCursor": shown[0] if shown else None,
            "endCursor": shown[-1] if shown else None,
        }, window


@pytest.mark.parametrize("backwards", [False, True])
async def test_paging_towards_a_cursor_ends_there(
    database: Database, run_query: RunQuery, backwards: bool
) -> None:
    await store(database, courses=[factories.course() for _ in range(5)])
    text = f"query({WINDOW}) {{ list: courses({GIVEN}) {{ {PAGE} }} }}"
    whole = (await run_query(text, {"first": 5}))["list"]
    fixed = {"after": whole["edges"][1]["cursor"]} if backwards else {"before": whole["edges"][3]["cursor"]}

    async def ask(window: Mapping[str, Value]) -> Json:
        variables = {name: value for name, value in window.items() if value is not None}
        return (await run_query(text, {**fixed, **variables}))["list"]

    seen, cursor = [], None
    for _ in range(9):
        page = await ask({"last": 2, "before": cursor} if backwards else {"first": 2, "after": cursor})
        seen += [node["id"] for node in page["nodes"]]
        cursor = page["pageInfo"]["startCursor" if backwards else "endCursor"]
        if not page["pageInfo"]["hasPreviousPage" if backwards else "hasNextPage"]:
            break
        assert cursor
    expected = whole["nodes"][2:] if backwards else whole["nodes"][:3]
    assert sorted(seen) == sorted(node["id"] for node in expected)


NEXT = "nodes { id } pageInfo { endCursor }"
OTHERS = {
    "reviews": f'course(slug: "%s") {{ list: reviews(first: 1, after: $a) {{ {NEXT} }} }}',
    "runs": f'course(slug: "%s") {{ list: runs(first: 1, after: $a, upcomingOnly: false) {{ {NEXT} }} }}',
    "enrollments": f'course(slug: "%s") {{ list: enrollments(first: 1, after: $a) {{ {NEXT} }} }}',
    "courses": f'category(slug: "%s") {{ list: courses(first: 1, after: $a) {{ {NEXT} }} }}',
}


@pytest.mark.parametrize("name", OTHERS)
async def test_a_cursor_belongs_to_one_parents_list(ask: Ask, database: Database, name: str) -> None:
    """It is refused for another parent's list, even in the same request as its own parent's list."""
    categories = [factories.category(slug) for slug in ("one", "two")]
    courses = [factories.course(slug=slug, categorySlug=slug) for slug in ("one", "two")]
    more = [factories.course(categorySlug=slug) for slug in ("one", "two") for _ in range(2)]
    student = factories.student()
    each = [course for course in courses for _ in range(3)]
    imported = [{"source": "test", "id": str(n)} for n in range(len(each))]
    await store(
        database, categories=categories, courses=courses + more, students=[student],
        reviews=[factories.review(course) for course in each],
        courseRuns=[factories.course_run(course) for course in each],
        enrollments=[
            factories.enrollment(course, student, status="COMPLETED", externalId=e)
            for course, e in zip(each, imported, strict=True)
        ],
    )  # fmt: skip
    text = OTHERS[name]
    first = (await ask(f"query($a: String) {{ p: {text % 'one'} }}", viewer=STAFF))["data"]["p"]["list"]
    cursor = {"a": first["pageInfo"]["endCursor"]}
    own_next = (await ask(f"query($a: String) {{ p: {text % 'one'} }}", cursor, viewer=STAFF))["data"]["p"]
    assert own_next["list"]["nodes"] != first["nodes"]
    (error,) = (await ask(f"query($a: String) {{ p: {text % 'two'} }}", cursor, viewer=STAFF))["errors"]
    assert error["extensions"] == {"code": "INVALID_CURSOR"}
    both = await ask(f"query($a: String) {{ p: {text % 'one'} q: {text % 'two'} }}", cursor, viewer=STAFF)
    assert both["data"] == {"p": own_next, "q": None}
    assert [(e["path"], e["extensions"]["code"]) for e in both["errors"]] == [
        (["q", "list"], "INVALID_CURSOR")
    ]


async def test_a_cursor_beneath_several_parents(ask: Ask, database: Database) -> None:
    """It belongs to one of the parents at most: the others have an error instead of a page."""
    courses = [factories.course() for _ in range(3)]
    await store(database, courses=courses, reviews=[factories.review(c) for c in courses for _ in range(3)])
    ids = [encode_id("Course", course) for course in courses]
    text = """query($ids: [ID!]!, $a: String) { nodes(ids: $ids) { ... on Course {
      reviews(first: 1, after: $a) { nodes { id } pageInfo { endCursor } } } } }"""
    first = (await ask(text, {"ids": ids}))["data"]["nodes"]
    cursor = first[1]["reviews"]["pageInfo"]["endCursor"]
    payload = await ask(text, {"ids": ids, "a": cursor})
    assert [node is None for node in payload["data"]["nodes"]] == [True, False, True]
    assert payload["data"]["nodes"][1]["reviews"]["nodes"] != first[1]["reviews"]["nodes"]
    assert [e["extensions"]["code"] for e in payload["errors"]] == ["INVALID_CURSOR"] * 2
    assert [e["path"] for e in payload["errors"]] == [["nodes", n, "reviews"] for n in (0, 2)]
