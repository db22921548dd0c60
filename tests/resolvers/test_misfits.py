"""Documents of other shapes: whatever others have stored, readers get defaults and never an error."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import chain, zip_longest
from typing import Any, TypeAlias

import pytest
from bson import DatetimeMS, Int64, ObjectId
from pymongo.errors import WriteError
from structlog.testing import capture_logs

from app.execution import Answer, Executor, Operation, Prepared
from app.settings import Settings
from loaders.collections import COLLECTIONS
from loaders.model import shape_of
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.schema import schema
from tests import factories
from tests.factories import DAY, T0, store
from tests.support import UNLIMITED, RunQuery, request_for
from tests.writes.support import served

ENGINES = [Executor(schema, UNLIMITED, compiled=compiled) for compiled in (True, False)]

ada = factories.student("Ada", email="ada@example.org", joinedAt=T0, country="IN", bio="B", avatarUrl="u")
grace = factories.instructor("Grace", headline="H", bio="B", avatarUrl="https://a.example/g.png")
web = factories.category("web", description="D", imageUrl="https://a.example/w.png", position=3)
courses = [
    factories.course(
        f"Course {n}", slug=f"course-{n}", instructorIds=[grace["_id"]], categorySlug="web", codes=["C"],
        tags=["t"], deliveryModes=["ONLINE"], level="BEGINNER", language="en", durationDays=3 + n,
        price={"amountMinor": 100 + n, "currency": "EUR"}, summary="S", description="D",
        stars=[0, 0, 1, 1, n], credits=2.5, institution="I", url="https://a.example/",
        imageUrl="https://a.example/i.png", importedRating={"average": 4.5, "count": None},
    )
    for n in range(3)
]  # fmt: skip
courses[0]["prerequisiteIds"] = [courses[1]["_id"]]
run = factories.course_run(
    courses[0], startsAt=T0 + 900 * DAY, seats=3, endsAt=T0 + 901 * DAY, location="L", title="T"
)
reply = {"instructorId": grace["_id"], "body": "Thanks", "createdAt": T0}
reviews = [
    factories.review(of, ada, reply=deepcopy(reply), title="T", importedHelpfulCount=0) for of in courses
]
enrollment = factories.enrollment(courses[0], ada, runId=run["_id"], completedAt=T0)
change = {"collection": "courses", "documentId": str(courses[0]["_id"]), "before": {"a": 1}, "after": None}
actor = {"subject": "s", "roles": ["STAFF"], "studentId": ada["_id"], "instructorId": grace["_id"]}
entry = {"_id": ObjectId(), "at": T0, "action": "a", "actor": actor, "address": "::1", "changes": [change]}
account = factories.account(
    roles=["STUDENT"], status="ACTIVE", studentId=ada["_id"], instructorId=grace["_id"], signedInAt=T0,
    seenAt=T0, emailVerifiedAt=T0,
)  # fmt: skip
wishlist = {"_id": ada["_id"], "courses": [{"courseId": courses[1]["_id"], "addedAt": T0}]}

STORED: dict[str, list[dict[str, Any]]] = {
    "categories": [web], "instructors": [grace], "courses": courses, "courseRuns": [run], "students": [ada],
    "enrollments": [enrollment], "reviews": reviews, "wishlists": [wishlist],
    "auditLog": [entry], "accounts": [account],
}  # fmt: skip

_COURSE = """
  id slug codes title summary description level deliveryModes durationDays language tags
  category { name } price { amountMinor currency formatted } status
  instructors { name headline bio avatarUrl }
  credits institution url imageUrl prerequisites { title }
  rating { average bayesian count withoutReviewCount imported { average count } histogram { stars count } }
  studentCount createdAt
  updatedAt viewerCanReview viewerEnrollment { status } viewerReview { rating }
  viewerHasWishlisted relatedCourses { title }
"""
_REVIEW = """
  id rating title body difficulty workloadHours term verified helpfulCount viewerFoundHelpful status
  createdAt updatedAt reply { body createdAt author { name } } student { name }
"""
FOR_STAFF = """
  accounts { totalCount edges { cursor node { id email emailVerified name roles status createdAt lastSeenAt
    student { name } instructor { name } } } }
  auditLog { edges { cursor node { id at action address
    actor { subject name email roles student { name } instructor { name } }
    changes { collection documentId before after } } } }
