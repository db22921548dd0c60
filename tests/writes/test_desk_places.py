"""Places that staff give to students: `enrollStudent` and `moveEnrollment`."""

from asyncio import gather
from collections.abc import Sequence

import pytest
from bson import ObjectId

from app.settings import Settings
from loaders.mongo import Transaction, transaction
from loaders.mongo.database import Database
from loaders.people import begin_merge, merge_step
from resolvers.context import Viewer
from resolvers.relay import ids
from tests import factories
from tests.writes.support import (
    DAY,
    SOON,
    STAFF,
    Doc,
    Gateway,
    Value,
    as_instructor,
    as_student,
    course_id,
    current,
    enrollment_id,
    run_id,
    run_of,
    served,
    stored,
)

ADA = factories.instructor("Ada")


def student_id(student: Doc) -> str:
    return ids.encode_id("Student", student)


async def catalogue(
    database: Database, *seats: int | None, students: int = 1, **fields: Value
) -> tuple[Doc, Sequence[Doc], Sequence[Doc]]:
    """Stores and returns a course, a run for each number of seats, and students."""
    course = factories.course(instructorIds=[ADA["_id"]], **fields)
    runs = [run_of(course, seats=number) for number in seats]
    people = [factories.student() for _ in range(students)]
    await stored(database, courses=[course], courseRuns=runs, students=people)
    return course, runs, people


# -- enrollStudent --------------------------------------------------------------------------------------


async def test_staff_enrol_a_student(gateway: Gateway, database: Database) -> None:
    course, (run,), (one, two) = await catalogue(database, 1, students=2)
    place = {"courseId": course_id(course), "runId": run_id(run)}
    selected = "enrollment { status student { id } run { seatsLeft waitlistCount } course { studentCount } }"
    payload = await gateway.done(STAFF, "enrollStudent", selected, **place, studentId=student_id(one))
    assert payload["enrollment"] == {
        "status": "ACTIVE", "student": {"id": student_id(one)},
        "run": {"seatsLeft": 0, "waitlistCount": 0}, "course": {"studentCount": 1},
    }  # fmt: skip
    target = {**place, "studentId": student_id(two)}
    assert await gateway.codes(STAFF, "enrollStudent", **target) == [("SEATS_TAKEN", "runId")]
    payload = await gateway.done(STAFF, "enrollStudent", selected, **target, joinWaitlist=True)
    assert payload["enrollment"]["status"] == "WAITLISTED"
    assert payload["enrollment"]["run"] == {"seatsLeft": 0, "waitlistCount": 1}


async def test_the_rules_for_enrolling_hold_for_staff_too(gateway: Gateway, database: Database) -> None:
    course, (run,), (one, two) = await catalogue(database, 5, students=2)
    archived, draft = (factories.course(status=status) for status in ("ARCHIVED", "DRAFT"))
    begun, dropped = run_of(course, startsAt=SOON - 40 * DAY), run_of(course, status="CANCELLED")
    await stored(database, courses=[archived, draft], courseRuns=[begun, dropped])
    place = {"courseId": course_id(course), "runId": run_id(run)}

    async def codes(viewer: Viewer, student: Doc, **values: Value) -> list[tuple[str, ...]]:
        given = {**place, "studentId": student_id(student), **values}
        return await gateway.codes(viewer, "enrollStudent", **given)

    assert await codes(STAFF, one) == []
    assert await codes(STAFF, one) == [("DUPLICATE", "courseId")]
    assert await codes(STAFF, factories.student()) == [("NOT_FOUND", "studentId")]
    assert await codes(STAFF, two, runId=run_id(begun)) == [("EXPIRED", "runId")]
    assert await codes(STAFF, two, runId=run_id(dropped)) == [("CONFLICT", "runId")]
    for hidden in (archived, draft):
        assert await codes(STAFF, two, courseId=course_id(hidden)) == [("CONFLICT", "courseId")]
    assert await codes(STAFF, two, studentId=course_id(course)) == [("NOT_FOUND", "studentId")]
    assert await codes(as_instructor(ADA), two) == [("FORBIDDEN",)]
    assert await codes(as_student(two), two) == [("FORBIDDEN",)]
    assert await codes(Viewer(), two) == [("UNAUTHENTICATED",)]
    assert (await current(database, "courseRuns", run))["seatsTaken"] == 1
    payload = await gateway.write(STAFF, "enrollStudent", **place, studentId=student_id(one))
    assert payload["errors"][0]["message"].startswith("The student is already enrolled")
    payload = await gateway.write(as_student(one), "enroll", **place)
    assert payload["errors"][0]["message"].startswith("You are already enrolled")


