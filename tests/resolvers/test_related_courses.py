"""Related courses: those that the latest students also took, then others of the category."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from app.execution import Executor
from loaders import indexes
from loaders.mongo.database import Database
from loaders.related_courses import FEWEST_STUDENTS, OF_CATEGORY, SAMPLED_ENROLLMENTS, THEIR_ENROLLMENTS
from resolvers.context import PUBLIC, Viewer
from resolvers.course import MOST_RELATED, RELATED
from resolvers.schema import schema
from tests import factories
from tests.execution.metered import metered
from tests.factories import T0, store
from tests.resolvers.conftest import Ask, Doc, Json
from tests.support import UNLIMITED, RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")
RELATED_OF = """query($slug: String!, $first: Int) {
  course(slug: $slug) { relatedCourses(first: $first) { slug } } }"""


def course(slug: str, **fields: Any) -> Doc:
    return factories.course(slug.title(), slug=slug, **fields)


def rated(document: Doc, bayesian: float) -> Doc:
    return document | {"ratingBayesian": bayesian}


def took(students: list[Doc], of: Doc, **fields: Any) -> list[Doc]:
    return [factories.enrollment(of, student, **fields) for student in students]


async def related(ask: Ask, slug: str, viewer: Viewer = PUBLIC, **variables: Any) -> list[str]:
    answer = await ask(RELATED_OF, {"slug": slug, **variables}, viewer=viewer)
    assert "errors" not in answer, answer
    return [one["slug"] for one in answer["data"]["course"]["relatedCourses"]]


async def test_courses_that_students_also_took_come_first(ask: Ask, database: Database) -> None:
    go, most, some, few, draft, archived, left = (
        course("go", categorySlug="web"), course("most"), course("some"), course("few"),
        course("draft", status="DRAFT"), course("archived", status="ARCHIVED"), course("left"),
    )  # fmt: skip
    similar = course("similar", categorySlug="web")
    students = [factories.student() for _ in range(FEWEST_STUDENTS + 1)]
    enrollments = [
        *took(students, go, status="COMPLETED"), *took(students, most), *took(students[1:], some),
        *took(students[2:], few), *took(students, draft), *took(students, archived),
        *took(students, left, status="CANCELLED"), *took(students[2:] * 2, few, status="EXPIRED"),
    ]  # fmt: skip
    await store(
        database, courses=[go, most, some, few, draft, archived, left, similar], students=students,
        enrollments=enrollments,
    )  # fmt: skip
    for viewer in (PUBLIC, STAFF):
        assert await related(ask, "go", viewer) == ["most", "some", "similar"]
    assert await related(ask, "go", first=1) == ["most"]


async def test_what_fewer_students_took_is_not_revealed(ask: Ask, database: Database) -> None:
    go, other = course("go"), course("other")
    students = [factories.student() for _ in range(FEWEST_STUDENTS - 1)]
    enrollments = [took(students * 3, of, status="COMPLETED") for of in (go, other)]
    await store(
        database, courses=[go, other], students=students, enrollments=[*enrollments[0], *enrollments[1]]
    )
    assert await related(ask, "go") == []
    one_more = factories.student()
    await database["enrollments"].insert_many([*took([one_more], go), *took([one_more], other)])
    assert await related(ask, "go") == ["other"]


async def test_courses_of_the_category_are_ordered_by_tags_then_rating(ask: Ask, database: Database) -> None:
    courses = [
        course("go", categorySlug="web", tags=["a", "b", "c"]),
        rated(course("none", categorySlug="web", tags=["x"]), 5.0),
        rated(course("one", categorySlug="web", tags=["a"]), 2.0),
        rated(course("two", categorySlug="web", tags=["b", "c"]), 1.0),
        rated(course("better", categorySlug="web", tags=["c", "y"]), 3.0),
        rated(course("equal", categorySlug="web", tags=["c"]), 3.0),
        course("draft", categorySlug="web", tags=["a", "b", "c"], status="DRAFT"),
        course("elsewhere", categorySlug="art", tags=["a", "b", "c"]),
        course("alone"),
    ]
    await store(database, courses=courses)
    for viewer in (PUBLIC, STAFF):
        assert await related(ask, "go", viewer) == ["two", "better", "equal", "one", "none"]
    assert await related(ask, "alone") == []


async def test_equals_are_in_the_order_of_their_ids(ask: Ask, database: Database) -> None:
    go = course("go")
    others = [course(f"other-{n}") for n in range(MOST_RELATED + 3)]
    students = [factories.student() for _ in range(FEWEST_STUDENTS)]
    enrollments = [*took(students, go)]
    for other in reversed(others):
        enrollments += took(students, other)
    await store(database, courses=[go, *others], students=students, enrollments=enrollments)
    in_order = [other["slug"] for other in others]
    assert await related(ask, "go") == in_order[:RELATED]
    assert await related(ask, "go", first=None) == in_order[:RELATED]
    for first in (0, 1, MOST_RELATED):
        assert await related(ask, "go", first=first) == in_order[:first]


@pytest.mark.parametrize(
    ("first", "reason", "params"),
    [(-1, "TOO_SMALL", {"min": 0}), (MOST_RELATED + 1, "TOO_LARGE", {"max": MOST_RELATED})],
)
async def test_a_length_out_of_bounds_is_refused(
    ask: Ask, database: Database, first: int, reason: str, params: Json
) -> None:
    await store(database, courses=[course("go")])
    (error,) = (await ask(RELATED_OF, {"slug": "go", "first": first}))["errors"]
    assert error["message"] == f"`first` is {first}, but must be between 0 and {MOST_RELATED}."
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "reason": reason, "params": params}


# -- how much work it is ---------------------------------------------------------------------------------


def popular(size: int) -> dict[str, list[Doc]]:
    """Courses of which each has `size` enrolments; every student takes all of them."""
    courses = [course(f"c{n}", categorySlug=f"s{n % 2}") for n in range(4)]
    students = [factories.student() for _ in range(size)]
    enrollments = [
        factories.enrollment(of, student, enrolledAt=T0 + timedelta(minutes=n))
        for n, student in enumerate(students)
        for of in courses
    ]
    return {"courses": courses, "students": students, "enrollments": enrollments}


@pytest.fixture(params=["as declared", "multikey"])
async def profiled(database: Database, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A database whose indexes are new, or in which another program has stored arrays.

    These leave indexes multikey for good. Then MongoDB can't always read in the order of an index.
    """
    await database["enrollments"].drop()
    await indexes.ensure(database)
    if request.param == "multikey":
        for field in ("courseId", "studentId", "enrolledAt", "status"):
            document = factories.enrollment(factories.course(), factories.student())
            document[field] = [document[field], T0, None]
            await database["enrollments"].insert_one(document)
        await database["enrollments"].delete_many({})
    await database.driver.command("profile", 2)
    yield database
    await database.driver.command("profile", 0)
    await database["system.profile"].drop()


