"""Courses: creating, changing, publishing and archiving."""

from asyncio import gather

import pytest

from loaders.model import MOST_OLD_SLUGS
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.relay import ids
from tests import factories
from tests.writes.support import (
    STAFF,
    Doc,
    Gateway,
    Value,
    as_instructor,
    as_student,
    course_id,
    current,
    review_of,
    run_of,
    stored,
)

ADA, BOB = factories.instructor("Ada"), factories.instructor("Bob")
WEB = factories.category("web")
WHOLE = """course { slug title summary description category { slug } level deliveryModes durationDays language
  codes tags price { amountMinor currency } instructors { name } status studentCount rating { count } }"""


def instructors_ids(*instructors: Doc) -> list[str]:
    return [ids.encode_id("Instructor", instructor) for instructor in instructors]


@pytest.fixture
async def teachers(database: Database) -> None:
    await database["instructors"].insert_many([ADA, BOB])
    await database["categories"].insert_one(WEB)


def described(**fields: Value) -> Doc:
    """Makes a course that Ada teaches, with everything that publishing requires."""
    defaults: Doc = {
        "summary": "About it.", "categorySlug": "web", "deliveryModes": ["ONLINE"],
        "instructorIds": [ADA["_id"]],
    }  # fmt: skip
    return factories.course(**(defaults | fields))


# -- createCourse ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("teachers")
async def test_a_new_course_is_a_draft_of_its_creator(gateway: Gateway) -> None:
    values = {
        "title": "  Café <b>Web</b>\n Design ", "summary": "Look\x07", "description": "# `<div>`\n\n1 < 2",
        "categoryId": ids.encode_id("Category", WEB), "level": "BEGINNER",
        "deliveryModes": ["ONLINE", "ONLINE"],
        "durationDays": 3, "language": "pt-BR", "codes": ["WD-1"], "tags": ["css", "css", "html"],
        "price": {"amountMinor": 129900, "currency": "INR"}, "instructorIds": instructors_ids(BOB),
    }  # fmt: skip
    payload = await gateway.done(as_instructor(ADA), "createCourse", WHOLE, **values, clientMutationId="mine")
    assert payload["clientMutationId"] == "mine"
    assert payload["course"] == {
        "slug": "cafe-b-web-b-design", "title": "Café <b>Web</b> Design", "summary": "Look",
        "description": "# `<div>`\n\n1 < 2", "category": {"slug": "web"}, "level": "BEGINNER",
        "deliveryModes": ["ONLINE"], "durationDays": 3, "language": "pt-BR", "codes": ["WD-1"],
        "tags": ["css", "html"], "price": {"amountMinor": 129900, "currency": "INR"},
        "instructors": [{"name": "Ada"}, {"name": "Bob"}], "status": "DRAFT", "studentCount": 0,
        "rating": {"count": 0},
    }  # fmt: skip


@pytest.mark.usefixtures("teachers")
async def test_staff_create_a_course_without_instructors(gateway: Gateway) -> None:
    payload = await gateway.done(STAFF, "createCourse", WHOLE, title="A", slug="b")
    assert payload["course"]["instructors"] == []
    assert payload["course"]["slug"] == "b"


@pytest.mark.usefixtures("teachers")
async def test_concurrent_courses_with_one_title_get_distinct_slugs(gateway: Gateway) -> None:
    made = await gather(
        *(gateway.done(as_instructor(ADA), "createCourse", title="C++ & C") for _ in range(6))
    )
    assert {payload["course"]["slug"] for payload in made} == {
        "cpp-c", *(f"cpp-c-{number}" for number in range(2, 7))
    }  # fmt: skip


async def test_generated_slugs_are_accepted_as_input(gateway: Gateway) -> None:
    for title in ("long " * 30, "long " * 30, "हिन्दी व्याकरण", "?!"):
        made = await gateway.done(STAFF, "createCourse", title=title)
        course = made["course"]
        changed = await gateway.done(STAFF, "updateCourse", courseId=course["id"], slug=course["slug"])
        assert changed["course"]["slug"] == course["slug"]


