"""Positions on waitlists: the order in which students move up."""

from loaders.mongo.database import Database
from tests import factories
from tests.factories import T0
from tests.support import RunQuery
from tests.writes.support import (
    DAY,
    STAFF,
    Doc,
    Gateway,
    as_student,
    course_id,
    enrollment_id,
    run_id,
    run_of,
    stored,
)

TEXT = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Enrollment { waitlistPosition } } }"


async def queued(database: Database) -> tuple[list[Doc], list[Doc]]:
    """Stores two full runs of a course, one with three students waiting and one with one.

    Returns all enrolments, first the two that have a seat, then the others in the order in which they move
    up, and the students.
    """
    course = factories.course()
    runs = [run_of(course, seats=1) for _ in range(2)]
    students = [factories.student() for _ in range(6)]
    seated = [factories.enrollment(course, students[n], runId=runs[n]["_id"]) for n in range(2)]
    late, early, tie, other = [
        factories.enrollment(
            course, by, runId=runs[n == 3]["_id"], status="WAITLISTED", enrolledAt=T0 + days * DAY
        )
        for n, (by, days) in enumerate(zip(students[2:], (2, 1, 2, 9), strict=True))
    ]
    places = [*seated, early, late, tie, other]
    await stored(database, courses=[course], courseRuns=runs, students=students, enrollments=places)
    return places, students


async def positions(gateway: Gateway, places: list[Doc]) -> list[int | None]:
    data = await gateway.ask(TEXT, {"ids": [enrollment_id(place) for place in places]}, STAFF)
    return [node["waitlistPosition"] for node in data["nodes"]]


async def test_positions_are_those_in_which_students_move_up(gateway: Gateway, database: Database) -> None:
    places, _ = await queued(database)
    assert await positions(gateway, places) == [None, None, 1, 2, 3, 1]
    await gateway.done(STAFF, "cancelEnrollment", enrollmentId=enrollment_id(places[0]))
    assert await positions(gateway, places) == [None, None, None, 1, 2, 1]
    await gateway.done(STAFF, "cancelEnrollment", enrollmentId=enrollment_id(places[3]))
    assert await positions(gateway, places) == [None, None, None, None, 1, 1]


async def test_students_see_their_position(gateway: Gateway, database: Database) -> None:
    places, students = await queued(database)
    newcomer = factories.student()
    await stored(database, students=[newcomer])
    made = await gateway.done(
        as_student(newcomer), "enroll", "enrollment { waitlistPosition }", joinWaitlist=True,
        courseId=course_id({"_id": places[0]["courseId"]}), runId=run_id({"_id": places[0]["runId"]}),
    )  # fmt: skip
    assert made["enrollment"] == {"waitlistPosition": 4}
    text = "{ courses { nodes { viewerEnrollment { waitlistPosition } } } }"
    data = await gateway.ask(text, viewer=as_student(students[3]))
    assert data["courses"]["nodes"] == [{"viewerEnrollment": {"waitlistPosition": 1}}]


async def test_they_take_one_command_for_a_whole_page(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    """And none if nobody on the page waits."""
    places, _ = await queued(database)
    for some, sent in ((places, 1), (places[:2], 0)):
        mongo_commands.clear()
        await run_query(TEXT, {"ids": [enrollment_id(place) for place in some]}, viewer=STAFF)
        assert mongo_commands == ["find enrollments", *["aggregate enrollments"] * sent]


async def test_an_enrolment_without_a_run_has_no_position(gateway: Gateway, database: Database) -> None:
    course, student = factories.course(), factories.student()
    place = factories.enrollment(course, student, status="WAITLISTED")
    await stored(database, courses=[course], students=[student], enrollments=[place])
    assert await positions(gateway, [place]) == [None]