@pytest.mark.parametrize("size", [60, 2_000])
async def test_a_popular_course_costs_no_more_than_a_sample(
    profiled: Database, run_query: RunQuery, size: int
) -> None:
    await store(profiled, **popular(size))
    data = await run_query("{ courses { nodes { slug relatedCourses(first: 2) { slug } } } }")
    for node in data["courses"]["nodes"]:
        others = [f"c{n}" for n in range(4) if f"c{n}" != node["slug"]]
        assert [one["slug"] for one in node["relatedCourses"]] == others[:2]
    entries = await profiled["system.profile"].find({"command.aggregate": {"$exists": True}}).to_list(None)
    (entry,) = [entry for entry in entries if "$documents" in str(entry["command"])]
    samples, theirs = 4 * SAMPLED_ENROLLMENTS, 4 * SAMPLED_ENROLLMENTS * 4
    courses = 4 * 3
    assert entry["docsExamined"] <= samples + theirs + courses, entry
    assert entry["keysExamined"] <= 2 * (samples + theirs) + 2 * courses, entry


async def test_students_with_many_enrolments_cost_no_more(profiled: Database, run_query: RunQuery) -> None:
    go, students = course("go"), [factories.student() for _ in range(5)]
    others = [course(f"c{n}") for n in range(500)]
    enrollments = took(students, go, enrolledAt=T0 + timedelta(days=1))
    for other in others:
        enrollments += took(students, other)
    await store(profiled, courses=[go, *others], students=students, enrollments=enrollments)
    await run_query('{ course(slug: "go") { relatedCourses { slug } } }')
    entries = await profiled["system.profile"].find({"command.aggregate": {"$exists": True}}).to_list(None)
    (entry,) = [entry for entry in entries if "$documents" in str(entry["command"])]
    assert entry["docsExamined"] <= SAMPLED_ENROLLMENTS + THEIR_ENROLLMENTS + 100, entry