@pytest.mark.parametrize(
    "gone", [{"mergedInto": ObjectId()}, {"erasedAt": factories.T0}], ids=["merged", "erased"]
)
async def test_a_student_who_is_gone_gets_no_place(gateway: Gateway, database: Database, gone: Doc) -> None:
    course, _, _ = await catalogue(database)
    student = factories.student(**gone)
    await stored(database, students=[student])
    target = {"courseId": course_id(course), "studentId": student_id(student)}
    assert await gateway.codes(STAFF, "enrollStudent", **target) == [("CONFLICT", "studentId")]
    assert await database["enrollments"].count_documents({}) == 0


async def test_a_student_is_not_enrolled_and_merged_at_once(database: Database, gateway: Gateway) -> None:
    """Wherever the merge has come to when they are enrolled: a place would belong to nobody."""
    course, _, (stays, goes) = await catalogue(database, students=2)
    target = {"courseId": course_id(course), "studentId": student_id(goes)}
    enrolled = False

    async def begin(tx: Transaction) -> None:
        nonlocal enrolled
        read = [await tx.get("students", one["_id"]) for one in (stays, goes)]
        if not enrolled:
            enrolled = True
            assert await gateway.codes(STAFF, "enrollStudent", **target) == []
        await begin_merge(tx, *read)

    async def step(tx: Transaction) -> bool:
        return await merge_step(tx, stays["_id"])

    await transaction(database, begin)
    assert await gateway.codes(STAFF, "enrollStudent", **target) == [("CONFLICT", "studentId")]
    while await transaction(database, step):
        pass
    (place,) = await database["enrollments"].find().to_list(None)
    assert place["studentId"] == stays["_id"]


# -- moveEnrollment -------------------------------------------------------------------------------------

SELECTED = "enrollment { status progress enrolledAt run { id } course { studentCount } }"


def in_run(course: Doc, run: Doc | None, by: Doc, **fields: Value) -> Doc:
    return factories.enrollment(course, by, runId=run and run["_id"], **fields)


async def moved(gateway: Gateway, enrollment: Doc, run: Doc, **values: Value) -> Doc:
    """Moves an enrolment to a run, and returns it."""
    target = {"enrollmentId": enrollment_id(enrollment), "runId": run_id(run), **values}
    return dict((await gateway.done(STAFF, "moveEnrollment", SELECTED, **target))["enrollment"])


async def counts(database: Database, run: Doc) -> tuple[int, int]:
    now = await current(database, "courseRuns", run)
    return now["seatsTaken"], now["waitlistCount"]


async def test_an_enrolment_moves_with_its_progress_and_frees_its_seat(
    gateway: Gateway, database: Database
) -> None:
    course, (full, free), (one, two) = await catalogue(database, 1, 1, students=2)
    place = in_run(course, full, one, progress=0.25)
    waiting = in_run(course, full, two, status="WAITLISTED")
    await stored(database, enrollments=[place, waiting])
    for _ in range(2):
        assert await moved(gateway, place, free) == {
            "status": "ACTIVE", "progress": 0.25, "enrolledAt": "2026-01-01T00:00:00Z",
            "run": {"id": run_id(free)}, "course": {"studentCount": 2},
        }  # fmt: skip
    assert (await current(database, "enrollments", waiting))["status"] == "ACTIVE"
    assert (await counts(database, full), await counts(database, free)) == ((1, 0), (1, 0))
    assert await database["auditLog"].count_documents({"action": "moveEnrollment"}) == 1


async def test_an_enrolment_moves_to_a_full_run_only_by_its_waitlist(
    gateway: Gateway, database: Database
) -> None:
    course, (run, full), (one, two, three) = await catalogue(database, 5, 1, students=3)
    place, seated = in_run(course, run, one), in_run(course, full, two)
    waiting = in_run(course, full, three, status="WAITLISTED", enrolledAt=SOON - 40 * DAY)
    await stored(database, enrollments=[place, seated, waiting])
    target = {"enrollmentId": enrollment_id(place), "runId": run_id(full)}
    assert await gateway.codes(STAFF, "moveEnrollment", **target) == [("SEATS_TAKEN", "runId")]
    assert await current(database, "enrollments", place) == place
    now = await moved(gateway, place, full, joinWaitlist=True)
    assert (now["status"], now["course"]) == ("WAITLISTED", {"studentCount": 1})
    assert (await counts(database, run), await counts(database, full)) == ((0, 0), (1, 2))
    await gateway.done(STAFF, "cancelEnrollment", enrollmentId=enrollment_id(seated))
    assert (await current(database, "enrollments", waiting))["status"] == "ACTIVE"
    assert (await current(database, "enrollments", place))["status"] == "WAITLISTED"


