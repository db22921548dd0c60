"""Fields of Query: nodes, students, reviews and the platform; and amounts of money."""

from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.relay import ids
from tests import factories
from tests.factories import clear, store
from tests.resolvers.conftest import Json
from tests.support import RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}))
TYPES = ["Category", "Course", "CourseRun", "Enrollment", "Instructor", "Review", "Student"]


async def one_of_each(database: Database, status: str = "PUBLISHED") -> dict[str, str]:
    """Stores an object of each type and returns type -> global ID."""
    course, student = factories.course(status=status), factories.student()
    stored = {
        "categories": factories.category("web"),
        "courses": course,
        "courseRuns": factories.course_run(course),
        "enrollments": factories.enrollment(course, student),
        "instructors": factories.instructor(),
        "reviews": factories.review(course, student),
        "students": student,
    }
    await store(database, **{name: [document] for name, document in stored.items()})
    return {name: ids.encode_id(name, doc) for name, doc in zip(TYPES, stored.values(), strict=True)}


NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


async def test_nodes_are_aligned_and_cost_one_command_per_type(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    by_type = await one_of_each(database)
    wanted = [
        *by_type.values(),
        "no ID",
        *reversed(by_type.values()),
        ids.encode_id("Course", {"_id": ObjectId()}),
    ]
    mongo_commands.clear()
    found = (await run_query(NODES, {"ids": wanted}, viewer=STAFF))["nodes"]
    assert len(mongo_commands) == len(TYPES)
    each = [{"__typename": name, "id": by_type[name]} for name in TYPES]
    assert found == [*each, None, *reversed(each), None]


async def test_hidden_objects_are_null_for_the_public(database: Database, run_query: RunQuery) -> None:
    shown = await one_of_each(database)
    found = (await run_query(NODES, {"ids": list(shown.values())}))["nodes"]
    assert [n and n["__typename"] for n in found] == [t if t != "Enrollment" else None for t in TYPES]
    await clear(database)
    hidden = await one_of_each(database, status="DRAFT")
    found = (await run_query(NODES, {"ids": [hidden[t] for t in ("Course", "CourseRun", "Review")]}))["nodes"]
    assert found == [None, None, None]
    data = await run_query("query($id: ID!) { review(id: $id) { body } }", {"id": hidden["Review"]})
    assert data["review"] is None


async def test_node_reaches_the_fields_of_its_type(database: Database, run_query: RunQuery) -> None:
    by_type = await one_of_each(database)
    text = "query($id: ID!) { node(id: $id) { id ... on Course { title reviews { totalCount } } } }"
    data = await run_query(text, {"id": by_type["Course"]})
    assert data["node"]["reviews"] == {"totalCount": 1}


@pytest.mark.parametrize(("size", "refused"), [(100, False), (101, True)])
async def test_nodes_takes_at_most_100(
    database: Database, run_query: RunQuery, size: int, refused: bool
) -> None:
    payload = await run_query(NODES, {"ids": ["x"] * size}, errors=True)
    assert ("errors" in payload) is refused
    if refused:
        assert payload["errors"][0]["message"] == "`ids` has 101 entries, but at most 100 are allowed."


@given(st.sampled_from(TYPES), st.binary(min_size=12, max_size=12))
def test_global_ids_round_trip(type_name: str, raw: bytes) -> None:
    global_id = ids.encode_id(type_name, {"_id": ObjectId(raw)})
    assert ids.decode_id(global_id) == (type_name, ObjectId(raw))
    assert len(global_id) == 20


@given(st.text(max_size=40) | st.text("ABCabc019-_=+/", min_size=20, max_size=20))
def test_invalid_ids_decode_to_none(text: str) -> None:
    decoded = ids.decode_id(text)
    assert decoded is None or ids.encode_id(decoded.type_name, {"_id": decoded.id}) == text


async def test_a_student_keeps_e_mail_and_enrolments_private(database: Database, run_query: RunQuery) -> None:
    ada, bob, course = (
        factories.student("Ada", email="ada@example.org"),
        factories.student(),
        factories.course(),
    )
    await store(
        database, students=[ada, bob], courses=[course], enrollments=[factories.enrollment(course, ada)]
    )
    text = "query($id: ID!) { student(id: $id) { name email enrollments { totalCount nodes { status } } } }"

    async def seen(viewer: Viewer) -> Json:
        student = (await run_query(text, {"id": ids.encode_id("Student", ada)}, viewer=viewer))["student"]
        return student["email"], student["enrollments"]

    nothing = (None, {"totalCount": 0, "nodes": []})
    everything = ("ada@example.org", {"totalCount": 1, "nodes": [{"status": "ACTIVE"}]})
    assert await seen(Viewer()) == nothing
    student = frozenset({"STUDENT"})
    assert await seen(Viewer(roles=student, student_id=bob["_id"])) == nothing
    assert await seen(Viewer(roles=student, student_id=ada["_id"])) == everything
    assert await seen(STAFF) == everything


async def test_students_are_listed_for_staff(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    students = [factories.student(name, country=c) for name, c in (("Zoë Lee", "IN"), ("Ada Lee", "US"))]
    await store(database, students=students)
    text = """query($filter: StudentFilter) {
      students(filter: $filter) { totalCount nodes { name } pageInfo { hasNextPage } } }"""
    mongo_commands.clear()
    data = await run_query(text)
    assert data["students"] == {"totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": False}}
    assert mongo_commands == []
    for given_filter, names in (
        ({}, ["Ada Lee", "Zoë Lee"]),
        ({"search": "zoe"}, ["Zoë Lee"]),
        ({"search": "lee a"}, ["Ada Lee"]),
        ({"countries": ["IN"]}, ["Zoë Lee"]),
    ):
        data = await run_query(text, {"filter": given_filter}, viewer=STAFF)
        assert [n["name"] for n in data["students"]["nodes"]] == names
        assert data["students"]["totalCount"] == len(names)


async def test_reviews_are_ordered_and_filtered(database: Database, run_query: RunQuery) -> None:
    course, student = factories.course(), factories.student()
    reviews = [
        factories.review(course, student, rating=5, helpfulCount=2, unhelpfulCount=0, body="few votes"),
        factories.review(
            course, student, rating=3, helpfulCount=90, unhelpfulCount=9, body="many", verified=True
        ),
        factories.review(course, None, rating=None, body="no votes"),
        factories.review(course, student, status="PENDING", body="waits"),
    ]
    await store(database, courses=[course], students=[student], reviews=reviews)
    text = """query($f: ReviewFilter, $o: ReviewOrder) { courses { nodes {
      reviews(filter: $f, orderBy: $o) { nodes { body student { name } } } } } }"""

    async def bodies(viewer: Viewer = Viewer(), **variables: Any) -> list[str]:  # noqa: B008 frozen
        data = await run_query(text, variables, viewer=viewer)
        return [n["body"] for n in data["courses"]["nodes"][0]["reviews"]["nodes"]]

    assert await bodies() == ["no votes", "many", "few votes"]
    assert await bodies(o={"field": "HELPFUL", "direction": "DESC"}) == ["many", "few votes", "no votes"]
    assert await bodies(o={"field": "RATING", "direction": "DESC"}) == ["few votes", "many", "no votes"]
    assert await bodies(f={"ratings": [3]}) == ["many"]
    assert await bodies(f={"verifiedOnly": True}) == ["many"]
    assert await bodies(f={"statuses": ["PENDING"]}) == []
    assert await bodies(STAFF, f={"statuses": ["PENDING"]}) == ["waits"]


async def test_a_students_reviews_are_hidden_with_their_courses(
    database: Database, run_query: RunQuery
) -> None:
    shown, archived, student = factories.course(), factories.course(status="ARCHIVED"), factories.student()
    await store(
        database,
        students=[student],
        courses=[shown, archived],
        reviews=[factories.review(c, student) for c in (shown, archived)],
    )
    text = "query($id: ID!) { student(id: $id) { reviews { totalCount nodes { course { title } } } } }"
    data = await run_query(text, {"id": ids.encode_id("Student", student)})
    assert data["student"]["reviews"] == {"totalCount": 1, "nodes": [{"course": {"title": shown["title"]}}]}


async def test_platform_counts_only_selected_fields(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    courses = [factories.course(stars=[0, 0, 0, 0, 1]), factories.course(stars=[0, 1, 0, 0, 0])]
    students = [factories.student(country=c) for c in ("IN", "IN", "DE", None)]
    enrollments = [factories.enrollment(c, students[0]) for c in courses]
    enrollments += [factories.enrollment(courses[0], students[1], status="CANCELLED")]
    await store(
        database,
        courses=[*courses, factories.course(status="DRAFT", stars=[9, 0, 0, 0, 0])],
        students=students,
        enrollments=enrollments,
        reviews=[factories.review(courses[0]), factories.review(courses[0], status="REJECTED")],
    )
    mongo_commands.clear()
    data = await run_query("{ platform { totalCourses } }")
    assert mongo_commands == ["aggregate courses"]
    data = await run_query(
        "{ platform { studentsEnrolled totalCourses students countries reviews averageRating } }"
    )
    assert data["platform"] == {
        "studentsEnrolled": 1,
        "totalCourses": 2,
        "students": 4,
        "countries": 2,
        "reviews": 1,
        "averageRating": 3.5,
    }


async def test_platform_of_an_empty_database(database: Database, run_query: RunQuery) -> None:
    data = await run_query("{ platform { studentsEnrolled totalCourses countries averageRating } }")
    assert data["platform"] == {
        "studentsEnrolled": 0, "totalCourses": 0, "countries": 0, "averageRating": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "currency", "formatted"),
    [
        (129900, "INR", "₹1,299.00"),
        (12498000, "INR", "₹1,24,980.00"),
        (1234567890, "INR", "₹1,23,45,678.90"),
        (124980_00, "USD", "$124,980.00"),
        (0, "USD", "$0.00"),
        (1500, "JPY", "¥1,500"),
        (1234567, "KWD", "KWD 1,234.567"),
        (5, "EUR", "€0.05"),
        (-250, "CHF", "-CHF 2.50"),
        (1500, "UYI", "UYI 1,500"),
        (1234567, "CLF", "CLF 123.4567"),
        (1234, "DEM", "DEM 12.34"),
    ],
)
async def test_money(
    database: Database, run_query: RunQuery, amount: int, currency: str, formatted: str
) -> None:
    await store(database, courses=[factories.course(price={"amountMinor": amount, "currency": currency})])
    data = await run_query("{ courses { nodes { price { amountMinor currency formatted } } } }")
    price = data["courses"]["nodes"][0]["price"]
    assert price == {"amountMinor": amount, "currency": currency, "formatted": formatted}


# -- categories and instructors -----------------------------------------------------------------------------


async def test_categories_are_in_the_order_of_their_positions(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    """Those of earlier versions have no position, which is the same as 0: they are ordered by name."""
    placed = {"a": 2, "b": 1, "c": None, "d": 0, "e": None, "f": 1}
    made = [
        factories.category(slug, **({} if position is None else {"position": position}))
        for slug, position in placed.items()
    ]
    await store(database, categories=made)
    mongo_commands.clear()
    data = await run_query("{ categories { slug position } }")
    assert [(c["slug"], c["position"]) for c in data["categories"]] == [
        ("c", 0), ("d", 0), ("e", 0), ("b", 1), ("f", 1), ("a", 2),
    ]  # fmt: skip
    assert mongo_commands == ["find categories"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("https://a.example/x.png", "https://a.example/x.png"),
        ("http://a.example/x.png", None),
        ("javascript:alert(1)", None),
        ("data:image/svg+xml,<svg/>", None),
        ("", None),
    ],
)
async def test_pictures_of_categories_and_instructors_are_https(
    database: Database, run_query: RunQuery, stored: str, shown: str | None
) -> None:
    grace = factories.instructor("Grace", avatarUrl=stored, bio="Taught.")
    await store(
        database,
        categories=[factories.category("web", imageUrl=stored, description="Pages.")],
        instructors=[grace],
        courses=[factories.course(instructorIds=[grace["_id"]])],
    )
    data = await run_query(
        "{ categories { description imageUrl } courses { nodes { instructors { bio avatarUrl } } } }"
    )
    assert data["categories"] == [{"description": "Pages.", "imageUrl": shown}]
    assert data["courses"]["nodes"][0]["instructors"] == [{"bio": "Taught.", "avatarUrl": shown}]


async def test_documents_without_the_later_fields_have_null(database: Database, run_query: RunQuery) -> None:
    grace, course = factories.instructor("Grace"), factories.course(categorySlug="web")
    course["instructorIds"] = [grace["_id"]]
    run = factories.course_run(course)
    del run["title"]
    await store(
        database,
        categories=[factories.category("web")],
        instructors=[grace],
        courses=[course],
        courseRuns=[run],
    )
    data = await run_query(
        """{ courses { nodes { category { description imageUrl position } instructors { bio avatarUrl }
        runs(upcomingOnly: false) { nodes { title } } } } }"""
    )
    assert data["courses"]["nodes"] == [
        {
            "category": {"description": None, "imageUrl": None, "position": 0},
            "instructors": [{"bio": None, "avatarUrl": None}],
            "runs": {"nodes": [{"title": None}]},
        }
    ]