async def test_a_large_category_costs_no_more_than_its_best_courses(
    profiled: Database, run_query: RunQuery
) -> None:
    courses = [rated(course(f"c{n}", categorySlug="web", tags=["t"]), 1 + n / 1_000) for n in range(500)]
    await store(profiled, courses=courses)
    data = await run_query('{ course(slug: "c3") { relatedCourses { slug } } }')
    best = [f"c{n}" for n in range(499, 499 - RELATED, -1)]
    assert [one["slug"] for one in data["course"]["relatedCourses"]] == best
    queries = {"op": "query", "ns": f"{profiled.name}.courses"}
    entries = await profiled["system.profile"].find(queries).to_list(None)
    assert max(entry["docsExamined"] for entry in entries) <= OF_CATEGORY + 1


async def test_no_command_is_sent_for_what_needs_none(
    run_query: RunQuery, database: Database, mongo_commands: list[str]
) -> None:
    """Without categories, or with enough courses that students took, nothing is listed by category."""
    await store(database, **popular(FEWEST_STUDENTS))
    mongo_commands.clear()
    await run_query("{ courses { nodes { relatedCourses(first: 3) { slug } } } }")
    assert mongo_commands == ["find courses", "aggregate enrollments", "find courses"]
    mongo_commands.clear()
    await run_query("{ courses { nodes { relatedCourses(first: 0) { slug } } } }")
    assert mongo_commands == ["find courses"]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("first", ["", "(first: 1)", "(first: 12)"])
async def test_the_price_covers_it(database: Database, first: str, *, compiled: bool) -> None:
    await store(database, **popular(FEWEST_STUDENTS))
    nested = f"relatedCourses{first} {{ title relatedCourses{first} {{ slug tags }} }}"
    executor = Executor(schema, UNLIMITED, compiled=compiled)
    result = await metered(executor, database, f"{{ courses(first: 4) {{ nodes {{ {nested} }} }} }}")
    assert "errors" not in result.answer.payload
    assert all(spent <= most for spent, most in zip(result.actual, result.maximum, strict=True)), result


# -- the viewer's wishlist --------------------------------------------------------------------------------

WISHED = "{ courses { nodes { slug viewerHasWishlisted } } }"


async def test_the_viewer_sees_which_courses_of_a_page_are_on_their_wishlist(
    ask: Ask, database: Database, mongo_commands: list[str]
) -> None:
    courses = [course(f"c{n}") for n in range(4)]
    ada, bob = factories.student("Ada"), factories.student("Bob")
    wishes = [{"courseId": one["_id"], "addedAt": T0} for one in courses[:2]]
    await store(
        database, courses=courses, students=[ada, bob], wishlists=[{"_id": ada["_id"], "courses": wishes}]
    )

    async def wished(viewer: Viewer) -> list[str]:
        mongo_commands.clear()
        nodes = (await ask(WISHED, viewer=viewer))["data"]["courses"]["nodes"]
        return sorted(node["slug"] for node in nodes if node["viewerHasWishlisted"])

    def student(of: Doc) -> Viewer:
        return Viewer(roles=frozenset({"STUDENT"}), subject="s", student_id=of["_id"])

    assert await wished(student(ada)) == ["c0", "c1"]
    assert mongo_commands == ["find courses", "find wishlists"]
    assert await wished(student(bob)) == []
    teacher = Viewer(roles=frozenset({"INSTRUCTOR"}), subject="t", instructor_id=ObjectId())
    for viewer in (PUBLIC, STAFF, teacher):
        assert await wished(viewer) == []
        assert mongo_commands == ["find courses"]
    await ask("{ courses { nodes { slug } } }", viewer=student(ada))
    assert mongo_commands == ["find courses"] * 2