"""
EVERYTHING = f"""{{
  found: courses(filter: {{search: "course cou"}}) {{ edges {{ cursor node {{ title }} }} }}
  courses(filter: {{statuses: [DRAFT, PUBLISHED, ARCHIVED]}}) {{
    totalCount facets {{ categories {{ value count }} levels {{ value count }} deliveryModes {{ value count }}
      ratings {{ value count }} }}
    edges {{ cursor node {{ {_COURSE}
      runs(upcomingOnly: false) {{ totalCount edges {{ cursor node {{
        id title startsAt endsAt deliveryMode location seats seatsLeft waitlistCount
        course {{ title }} }} }} }}
      reviews {{ totalCount edges {{ cursor node {{ {_REVIEW} course {{ title }} }} }} }}
      enrollments {{ totalCount nodes {{ id status progress enrolledAt completedAt
        run {{ startsAt }} student {{ name }} }} }} }} }} }}
  categories {{ id slug name description imageUrl position courseCount courses {{ nodes {{ title }} }} }}
  students {{ edges {{ cursor node {{ id name avatarUrl country bio email joinedAt
    reviews {{ edges {{ cursor node {{ {_REVIEW} }} }} }}
    enrollments {{ edges {{ cursor node {{ status }} }} }} }} }} }}
  platform {{ studentsEnrolled totalCourses students countries reviews averageRating }}
  viewer {{ roles student {{ name }} instructor {{ name }}
    wishlist {{ edges {{ cursor node {{ title }} }} }} }}
}}"""
STAFF = Viewer(
    roles=frozenset({"STAFF", "STUDENT", "INSTRUCTOR"}), subject="s", student_id=ada["_id"],
    instructor_id=grace["_id"],
)  # fmt: skip

WRONG: tuple[Any, ...] = (
    None, True, 7, 2.5, -(2**31) - 1, float("nan"), Int64(2**40), "", "text", "published", b"bytes", [],
    ["a", None], [1, {}], [{"t": "course", "w": "x"}], DatetimeMS(2**50),
    {}, {"a": 1}, {"t": "course"}, T0, ObjectId(),
)  # fmt: skip


#: If readers can't see a document of the first collection of a line, they still see those of the others, and
#: vice versa. So one field of each is damaged at the same time, which saves queries.
_INDEPENDENT = (
    ("courses", "accounts", "auditLog"),
    ("reviews", "courseRuns", "categories"),
    ("students", "instructors"),
    ("enrollments",),
    ("wishlists",),
)
Field: TypeAlias = tuple[str, str]


def _damaged_together() -> Iterator[list[Field]]:
    """Each field of each collection is in one of the lists."""
    for first, *others in _INDEPENDENT:
        for fields in zip_longest(_fields(first), chain.from_iterable(map(_fields, others))):
            yield [field for field in fields if field]


def _fields(collection: str) -> Iterator[Field]:
    document = COLLECTIONS[collection].document
    assert document
    for field, shape in (shape_of(document).members or {}).items():
        if field not in ("_id", "externalId", "revision"):
            yield collection, field
            for inner in shape.members or {}:
                yield collection, f"{field}.{inner}"


async def _answers(database: Database, viewer: Viewer) -> list[dict[str, Any]]:
    payloads = []
    for engine in ENGINES:
        query = EVERYTHING if viewer == PUBLIC else EVERYTHING.replace("{", f"{{{FOR_STAFF}", 1)
        prepared = engine.prepare(Operation(query))
        assert isinstance(prepared, Prepared), prepared
        answer = await engine.run(prepared, request_for(database, viewer))
        assert isinstance(answer, Answer)
        payloads.append(dict(answer.payload))
    return payloads


@pytest.fixture
async def world(database: Database) -> Database:
    await store(database, **deepcopy(STORED))
    return database


@pytest.mark.parametrize("viewer", [PUBLIC, STAFF], ids=["public", "staff"])
async def test_sound_documents_have_no_errors(world: Database, viewer: Viewer) -> None:
    first, second = await _answers(world, viewer)
    assert first == second
    assert "errors" not in first


def test_every_collection_is_damaged() -> None:
    assert {collection for fields in _damaged_together() for collection, _ in fields} == STORED.keys()


@pytest.mark.parametrize(
    "fields", [*_damaged_together()], ids=lambda fields: " and ".join(map(".".join, fields))
)
async def test_a_value_that_is_missing_or_wrong_is_never_an_error(
    world: Database, fields: Sequence[Field]
) -> None:
    """In each field of each collection, for the public and the staff. Both engines give the same answer."""
    documents = {name: await world[name].find_one({"_id": STORED[name][0]["_id"]}) for name, _ in fields}
    for value in (..., *WRONG):
        damaged = [field for field in fields if await _damage(world, field, value)]
        if not damaged:
            continue
        for viewer in (PUBLIC, STAFF):
            first, second = await _answers(world, viewer)
            assert "errors" not in first, (damaged, value, first["errors"])
            assert first == second, (damaged, value)
        for name, document in documents.items():
            assert document
            await world[name].replace_one({"_id": document["_id"]}, document)


async def _damage(world: Database, field: Field, value: Any) -> bool:
    """Damages the first document. Returns whether MongoDB accepts it."""
    collection, name = field
    damage = {"$unset": {name: ""}} if value is ... else {"$set": {name: value}}
    try:
        await world[collection].update_one({"_id": STORED[collection][0]["_id"]}, damage)
    except WriteError:  # two arrays in one index, or a field of a value that isn't an object
        return False
    return True


# -- what is shown instead ----------------------------------------------------------------------------------


async def test_what_readers_get_instead(database: Database, run_query: RunQuery) -> None:
    """A course of which only what is needed to find it is stored."""
    own = ObjectId()
    await database["courses"].insert_one({"_id": own, "status": "PUBLISHED", "slug": "bare"})
    data = await run_query(f'{{ course(slug: "bare") {{ {_COURSE} }} }}')
    made = own.generation_time.strftime("%Y-%m-%dT%H:%M:%SZ")
    expected: dict[str, Any] = {
        "slug": "bare", "codes": [], "title": "", "summary": None, "description": None, "level": None,
        "deliveryModes": [], "durationDays": None, "language": None, "tags": [], "category": None,
        "price": None, "credits": None, "institution": None, "url": None, "imageUrl": None,
        "prerequisites": [], "instructors": [], "status": "PUBLISHED", "studentCount": 0,
        "createdAt": made, "updatedAt": made,
    }  # fmt: skip
    assert data["course"].items() >= expected.items()
    assert data["course"]["rating"] == {
        "average": None, "bayesian": 3.5, "count": 0, "withoutReviewCount": 0, "imported": None,
        "histogram": [{"stars": stars, "count": 0} for stars in (5, 4, 3, 2, 1)],
    }  # fmt: skip


async def test_the_log_names_the_document(settings: Settings, database: Database) -> None:
    course = factories.course()
    await store(database, courses=[{**course, "tags": "a,b", "summary": 5}])
    async with served(settings) as gateway:
        with capture_logs() as logged:
            await gateway.ask("{ courses { nodes { tags summary title } } }")
    (line,) = [line for line in logged if "wrong shape" in line["event"]]
    assert (line["collection"], line["id"], line["fields"]) == (
        "courses", str(course["_id"]), ["summary", "tags"],
    )  # fmt: skip


async def test_values_of_a_list_that_do_not_fit_are_left_out(database: Database, run_query: RunQuery) -> None:
    course = factories.course() | {"tags": ["a", None, 5, "b"], "deliveryModes": ["ONLINE", "SOMEWHERE"]}
    await store(database, courses=[course])
    data = await run_query("{ courses { nodes { tags deliveryModes } } }")
    assert data["courses"]["nodes"] == [{"tags": ["a", "b"], "deliveryModes": ["ONLINE"]}]


async def test_whole_doubles_and_long_integers_are_integers(database: Database, run_query: RunQuery) -> None:
    price = {"amountMinor": Int64(500), "currency": "EUR"}
    course = factories.course() | {"durationDays": 30.0, "price": price, "ratingBayesian": 4}
    await store(database, courses=[course])
    query = "{ courses { nodes { durationDays price { formatted } rating { bayesian } } } }"
    assert (await run_query(query))["courses"]["nodes"] == [
        {"durationDays": 30, "price": {"formatted": "€5.00"}, "rating": {"bayesian": 4.0}}
    ]


@pytest.mark.parametrize("tags", [["a"], "not a list"])
@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (2**30 - 1, 2**30 - 1), (2**30, 2**30), (-(2**30), -(2**30)),
        (2**31 - 1, 2**31 - 1), (-(2**31), -(2**31)), (2**31, None), (-(2**31) - 1, None),
        (Int64(-(2**31)), -(2**31)), (Int64(2**31), None),
    ],
)  # fmt: skip
async def test_integers_at_their_bounds(
    database: Database, run_query: RunQuery, days: int, shown: int | None, tags: Any
) -> None:
    """Also in a document that is repaired because of another field."""
    await store(database, courses=[factories.course() | {"durationDays": days, "tags": tags}])
    data = await run_query("{ courses { nodes { durationDays tags } } }")
    assert data["courses"]["nodes"] == [{"durationDays": shown, "tags": ["a"] if tags == ["a"] else []}]


@pytest.mark.parametrize("status", [..., "published", None, 1])
async def test_a_course_without_a_status_is_a_draft(
    database: Database, run_query: RunQuery, status: Any
) -> None:
    course = factories.course(slug="c", status=status)
    if status is ...:
        del course["status"]
    await store(database, courses=[course])
    query = '{ course(slug: "c") { status } }'
    assert (await run_query(query))["course"] is None
    assert (await run_query(query, viewer=STAFF))["course"] == {"status": "DRAFT"}


async def test_a_document_whose_id_is_no_object_id_is_not_shown(
    database: Database, run_query: RunQuery
) -> None:
    shown = factories.course()
    await store(database, courses=[shown])
    await database["courses"].insert_one({**factories.course(), "_id": "text"})
    data = await run_query("{ courses { nodes { id title } } }")
    assert [course["title"] for course in data["courses"]["nodes"]] == [shown["title"]]


async def test_references_that_lead_nowhere(database: Database, run_query: RunQuery) -> None:
    enrollment = factories.enrollment({"_id": ObjectId()}, {"_id": ObjectId()}, runId=ObjectId())
    student = factories.student()
    await store(database, students=[student], enrollments=[{**enrollment, "studentId": student["_id"]}])
    query = "{ students { nodes { enrollments { nodes { course { title status } run { id } } } } } }"
    (found,) = (await run_query(query, viewer=STAFF))["students"]["nodes"]
    assert found["enrollments"]["nodes"] == [{"course": {"title": "", "status": "DRAFT"}, "run": None}]


# -- pages --------------------------------------------------------------------------------------------------

_ORDERED = {
    "RATING": "ratingBayesian", "POPULARITY": "studentCount", "NEWEST": "createdAt", "TITLE": "sortTitle",
    "DURATION": "durationDays", "PRICE": "price",
}  # fmt: skip


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("order", _ORDERED)
async def test_pages_reach_documents_without_the_field_that_orders_them(
    database: Database, run_query: RunQuery, order: str, direction: str
) -> None:
    """Each exactly once, and backwards in the reverse order."""
    made = [
        factories.course(durationDays=n, price={"amountMinor": n, "currency": "EUR"})
        | {"ratingBayesian": n / 2, "studentCount": n}
        for n in range(8)
    ]
    for course in made[::3]:
        del course[_ORDERED[order]]
    made[1][_ORDERED[order]] = None
    await store(database, courses=made)
    forwards = await _pages(run_query, order, direction, "first", "after", "endCursor")
    backwards = await _pages(run_query, order, direction, "last", "before", "startCursor")
    assert len(forwards) == len({*forwards}) == len(made)
    assert backwards == forwards[::-1]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("value", ["text", True, {"a": 1}, b"bytes", 7, T0], ids=repr)
@pytest.mark.parametrize("order", _ORDERED)
async def test_a_value_of_another_type_does_not_hide_what_follows_it(
    database: Database, run_query: RunQuery, order: str, value: Any, direction: str
) -> None:
    """No element is repeated, and those of the declared type are all reached."""
    made = [
        factories.course(durationDays=n, price={"amountMinor": n, "currency": "EUR"})
        | {"ratingBayesian": n / 2, "studentCount": n}
        for n in range(6)
    ]
    wrong = made[2]
    wrong[_ORDERED[order]] = {"amountMinor": value} if order == "PRICE" else value
    await store(database, courses=made)
    slugs = await _pages(run_query, order, direction, "first", "after", "endCursor")
    assert len(slugs) == len({*slugs})
    assert {*slugs} >= {course["slug"] for course in made if course is not wrong}


async def _pages(
    run_query: RunQuery, order: str, direction: str, size: str, bound: str, cursor: str
) -> list[str]:
    """The slugs of all pages, in the order in which they are reached."""
    query = f"""query ($cursor: String) {{
      courses({size}: 2, {bound}: $cursor, orderBy: {{field: {order}, direction: {direction}}}) {{
        nodes {{ slug }} pageInfo {{ endCursor startCursor }} }} }}"""
    slugs: list[str] = []
    variables: dict[str, Any] = {"cursor": None}
    while len(slugs) < 30:
        page = (await run_query(query, variables))["courses"]
        nodes = [node["slug"] for node in page["nodes"]]
        slugs += nodes if size == "first" else nodes[::-1]
        variables["cursor"] = page["pageInfo"][cursor]
        if not nodes:
            break
    return slugs