INVALID = [
    ("title", " \x07\u200d "), ("title", "x" * 201), ("slug", "No Slug"), ("slug", "a--b"), ("slug", ""),
    ("slug", None), ("summary", "x" * 501), ("description", "x" * 20_001), ("durationDays", 0),
    ("durationDays", 3_651), ("language", "english!"), ("codes", ["x" * 41]), ("codes", ["x"] * 21),
    ("codes", None), ("tags", [" "]), ("price.currency", {"amountMinor": 1, "currency": "XYZ"}),
    ("price.amountMinor", {"amountMinor": -1, "currency": "EUR"}), ("instructorIds", None),
    ("deliveryModes", None), ("idempotencyKey", ""), ("idempotencyKey", "x" * 201),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), INVALID)
async def test_an_invalid_value_is_reported_with_its_path(
    gateway: Gateway, database: Database, path: str, value: Value
) -> None:
    values = {"title": "A", path.partition(".")[0]: value}
    assert await gateway.codes(STAFF, "createCourse", **values) == [("INVALID", *path.split("."))]
    assert await database["courses"].count_documents({}) == 0


@pytest.mark.usefixtures("teachers")
async def test_all_invalid_values_are_reported_at_once(gateway: Gateway, database: Database) -> None:
    assert await gateway.codes(
        STAFF, "createCourse", title="", durationDays=0, categoryId="nothing", tags=[""]
    ) == [("NOT_FOUND", "categoryId"), ("INVALID", "durationDays"), ("INVALID", "tags"), ("INVALID", "title")]
    await database["courses"].insert_one(factories.course(slug="taken"))
    nobody = ids.encode_id("Category", factories.category("none"))
    strangers = instructors_ids(ADA, factories.instructor("Eve"))
    assert await gateway.codes(
        STAFF, "createCourse", title="A", slug="taken", categoryId=nobody, instructorIds=strangers
    ) == [("NOT_FOUND", "categoryId"), ("DUPLICATE", "slug"), ("NOT_FOUND", "instructorIds")]


async def test_only_instructors_and_staff_create_courses(gateway: Gateway) -> None:
    student = as_student(factories.student())
    nobody = Viewer(roles=frozenset({"INSTRUCTOR"}), subject="an instructor whom nobody knows")
    assert await gateway.codes(student, "createCourse", title="A") == [("FORBIDDEN",)]
    assert await gateway.codes(nobody, "createCourse", title="A") == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), "createCourse", title="") == [("UNAUTHENTICATED",)]


# -- updateCourse ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("teachers")
async def test_omitted_fields_stay_and_null_removes(gateway: Gateway, database: Database) -> None:
    course = described(description="Long.", level="BEGINNER", price={"amountMinor": 1, "currency": "EUR"})
    await stored(database, courses=[course])
    payload = await gateway.done(
        as_instructor(ADA), "updateCourse", WHOLE, courseId=course_id(course), title="Rust",
        description=None, price=None,
    )  # fmt: skip
    changed = payload["course"]
    assert (changed["title"], changed["description"], changed["price"]) == ("Rust", None, None)
    assert (changed["level"], changed["summary"]) == ("BEGINNER", "About it.")
    found = await gateway.ask('{ courses(filter: { search: "rust" }) { nodes { title } } }')
    assert found["courses"]["nodes"] == [{"title": "Rust"}]


@pytest.mark.usefixtures("teachers")
async def test_blank_text_is_stored_as_null(gateway: Gateway, database: Database) -> None:
    course = described(description="Long.", language="en", status="DRAFT")
    await stored(database, courses=[course])
    payload = await gateway.done(
        STAFF, "updateCourse", WHOLE, courseId=course_id(course), description=" ", language="", summary="\n"
    )
    assert [payload["course"][name] for name in ("description", "language", "summary")] == [None] * 3


@pytest.mark.usefixtures("teachers")
async def test_instructors_cant_remove_themselves(gateway: Gateway, database: Database) -> None:
    course = described()
    await stored(database, courses=[course])
    payload = await gateway.done(
        as_instructor(ADA),
        "updateCourse",
        WHOLE,
        courseId=course_id(course),
        instructorIds=instructors_ids(BOB),
    )
    assert payload["course"]["instructors"] == [{"name": "Ada"}, {"name": "Bob"}]
    payload = await gateway.done(STAFF, "updateCourse", WHOLE, courseId=course_id(course), instructorIds=[])
    assert payload["course"]["instructors"] == []


@pytest.mark.usefixtures("teachers")
async def test_required_fields_of_a_published_course_cant_be_removed(
    gateway: Gateway, database: Database
) -> None:
    course = described()
    await stored(database, courses=[course])
    assert await gateway.codes(
        STAFF, "updateCourse", courseId=course_id(course), summary=None, categoryId=None, deliveryModes=[]
    ) == [("INVALID", "summary"), ("INVALID", "deliveryModes")]