async def test_who_waits_gets_a_free_seat_in_another_run(gateway: Gateway, database: Database) -> None:
    course, (full, free), (one, two) = await catalogue(database, 1, 1, students=2)
    places = [in_run(course, full, one), in_run(course, full, two, status="WAITLISTED")]
    await stored(database, enrollments=places)
    now = await moved(gateway, places[1], free)
    assert (now["status"], now["course"]) == ("ACTIVE", {"studentCount": 2})
    assert now["enrolledAt"] > "2026-01-01T00:00:00Z"
    assert (await counts(database, full), await counts(database, free)) == ((1, 0), (1, 0))
    assert (await current(database, "courses", course))["seatsUntil"] is None


async def test_an_enrolment_without_a_run_moves_to_one(gateway: Gateway, database: Database) -> None:
    course, (run,), (one,) = await catalogue(database, 1)
    place = in_run(course, None, one)
    await stored(database, enrollments=[place])
    assert (await moved(gateway, place, run))["run"] == {"id": run_id(run)}
    assert await counts(database, run) == (1, 0)


async def test_refused_moves(gateway: Gateway, database: Database) -> None:
    course, (run, free), (one, two) = await catalogue(database, 9, 9, students=2)
    archived = factories.course(status="ARCHIVED")
    begun, dropped = run_of(course, startsAt=SOON - 40 * DAY), run_of(course, status="CANCELLED")
    elsewhere, old, older = run_of(factories.course()), run_of(archived), run_of(archived)
    place, kept = in_run(course, run, one), in_run(archived, old, two)
    over = [
        in_run(course, run, factories.student(), status=status)
        for status in ("CANCELLED", "COMPLETED", "EXPIRED")
    ]
    await stored(
        database, courses=[archived], courseRuns=[begun, dropped, elsewhere, old, older],
        enrollments=[place, kept, *over],
    )  # fmt: skip

    async def codes(viewer: Viewer, enrollment: Doc, to: Doc) -> list[tuple[str, ...]]:
        target = {"enrollmentId": enrollment_id(enrollment), "runId": run_id(to)}
        return await gateway.codes(viewer, "moveEnrollment", **target)

    assert await codes(STAFF, place, begun) == [("EXPIRED", "runId")]
    assert await codes(STAFF, place, dropped) == [("CONFLICT", "runId")]
    assert await codes(STAFF, place, elsewhere) == [("NOT_FOUND", "runId")]
    assert await codes(STAFF, place, run_of(course)) == [("NOT_FOUND", "runId")]
    assert await codes(STAFF, kept, older) == [("CONFLICT", "enrollmentId")]
    for enrollment in over:
        assert await codes(STAFF, enrollment, free) == [("NOT_ENROLLED", "enrollmentId")]
    assert await codes(STAFF, in_run(course, run, one), free) == [("NOT_FOUND", "enrollmentId")]
    assert await codes(as_student(one), place, free) == [("FORBIDDEN",)]
    assert await codes(as_instructor(ADA), place, free) == [("FORBIDDEN",)]
    assert await codes(Viewer(), place, free) == [("UNAUTHENTICATED",)]
    assert await counts(database, free) == (0, 0)


async def test_moves_in_both_directions_at_once_oversell_no_seat(
    settings: Settings, gateway: Gateway, database: Database
) -> None:
    """Students in each of two full runs ask for the other one, while others leave and enrol.

    The writes wait for each other, on a slow machine for longer than the usual deadline.
    """
    course, runs, students = await catalogue(database, 5, 5, students=14)
    places = [in_run(course, runs[n % 2], by) for n, by in enumerate(students[:10])]
    await stored(database, enrollments=places)
    async with served(settings.model_copy(update={"request_timeout": 100.0})) as patient:
        moves = [
            patient.write(
                STAFF, "moveEnrollment", joinWaitlist=n % 3 > 0,
                enrollmentId=enrollment_id(place), runId=run_id(runs[1 - n % 2]),
            )
            for n, place in enumerate(places)
        ]  # fmt: skip
        newcomers = [
            patient.write(
                as_student(by), "enroll", joinWaitlist=True,
                courseId=course_id(course), runId=run_id(runs[n % 2]),
            )
            for n, by in enumerate(students[10:])
        ]  # fmt: skip
        leaving = [
            patient.write(STAFF, "cancelEnrollment", enrollmentId=enrollment_id(p)) for p in places[:3]
        ]
        await gather(*moves, *newcomers, *leaving)
    for run in runs:
        taken, waiting = await counts(database, run)
        assert taken <= 5
        assert not waiting or taken == 5
    assert await database["enrollments"].count_documents({}) == 14
