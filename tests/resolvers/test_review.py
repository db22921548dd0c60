"""Pages of the newest reviews by ids that courses and students store: equal to pages of the listing."""

from collections.abc import Iterator, Mapping
from itertools import chain

import pytest

from loaders.model.newest_review_ids import CARRIERS, NEWEST, unpack_ids
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.relay.ids import encode_id
from tests import factories
from tests.factories import DAY, T0, clear, store
from tests.resolvers.conftest import Doc, Value
from tests.support import RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}))
LENGTHS = (0, 1, 5, NEWEST - 1, NEWEST, NEWEST + 1, 40)  # numbers of public reviews

Documents = dict[str, list[Doc]]


def written(course: Mapping[str, Value], student: Mapping[str, Value], public: int) -> Iterator[Doc]:
    """Yields three public reviews for each day, some without a date, and pending ones among them."""
    for n in range(public):
        yield factories.review(course, student, createdAt=None if n % 7 == 3 else T0 + n // 3 * DAY)
        if n % 4 == 0:
            yield factories.review(course, student, createdAt=T0 + n * DAY, status="PENDING")


def catalogue(lengths: tuple[int, ...] = LENGTHS) -> Documents:
    """Returns, for each length, a course with that many public reviews by one student of its own.

    Each student has also reviewed a hidden course.
    """
    courses, students = ([make() for _ in lengths] for make in (factories.course, factories.student))
    archived = factories.course(status="ARCHIVED")
    public = chain.from_iterable(map(written, courses, students, lengths))
    hidden = [factories.review(archived, student) for student in students]
    return {"courses": [*courses, archived], "students": students, "reviews": [*public, *hidden]}


TYPES = {"courses": "Course", "students": "Student"}
WINDOW = ", $first: Int, $after: String"


def query(collection: str, field: str, declared: str = "") -> str:
    """Returns a query for a field of courses or students by `ids`."""
    type_name = TYPES[collection]
    return f"query($ids: [ID!]!{declared}) {{ nodes(ids: $ids) {{ ... on {type_name} {{ {field} }} }} }}"


def ids(collection: str, documents: Documents) -> list[str]:
    return [encode_id(TYPES[collection], document) for document in documents[collection]]


PAGE = """reviews(first: $first, after: $after) { totalCount nodes { id rating } edges { cursor }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"""


async def remove_stored_ids(database: Database) -> None:
    """Removes the stored ids, so that pages come from the listing."""
    for collection in CARRIERS:
        await database[collection].update_many({}, {"$unset": {"newestReviewIds": ""}})


def review_commands(commands: list[str]) -> list[str]:
    return [command for command in commands if command.endswith(" reviews")]


@pytest.mark.parametrize("first", [None, 0, 1, 5, 19, 20, 21, 22, 100])
@pytest.mark.parametrize("collection", TYPES)
async def test_pages_by_stored_ids_equal_pages_of_the_listing(
    database: Database, run_query: RunQuery, collection: str, first: int | None
) -> None:
    documents = catalogue()
    await store(database, **documents)
    text, variables = query(collection, PAGE, WINDOW), {"ids": ids(collection, documents), "first": first}
    carried = await run_query(text, variables)
    await remove_stored_ids(database)
    assert carried == await run_query(text, variables)


@pytest.mark.parametrize("collection", TYPES)
async def test_the_listing_continues_after_a_page_by_stored_ids(
    database: Database, run_query: RunQuery, collection: str
) -> None:
    documents = catalogue((30,))
    await store(database, **documents)
    text, parent = query(collection, PAGE, WINDOW), {"ids": ids(collection, documents)[:1]}
    whole = await run_query(text, parent | {"first": 100})
    seen, after = [], None
    for _ in range(5):
        page = (await run_query(text, parent | {"first": 7, "after": after}))["nodes"][0]["reviews"]
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert len(seen) == 30
    assert seen == whole["nodes"][0]["reviews"]["nodes"]


#: A field of courses -> the commands that it costs the public for any number of courses. For students the
#: listing is queried too, because each has a review of a hidden course.
FIELDS = {
    "reviews { nodes { body } }": ["find reviews"],
    "reviews(first: 2) { nodes { body } pageInfo { hasNextPage endCursor } }": ["find reviews"],
    "reviews(orderBy: {field: NEWEST, direction: DESC}) { nodes { body } }": ["find reviews"],
    "reviews(first: 2) { totalCount nodes { body } }": ["find reviews", "aggregate reviews"],
    "a: reviews(first: 2) { nodes { body } } b: reviews(first: 2) { nodes { id } }": ["find reviews"],
    "reviews(first: 0) { pageInfo { hasNextPage } }": [],
    "reviews(first: 21) { nodes { body } }": ["aggregate reviews"],
    "reviews(last: 2) { nodes { body } }": ["aggregate reviews"],
    "reviews(orderBy: {field: NEWEST, direction: ASC}) { nodes { body } }": ["aggregate reviews"],
    "reviews(orderBy: {field: HELPFUL, direction: DESC}) { nodes { body } }": ["aggregate reviews"],
}


@pytest.mark.parametrize("collection", TYPES)
@pytest.mark.parametrize("field", FIELDS)
async def test_newest_reviews_cost_one_find_at_any_width(
    database: Database, run_query: RunQuery, mongo_commands: list[str], collection: str, field: str
) -> None:
    for times in (1, 2):
        await clear(database)
        documents = catalogue(LENGTHS * times)
        await store(database, **documents)
        mongo_commands.clear()
        data = await run_query(query(collection, field), {"ids": ids(collection, documents)})
        assert len(data["nodes"]) == len(documents[collection])
        expected = FIELDS[field]
        if collection == "students" and "aggregate reviews" not in expected[:1]:
            expected = ["find reviews", "aggregate reviews", *expected[1:]]
        assert review_commands(mongo_commands) == expected
        assert mongo_commands.count("find courses") == (collection == "courses" or "find reviews" in expected)


async def test_newest_reviews_of_students_cost_two_finds(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    """Their courses are looked up, and the selected fields of the courses cost no further command."""
    documents = catalogue()
    documents["reviews"] = [
        r for r in documents["reviews"] if r["courseId"] != documents["courses"][-1]["_id"]
    ]
    await store(database, **documents)
    for below in ("body", "body course { title description }"):
        mongo_commands.clear()
        text = query("students", f"reviews {{ nodes {{ {below} }} pageInfo {{ hasNextPage }} }}")
        data = await run_query(text, {"ids": ids("students", documents)})
        assert len(data["nodes"]) == len(documents["students"])
        assert mongo_commands == ["find students", "find reviews", "find courses"]


async def test_the_next_element_is_looked_up_only_if_selected(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    """The second of three reviews is hidden: a page of one needs to know only for `hasNextPage`."""
    shown, hidden = factories.course(), factories.course(status="ARCHIVED")
    student = factories.student()
    reviews = [
        factories.review(course, student, createdAt=T0 + n * DAY)
        for n, course in enumerate((shown, hidden, shown))
    ]
    documents = {"courses": [shown, hidden], "students": [student], "reviews": reviews}
    await store(database, **documents)
    newest = encode_id("Review", reviews[-1])
    three = ["find students", "find reviews", "find courses"]
    for selected, expected, commands in (
        ("", {}, three),
        ("pageInfo { hasNextPage }", {"pageInfo": {"hasNextPage": True}}, [*three, "aggregate reviews"]),
    ):
        mongo_commands.clear()
        text = query("students", f"reviews(first: 1) {{ nodes {{ id }} {selected} }}")
        data = await run_query(text, {"ids": ids("students", documents)})
        assert data["nodes"] == [{"reviews": {"nodes": [{"id": newest}], **expected}}]
        assert mongo_commands == commands


async def test_filters_use_the_listing(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    documents = catalogue()
    await store(database, **documents)
    text = query(
        "courses", "reviews(filter: $filter) { nodes { rating verified } }", ", $filter: ReviewFilter"
    )
    for criteria in ({"ratings": [5]}, {"verifiedOnly": True}, {"statuses": ["PENDING"]}):
        mongo_commands.clear()
        data = await run_query(text, {"ids": ids("courses", documents), "filter": criteria})
        assert review_commands(mongo_commands) == ["aggregate reviews"]
        found = [review for node in data["nodes"] if node for review in node["reviews"]["nodes"]]
        assert {review["rating"] for review in found} == ({5} if "ratings" in criteria else set())


@pytest.mark.parametrize(("viewer", "seen"), [(PUBLIC, 5), (STAFF, 7)])
async def test_staff_see_pending_reviews(
    database: Database, run_query: RunQuery, viewer: Viewer, seen: int
) -> None:
    documents = catalogue((5, 5))
    await store(database, **documents)
    data = await run_query(query("courses", PAGE, WINDOW), {"ids": ids("courses", documents)}, viewer=viewer)
    assert [len(node["reviews"]["nodes"]) for node in data["nodes"] if node][:2] == [seen, seen]


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize(
    "change",
    [None, {"status": "REJECTED"}],
    ids=str,
)
async def test_removed_reviews_are_not_on_a_page(
    database: Database, run_query: RunQuery, mongo_commands: list[str], change: Value, first: int
) -> None:
    documents = catalogue((5, 5))
    await store(database, **documents)
    stored = (await database["courses"].find_one({"_id": documents["courses"][0]["_id"]}) or {})[
        "newestReviewIds"
    ]
    newest = unpack_ids(stored)
    if change:
        await database["reviews"].update_one({"_id": newest[0]}, {"$set": change})
    else:
        await database["reviews"].delete_one({"_id": newest[0]})
    mongo_commands.clear()
    variables = {"ids": ids("courses", documents), "first": first}
    data = await run_query(query("courses", PAGE, WINDOW), variables)
    assert review_commands(mongo_commands) == ["find reviews", "find reviews", "aggregate reviews"]
    shown = [node["id"] for node in data["nodes"][0]["reviews"]["nodes"]]
    assert shown == [encode_id("Review", {"_id": i}) for i in newest[1 : first + 1]]
    await remove_stored_ids(database)
    assert data == await run_query(query("courses", PAGE, WINDOW), variables)


@pytest.mark.parametrize("stored", [None, b"", "old"])
async def test_one_document_without_valid_ids_makes_all_use_the_listing(
    database: Database, run_query: RunQuery, mongo_commands: list[str], stored: Value
) -> None:
    """Ids of an earlier version, which left out reviews of hidden courses, are not valid either."""
    documents = catalogue()
    await store(database, **documents)
    text = query("courses", "reviews(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } }")
    variables = {"ids": ids("courses", documents)}
    carried = await run_query(text, variables)
    one = {"_id": documents["courses"][3]["_id"]}
    if stored == "old":
        found = await database["courses"].find_one(one)
        assert found is not None
        stored = found["newestReviewIds"][1:]
    change = {"$unset": {"newestReviewIds": ""}} if stored is None else {"$set": {"newestReviewIds": stored}}
    await database["courses"].update_one(one, change)
    mongo_commands.clear()
    assert await run_query(text, variables) == carried
    assert review_commands(mongo_commands) == ["aggregate reviews"]


async def test_courses_without_reviews_cost_no_command(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    documents = {"courses": [factories.course() for _ in range(3)]}
    await store(database, **documents)
    mongo_commands.clear()
    data = await run_query("{ courses { nodes { reviews { nodes { id } pageInfo { hasNextPage } } } } }")
    assert [node["reviews"] for node in data["courses"]["nodes"]] == [
        {"nodes": [], "pageInfo": {"hasNextPage": False}}
    ] * 3
    assert mongo_commands == ["find courses"]