@pytest.mark.usefixtures("teachers")
async def test_refused_changes_of_courses(gateway: Gateway, database: Database) -> None:
    course, draft = described(slug="one"), described(status="DRAFT")
    await stored(database, courses=[course, draft])
    target, hidden = {"courseId": course_id(course)}, {"courseId": course_id(draft)}
    ada, bob = as_instructor(ADA), as_instructor(BOB)
    assert await gateway.codes(ada, "updateCourse", **hidden, slug="one") == [("DUPLICATE", "slug")]
    assert await gateway.codes(ada, "updateCourse", **target, title=None) == [("INVALID", "title")]
    assert await gateway.codes(bob, "updateCourse", **target, title="B") == [("FORBIDDEN",)]
    assert await gateway.codes(bob, "updateCourse", **hidden, title="B") == [("NOT_FOUND", "courseId")]
    nothing = {"courseId": course_id(factories.course())}
    assert await gateway.codes(STAFF, "updateCourse", **nothing) == [("NOT_FOUND", "courseId")]
    assert await gateway.codes(Viewer(), "updateCourse", **target) == [("UNAUTHENTICATED",)]
    assert (await current(database, "courses", course))["title"] == course["title"]


async def find(gateway: Gateway, slug: str) -> Value:
    answer = await gateway.ask(f'{{ course(slug: "{slug}") {{ slug }} }}')
    return answer["course"]


@pytest.mark.usefixtures("teachers")
async def test_a_former_slug_still_leads_to_its_course(gateway: Gateway, database: Database) -> None:
    course = described(slug="one")
    await stored(database, courses=[course])
    for slug in ("two", "three", "two"):
        changed = await gateway.done(STAFF, "updateCourse", courseId=course_id(course), slug=slug)
        assert changed["course"]["slug"] == slug
    assert [await find(gateway, slug) for slug in ("one", "two", "three", "four")] == [
        *[{"slug": "two"}] * 3, None,
    ]  # fmt: skip
    assert (await current(database, "courses", course))["oldSlugs"] == ["one", "three"]
    entries = [entry async for entry in database["auditLog"].find(sort=[("_id", 1)])]
    changes = [entry["changes"][0] for entry in entries]
    assert [(c["before"]["slug"], c["after"]["slug"]) for c in changes] == [
        ("one", "two"), ("two", "three"), ("three", "two"),
    ]  # fmt: skip
    assert not any("oldSlugs" in change["after"] for change in changes)


@pytest.mark.usefixtures("teachers")
async def test_nobody_else_takes_a_former_slug(gateway: Gateway, database: Database) -> None:
    course, other = described(slug="now", oldSlugs=["go", "go-2"]), described(slug="other")
    await stored(database, courses=[course, other])
    taken = "Another course used to have this slug, and old links still lead to that course."
    for slug, message in (("go", taken), ("now", "Another course has this slug.")):
        for mutation, values in (
            ("createCourse", {"title": "A"}),
            ("updateCourse", {"courseId": course_id(other)}),
        ):
            (error,) = (await gateway.write(STAFF, mutation, slug=slug, **values))["errors"]
            assert error == {"code": "DUPLICATE", "path": ["input", "slug"], "message": message}
    made = await gateway.done(STAFF, "createCourse", title="Go")
    assert made["course"]["slug"] == "go-3"
    assert await find(gateway, "go") == {"slug": "now"}


@pytest.mark.usefixtures("teachers")
async def test_a_course_keeps_its_last_former_slugs(gateway: Gateway, database: Database) -> None:
    course = described(slug="now", oldSlugs=[f"s{n}" for n in range(MOST_OLD_SLUGS)])
    await stored(database, courses=[course])
    await gateway.done(STAFF, "updateCourse", courseId=course_id(course), slug="next")
    kept = [f"s{n}" for n in range(1, MOST_OLD_SLUGS)]
    assert (await current(database, "courses", course))["oldSlugs"] == [*kept, "now"]


# -- publishCourse, archiveCourse -------------------------------------------------------------------------


