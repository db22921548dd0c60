"""Rosters: the enrolments in a run, for staff and the instructors of its course."""

import pytest

from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.relay import ids
from tests import factories
from tests.factories import DAY, T0, store
from tests.support import RunQuery
from tests.writes.support import STAFF, Doc, Json, Value, as_instructor, as_student, course_id, run_id

ADA, BOB, EVE = factories.instructor("Ada"), factories.instructor("Bob"), factories.student("Eve")
TEXT = """query ($ids: [ID!]!, $first: Int, $after: String, $filter: EnrollmentFilter) {
  nodes(ids: $ids) { ... on CourseRun {
    enrollments(first: $first, after: $after, filter: $filter) {
      totalCount nodes { student { name } status } pageInfo { hasNextPage endCursor } } } } }"""


async def rostered(database: Database) -> list[Doc]:
    """Stores two runs of a course that Ada teaches, with three students and one, and a run of another course.

    Returns the runs.
    """
    courses = [factories.course(instructorIds=[by["_id"]]) for by in (ADA, BOB)]
    runs = [factories.course_run(course) for course in (courses[0], courses[0], courses[1])]
    students = [factories.student(name) for name in ("A", "B", "C", "D")]
    places = [
        factories.enrollment(
            courses[0], by, runId=runs[n == 3]["_id"], enrolledAt=T0 + n * DAY,
            status="WAITLISTED" if n == 1 else "ACTIVE",
        )
        for n, by in enumerate(students)
    ]  # fmt: skip
    elsewhere = factories.enrollment(courses[0], EVE)
    await store(
        database,
        courses=courses,
        courseRuns=runs,
        students=[*students, EVE],
        enrollments=[*places, elsewhere],
    )
    return runs


async def rosters(run_query: RunQuery, runs: list[Doc], viewer: Viewer = STAFF, **variables: Value) -> Json:
    data = await run_query(TEXT, {"ids": [run_id(run) for run in runs], **variables}, viewer=viewer)
    return [node["enrollments"] for node in data["nodes"]]


def names(roster: Json) -> list[str]:
    return [node["student"]["name"] for node in roster["nodes"]]


async def test_the_roster_of_a_run_latest_first(database: Database, run_query: RunQuery) -> None:
    found = await rosters(run_query, await rostered(database))
    assert [names(roster) for roster in found] == [["C", "B", "A"], ["D"], []]
    assert [roster["totalCount"] for roster in found] == [3, 1, 0]


@pytest.mark.parametrize(
    ("viewer", "seen"),
    [
        (STAFF, [3, 1, 1]),
        (as_instructor(ADA), [3, 1, 0]),
        (as_instructor(BOB), [0, 0, 1]),
        (as_student(EVE), [0, 0, 0]),
        (PUBLIC, [0, 0, 0]),
    ],
)
async def test_staff_and_the_instructors_of_the_course_see_it(
    database: Database, run_query: RunQuery, mongo_commands: list[str], viewer: Viewer, seen: list[int]
) -> None:
    """Who teaches the runs is looked up once for all of their rosters, and only for instructors.

    It is looked up once more for the runs themselves, because they are asked for by their ids.
    """
    runs = await rostered(database)
    place = factories.enrollment({"_id": runs[2]["courseId"]}, EVE, runId=runs[2]["_id"])
    await store(database, enrollments=[place])
    mongo_commands.clear()
    found = await rosters(run_query, runs, viewer)
    assert [len(roster["nodes"]) for roster in found] == seen
    assert [roster["totalCount"] for roster in found] == seen
    looked_up = [command for command in mongo_commands if command == "aggregate courseRuns"]
    assert len(looked_up) == (2 if "INSTRUCTOR" in viewer.roles else 0)


async def test_its_pages_and_filters(database: Database, run_query: RunQuery) -> None:
    run, *_ = await rostered(database)
    (page,) = await rosters(run_query, [run], first=2)
    assert (names(page), page["pageInfo"]["hasNextPage"]) == (["C", "B"], True)
    (page,) = await rosters(run_query, [run], first=2, after=page["pageInfo"]["endCursor"])
    assert (names(page), page["pageInfo"]["hasNextPage"]) == (["A"], False)
    (waiting,) = await rosters(run_query, [run], filter={"statuses": ["WAITLISTED"]})
    assert (names(waiting), waiting["totalCount"]) == (["B"], 1)


async def test_the_enrolments_in_some_runs_of_a_course(database: Database, run_query: RunQuery) -> None:
    first, second, other = await rostered(database)
    text = """query ($id: ID!, $runs: [ID!]) {
      course(id: $id) { enrollments(filter: { runs: $runs }) { totalCount nodes { student { name } } } } }"""
    course = course_id({"_id": first["courseId"]})
    for chosen, expected in (
        (None, ["C", "B", "A", "D", "Eve"]),
        ([run_id(second)], ["D"]),
        ([run_id(first), run_id(second), run_id(other)], ["D", "C", "B", "A"]),
        ([run_id(other)], []),
        ([course, "unknown"], []),
        ([], []),
    ):
        found = (await run_query(text, {"id": course, "runs": chosen}, viewer=STAFF))["course"]["enrollments"]
        assert sorted(names(found)) == sorted(expected)
        assert found["totalCount"] == len(expected)


async def test_a_cursor_is_valid_only_for_its_roster(database: Database, run_query: RunQuery) -> None:
    run, another, _ = await rostered(database)
    (page,) = await rosters(run_query, [run], first=1)
    variables = {"ids": [ids.encode_id("CourseRun", another)], "after": page["pageInfo"]["endCursor"]}
    payload = await run_query(TEXT, variables, viewer=STAFF, errors=True)
    (error,) = payload["errors"]
    assert error["extensions"]["code"] == "INVALID_CURSOR"