@pytest.mark.usefixtures("teachers")
async def test_a_draft_is_published_once_it_is_described(gateway: Gateway, database: Database) -> None:
    bare = described(status="DRAFT", summary=None, categorySlug=None, deliveryModes=[])
    await stored(database, courses=[bare])
    target = {"courseId": course_id(bare)}
    payload = await gateway.write(as_instructor(ADA), "publishCourse", **target)
    assert payload["errors"] == [
        {
            "code": "INVALID",
            "message": f"The course needs {need} before it can be published.",
            "path": ["input", "courseId"],
        }
        for need in ("a summary", "a delivery mode")
    ]
    await gateway.done(
        STAFF, "updateCourse", **target, summary="It", categoryId=ids.encode_id("Category", WEB),
        deliveryModes=["ONSITE"],
    )  # fmt: skip
    listed = "{ courses { nodes { status } } }"
    assert (await gateway.ask(listed))["courses"]["nodes"] == []
    payload = await gateway.done(as_instructor(ADA), "publishCourse", **target)
    assert payload["course"]["status"] == "PUBLISHED"
    assert (await gateway.ask(listed))["courses"]["nodes"] == [{"status": "PUBLISHED"}]


async def test_a_course_that_was_imported_without_a_summary_stays_published(
    gateway: Gateway, database: Database
) -> None:
    course = factories.course(summary=None)
    await stored(database, courses=[course])
    payload = await gateway.done(STAFF, "publishCourse", courseId=course_id(course))
    assert payload["course"]["status"] == "PUBLISHED"
    assert await database["auditLog"].count_documents({}) == 0


@pytest.mark.parametrize("name", ["publishCourse", "archiveCourse"])
@pytest.mark.usefixtures("teachers")
async def test_refused_publishing_and_archiving(gateway: Gateway, database: Database, name: str) -> None:
    course, draft = described(), described(status="DRAFT")
    await stored(database, courses=[course, draft])
    target, hidden = {"courseId": course_id(course)}, {"courseId": course_id(draft)}
    assert await gateway.codes(as_instructor(BOB), name, **target) == [("FORBIDDEN",)]
    assert await gateway.codes(as_instructor(BOB), name, **hidden) == [("NOT_FOUND", "courseId")]
    assert await gateway.codes(as_student(factories.student()), name, **target) == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), name, **target) == [("UNAUTHENTICATED",)]
    assert await gateway.codes(STAFF, name, courseId="x") == [("NOT_FOUND", "courseId")]


@pytest.mark.usefixtures("teachers")
async def test_an_archived_course_keeps_its_history_and_comes_back_with_it(
    gateway: Gateway, database: Database
) -> None:
    course, other = described(), described()
    students = [factories.student() for _ in range(3)]
    reviews = [review_of(course, by) for by in students] + [review_of(other, students[0])]
    enrollments = [factories.enrollment(course, by) for by in students]
    await stored(
        database, courses=[course, other], students=students, reviews=reviews, enrollments=enrollments,
        courseRuns=[run_of(course)],
    )  # fmt: skip
    target = {"courseId": course_id(course)}
    payload = await gateway.done(as_instructor(ADA), "archiveCourse", **target)
    assert payload["course"]["status"] == "ARCHIVED"
    assert payload["course"]["rating"]["count"] == payload["course"]["studentCount"] == 3
    for by, shown in ((students[0], [reviews[3]]), (students[1], [])):
        reviewed = "query($id: ID!) { student(id: $id) { reviews { totalCount nodes { id } } } }"
        data = await gateway.ask(reviewed, {"id": ids.encode_id("Student", by)})
        listed = [{"id": ids.encode_id("Review", review)} for review in shown]
        assert data["student"]["reviews"] == {"totalCount": len(shown), "nodes": listed}
    query = "query($id: ID!) { course(id: $id) { id } node(id: $id) { id } courses { totalCount } }"
    assert await gateway.ask(query, {"id": target["courseId"]}) == {
        "course": None, "node": None, "courses": {"totalCount": 1},
    }  # fmt: skip
    mine = "{ viewer { student { enrollments { nodes { status course { title } } } } } }"
    data = await gateway.ask(mine, viewer=as_student(students[0]))
    assert data["viewer"]["student"]["enrollments"]["nodes"] == [
        {"status": "ACTIVE", "course": {"title": course["title"]}}
    ]
    selected = "course { status reviews { totalCount nodes { rating } } runs { totalCount } }"
    payload = await gateway.done(as_instructor(ADA), "publishCourse", selected, **target)
    assert payload["course"]["status"] == "PUBLISHED"
    assert len(payload["course"]["reviews"]["nodes"]) == payload["course"]["reviews"]["totalCount"] == 3
    assert payload["course"]["runs"]["totalCount"] == 1
