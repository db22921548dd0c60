"""Enrolments: enrolling, waitlists, cancelling and progress."""

from asyncio import gather
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from loaders.mongo.database import Database
from loaders.recounting import recount
from resolvers.context import Viewer
from tests import factories
from tests.support import RunQuery
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
    operation,
    run_id,
    run_of,
    stored,
)

ADA = factories.instructor("Ada")


async def catalogue(
    database: Database, *, students: int = 1, seats: int | None = None, **fields: Value
) -> tuple[Doc, Doc, list[Doc]]:
    """Stores and returns a course, a run of it with a number of seats, and students."""
    course = factories.course(instructorIds=[ADA["_id"]], **fields)
    run, people = run_of(course, seats=seats), [factories.student() for _ in range(students)]
    await stored(database, courses=[course], courseRuns=[run], students=people)
    return course, run, people


def place(course: Doc, run: Doc | None = None) -> Doc:
    return {"courseId": course_id(course)} | ({"runId": run_id(run)} if run else {})


async def statuses(database: Database) -> Mapping[str, int]:
    return Counter([enrollment["status"] async for enrollment in database["enrollments"].find()])


# -- enroll ---------------------------------------------------------------------------------------------


async def test_a_student_enrols(gateway: Gateway, database: Database) -> None:
    course, run, (student,) = await catalogue(database, seats=2)
    selected = "enrollment { status progress run { seatsLeft } course { studentCount } student { name } }"
    payload = await gateway.done(as_student(student), "enroll", selected, **place(course, run))
    assert payload["enrollment"] == {
        "status": "ACTIVE", "progress": 0, "run": {"seatsLeft": 1}, "course": {"studentCount": 1},
        "student": {"name": student["name"]},
    }  # fmt: skip


async def test_enrolling_without_a_run(gateway: Gateway, database: Database) -> None:
    course, run, (student,) = await catalogue(database)
    payload = await gateway.done(
        as_student(student),
        "enroll",
        "enrollment { run { id } }",
        **place(course),
        runId=None,
        joinWaitlist=None,
    )
    assert payload["enrollment"] == {"run": None}
    assert (await current(database, "courseRuns", run))["seatsTaken"] == 0


async def test_refused_enrolments(gateway: Gateway, database: Database) -> None:
    course, run, (one, two) = await catalogue(database, seats=1, students=2)
    archived, draft, other = (factories.course(status=s) for s in ("ARCHIVED", "DRAFT", "PUBLISHED"))
    begun, elsewhere = run_of(course, startsAt=SOON - 40 * DAY), run_of(other)
    await stored(database, courses=[archived, draft, other], courseRuns=[begun, elsewhere])
    await gateway.done(as_student(one), "enroll", **place(course, run))

    async def codes(student: Doc, **values: Value) -> list[tuple[str, ...]]:
        return await gateway.codes(as_student(student), "enroll", **values)

    assert await codes(one, **place(course)) == [("DUPLICATE", "courseId")]
    assert await codes(two, **place(course, run)) == [("SEATS_TAKEN", "runId")]
    assert await codes(two, **place(course, begun)) == [("EXPIRED", "runId")]
    assert await codes(two, **place(course, elsewhere)) == [("NOT_FOUND", "runId")]
    assert await codes(two, **place(course, run_of(course))) == [("NOT_FOUND", "runId")]
    assert await codes(two, **place(archived)) == [("NOT_FOUND", "courseId")]
    assert await codes(two, courseId=run_id(run), runId=course_id(course)) == [
        ("NOT_FOUND", "courseId"), ("NOT_FOUND", "runId")
    ]  # fmt: skip
    both = Viewer(frozenset({"STUDENT", "STAFF"}), student_id=two["_id"], subject="both")
    assert await gateway.codes(both, "enroll", **place(archived)) == [("CONFLICT", "courseId")]
    assert await gateway.codes(both, "enroll", **place(draft)) == [("CONFLICT", "courseId")]
    assert await gateway.codes(STAFF, "enroll", **place(course)) == [("FORBIDDEN",)]
    nobody = Viewer(frozenset({"STUDENT"}), subject="a student whom nobody knows")
    assert await gateway.codes(nobody, "enroll", **place(course)) == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), "enroll", **place(course)) == [("UNAUTHENTICATED",)]
    assert await statuses(database) == {"ACTIVE": 1}


async def test_waitlisted_students_dont_count_as_students(gateway: Gateway, database: Database) -> None:
    course, run, (one, two) = await catalogue(database, seats=1, students=2)
    await gateway.done(as_student(one), "enroll", **place(course, run))
    payload = await gateway.done(
        as_student(two), "enroll", "enrollment { id status run { waitlistCount seatsLeft } }",
        **place(course, run), joinWaitlist=True,
    )  # fmt: skip
    waiting = payload["enrollment"]
    assert waiting.pop("id")
    assert waiting == {"status": "WAITLISTED", "run": {"waitlistCount": 1, "seatsLeft": 0}}
    assert (await current(database, "courses", course))["studentCount"] == 1
    assert await gateway.codes(
        as_student(two), "createReview", courseId=course_id(course), rating=1, body="No seat!"
    ) == [("NOT_ENROLLED", "courseId")]


async def test_the_waitlist_comes_before_newcomers_when_an_import_left_seats(
    gateway: Gateway, database: Database
) -> None:
    course, run, (one, two) = await catalogue(database, seats=1, students=2)
    waiting = factories.enrollment(course, one, runId=run["_id"], status="WAITLISTED")
    await database["enrollments"].insert_one(waiting)
    await database["courseRuns"].update_one({"_id": run["_id"]}, {"$set": {"waitlistCount": 1}})
    assert await gateway.codes(as_student(two), "enroll", **place(course, run)) == [("SEATS_TAKEN", "runId")]
    await gateway.done(as_student(two), "enroll", **place(course, run), joinWaitlist=True)
    assert (await current(database, "enrollments", waiting))["status"] == "ACTIVE"


async def test_no_seat_is_oversold(gateway: Gateway, database: Database) -> None:
    course, run, students = await catalogue(database, seats=5, students=30)
    payloads = await gather(
        *(
            gateway.write(as_student(student), "enroll", **place(course, run), joinWaitlist=n % 2 == 0)
            for n, student in enumerate(students)
        )
    )
    refused = [payload["errors"][0]["code"] for payload in payloads if payload["errors"]]
    assert set(refused) == {"SEATS_TAKEN"}
    assert await statuses(database) == {"ACTIVE": 5, "WAITLISTED": 25 - len(refused)}
    counted = await current(database, "courseRuns", run)
    assert (counted["seatsTaken"], counted["waitlistCount"]) == (5, 25 - len(refused))


async def test_a_student_who_enrols_ten_times_at_once_has_one_place(
    gateway: Gateway, database: Database
) -> None:
    course, run, (student,) = await catalogue(database, seats=5)
    payloads = await gather(
        *(gateway.write(as_student(student), "enroll", **place(course, run)) for _ in range(10))
    )
    assert Counter(error["code"] for payload in payloads for error in payload["errors"]) == {"DUPLICATE": 9}
    assert await statuses(database) == {"ACTIVE": 1}


# -- cancelEnrollment -----------------------------------------------------------------------------------


async def test_cancelling_frees_the_seat_once(gateway: Gateway, database: Database) -> None:
    course, run, (one, two) = await catalogue(database, seats=2, students=2)
    await gateway.done(as_student(two), "enroll", **place(course, run))
    made = await gateway.done(as_student(one), "enroll", **place(course, run))
    target = {"enrollmentId": made["enrollment"]["id"]}
    for _ in range(3):
        payload = await gateway.done(as_student(one), "cancelEnrollment", **target)
        assert payload["enrollment"]["status"] == "CANCELLED"
    await gather(*(gateway.done(STAFF, "cancelEnrollment", **target) for _ in range(5)))
    counted = await current(database, "courseRuns", run)
    assert counted["seatsTaken"] == (await current(database, "courses", course))["studentCount"] == 1
    assert await database["auditLog"].count_documents({"action": "cancelEnrollment"}) == 1
    again = await gateway.done(as_student(one), "enroll", **place(course, run))
    assert again["enrollment"]["id"] != target["enrollmentId"]


async def test_the_waitlist_moves_up_in_order(gateway: Gateway, database: Database) -> None:
    course, run, students = await catalogue(database, seats=2, students=6)
    places = [
        (await gateway.done(as_student(s), "enroll", **place(course, run), joinWaitlist=True))["enrollment"]
        for s in students
    ]
    first_waiting = enrollment_id(
        await database["enrollments"].find_one({"studentId": students[2]["_id"]}) or {}
    )
    assert first_waiting == places[2]["id"]
    await gather(
        *(
            gateway.done(as_student(students[n]), "cancelEnrollment", enrollmentId=places[n]["id"])
            for n in (0, 1, 4)
        )
    )
    data = await gateway.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Enrollment { status } } }",
        {"ids": [p["id"] for p in places]},
        STAFF,
    )
    assert [node["status"] for node in data["nodes"]] == [
        "CANCELLED", "CANCELLED", "ACTIVE", "ACTIVE", "CANCELLED", "WAITLISTED"
    ]  # fmt: skip


HELD: dict[str, tuple[Doc, Doc]] = {
    "the run has begun": ({}, {"startsAt": datetime.now(UTC) - timedelta(minutes=1)}),
    "the course is archived": ({"status": "ARCHIVED"}, {}),
}


@pytest.mark.parametrize("why", HELD)
@pytest.mark.parametrize("how", ["cancelEnrollment", "updateCourseRun", "recount", "nothing"])
async def test_the_waitlist_doesnt_move_while_nobody_can_enrol(
    gateway: Gateway, database: Database, why: str, how: str
) -> None:
    """One seat is taken and one student waits. A freed seat stays free, and a recount finds no difference."""
    of_course, of_run = HELD[why]
    course, run, (one, two) = await catalogue(database, seats=1, students=2)
    places = [
        factories.enrollment(course, by, runId=run["_id"], status=status)
        for by, status in ((one, "ACTIVE"), (two, "WAITLISTED"))
    ]
    if how == "nothing":  # as an import may leave it
        places[0]["status"] = "CANCELLED"
    await database["enrollments"].insert_many(places)
    await database["courses"].update_one({}, {"$set": {**of_course, "summary": "S"}})
    await database["courseRuns"].update_one({}, {"$set": of_run})
    await refreshed(database)
    if how == "cancelEnrollment":
        await gateway.done(as_student(one), how, enrollmentId=enrollment_id(places[0]))
    if how == "updateCourseRun":
        await gateway.done(STAFF, how, runId=run_id(run), seats=5)
    await refreshed(database)
    assert (await current(database, "enrollments", places[1]))["status"] == "WAITLISTED"
    if how == "cancelEnrollment" and not of_course:
        codes = await gateway.codes(as_student(factories.student()), "enroll", **place(course, run))
        assert codes == [("EXPIRED", "runId")]


async def refreshed(database: Database) -> None:
    [_ async for _ in recount(database, fix=True)]
    assert [difference async for difference in recount(database, fix=False)] == []


async def test_the_waitlist_moves_up_when_the_course_is_published_again(
    gateway: Gateway, database: Database
) -> None:
    course, run, (one, two, three) = await catalogue(
        database, seats=1, students=3, summary="S", deliveryModes=["ONLINE"]
    )
    places = [
        factories.enrollment(course, by, runId=run["_id"], status=status)
        for by, status in ((one, "ACTIVE"), (two, "WAITLISTED"), (three, "WAITLISTED"))
    ]
    await stored(database, enrollments=places)
    target = {"courseId": course_id(course)}
    await gateway.done(STAFF, "archiveCourse", **target)
    await gateway.done(as_student(one), "cancelEnrollment", enrollmentId=enrollment_id(places[0]))
    assert await statuses(database) == {"CANCELLED": 1, "WAITLISTED": 2}
    payload = await gateway.done(STAFF, "publishCourse", "course { studentCount }", **target)
    assert payload["course"]["studentCount"] == 1
    assert (await current(database, "enrollments", places[1]))["status"] == "ACTIVE"
    assert await statuses(database) == {"CANCELLED": 1, "ACTIVE": 1, "WAITLISTED": 1}


async def test_a_wrong_waitlist_count_blocks_nothing(gateway: Gateway, database: Database) -> None:
    course, run, (one,) = await catalogue(
        database, seats=2, status="ARCHIVED", summary="S", deliveryModes=["ONLINE"]
    )
    await database["courseRuns"].update_one({}, {"$set": {"waitlistCount": 3}})
    await gateway.done(STAFF, "publishCourse", courseId=course_id(course))
    await gateway.done(STAFF, "updateCourseRun", runId=run_id(run), seats=3)
    await gateway.done(as_student(one), "enroll", **place(course, run))
    await refreshed(database)


async def test_postponing_a_run_moves_its_waitlist_up(gateway: Gateway, database: Database) -> None:
    """The waitlist doesn't move once the run has begun, and moves again when its start is postponed."""
    course, run, (one, two) = await catalogue(database, seats=1, students=2)
    places = [
        factories.enrollment(course, by, runId=run["_id"], status=status)
        for by, status in ((one, "CANCELLED"), (two, "WAITLISTED"))
    ]
    await database["courseRuns"].update_one({}, {"$set": {"startsAt": SOON - 60 * DAY}})
    await stored(database, enrollments=places)
    await gateway.done(STAFF, "updateCourseRun", runId=run_id(run), location="Room 1")
    assert (await current(database, "enrollments", places[1]))["status"] == "WAITLISTED"
    await gateway.done(STAFF, "updateCourseRun", runId=run_id(run), startsAt=SOON.isoformat())
    assert (await current(database, "enrollments", places[1]))["status"] == "ACTIVE"


async def test_a_student_who_enrols_twice_counts_once(gateway: Gateway, database: Database) -> None:
    course, _, (student,) = await catalogue(database)
    done = factories.enrollment(course, student, status="COMPLETED")
    await stored(database, enrollments=[done])
    made = await gateway.done(as_student(student), "enroll", **place(course))
    assert (await current(database, "courses", course))["studentCount"] == 1
    await gateway.done(as_student(student), "cancelEnrollment", enrollmentId=made["enrollment"]["id"])
    assert (await current(database, "courses", course))["studentCount"] == 1


async def test_concurrent_cancellations_of_imported_enrolments_leave_no_student(
    gateway: Gateway, database: Database
) -> None:
    course, _, (student,) = await catalogue(database)
    places = [
        factories.enrollment(course, student, externalId={"source": "test", "id": str(n)}) for n in range(4)
    ]
    await stored(database, enrollments=places)
    await gather(
        *(
            gateway.done(STAFF, "cancelEnrollment", enrollmentId=enrollment_id(enrollment))
            for enrollment in places
        )
    )
    assert (await current(database, "courses", course))["studentCount"] == 0


async def test_refused_cancellations(gateway: Gateway, database: Database) -> None:
    course, _, (one, two) = await catalogue(database, students=2)
    completed, expired, active = (
        factories.enrollment(course, one, status=s) for s in ("COMPLETED", "EXPIRED", "ACTIVE")
    )
    await stored(database, enrollments=[completed, expired, active])

    async def codes(viewer: Viewer, of: Doc) -> list[tuple[str, ...]]:
        return await gateway.codes(viewer, "cancelEnrollment", enrollmentId=enrollment_id(of))

    assert await codes(as_student(one), completed) == [("CONFLICT", "enrollmentId")]
    assert await codes(as_student(one), expired) == [("CONFLICT", "enrollmentId")]
    assert await codes(as_student(two), active) == [("NOT_FOUND", "enrollmentId")]
    assert await codes(as_instructor(ADA), active) == [("FORBIDDEN",)]
    assert await codes(Viewer(), active) == [("UNAUTHENTICATED",)]
    assert await codes(STAFF, factories.enrollment(course, one)) == [("NOT_FOUND", "enrollmentId")]
    assert await current(database, "enrollments", active) == active


# -- updateProgress -------------------------------------------------------------------------------------


async def test_progress_completes_a_course(gateway: Gateway, database: Database) -> None:
    course, run, (student,) = await catalogue(database, seats=1)
    made = await gateway.done(as_student(student), "enroll", **place(course, run))
    target = {"enrollmentId": made["enrollment"]["id"]}
    half = (await gateway.done(as_student(student), "updateProgress", **target, progress=0.5))["enrollment"]
    assert (half["status"], half["progress"], half["completedAt"]) == ("ACTIVE", 0.5, None)
    for _ in range(2):
        whole = (await gateway.done(as_instructor(ADA), "updateProgress", **target, progress=1))["enrollment"]
        assert (whole["status"], whole["progress"]) == ("COMPLETED", 1)
        assert whole["completedAt"]
    assert (await current(database, "courseRuns", run))["seatsTaken"] == 1


async def test_refused_progress(gateway: Gateway, database: Database) -> None:
    course, _, (one, two) = await catalogue(database, students=2)
    by_status = {
        status: factories.enrollment(
            course, factories.student() if status != "ACTIVE" else one, status=status
        )
        for status in ("ACTIVE", "WAITLISTED", "CANCELLED", "EXPIRED", "COMPLETED")
    }
    await stored(database, enrollments=list(by_status.values()))

    async def codes(viewer: Viewer, status: str, progress: float = 0.5) -> list[tuple[str, ...]]:
        values = {"enrollmentId": enrollment_id(by_status[status]), "progress": progress}
        return await gateway.codes(viewer, "updateProgress", **values)

    assert await codes(STAFF, "WAITLISTED") == [("NOT_ENROLLED", "enrollmentId")]
    assert await codes(STAFF, "CANCELLED") == [("NOT_ENROLLED", "enrollmentId")]
    assert await codes(STAFF, "EXPIRED") == [("EXPIRED", "enrollmentId")]
    assert await codes(STAFF, "COMPLETED") == [("CONFLICT", "progress")]
    assert await codes(STAFF, "ACTIVE", 1.01) == [("INVALID", "progress")]
    assert await codes(STAFF, "ACTIVE", -0.01) == [("INVALID", "progress")]
    assert await codes(as_student(two), "ACTIVE") == [("NOT_FOUND", "enrollmentId")]
    assert await codes(as_instructor(factories.instructor()), "ACTIVE") == [("NOT_FOUND", "enrollmentId")]
    assert await codes(Viewer(), "ACTIVE") == [("UNAUTHENTICATED",)]
    nothing = enrollment_id(factories.enrollment(course, one))
    assert await gateway.codes(STAFF, "updateProgress", enrollmentId=nothing, progress=0) == [
        ("NOT_FOUND", "enrollmentId")
    ]


# -- what it costs --------------------------------------------------------------------------------------


async def test_commands_dont_grow_with_the_data(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    sent: list[list[str]] = []
    for size in (10, 20):
        course, run, students = await catalogue(database, seats=size, students=size + 2)
        viewers = [as_student(student) for student in students]
        data = [
            await run_query(
                operation("enroll"), {"input": place(course, run) | {"joinWaitlist": True}}, viewer=viewer
            )
            for viewer in viewers[:-1]
        ]
        mongo_commands.clear()
        values = place(course, run) | {"joinWaitlist": True, "idempotencyKey": str(size)}
        await run_query(operation("enroll"), {"input": values}, viewer=viewers[-1])
        sent.append(mongo_commands.copy())
        mongo_commands.clear()
        values = {"enrollmentId": data[0]["enroll"]["enrollment"]["id"], "idempotencyKey": f"c{size}"}
        await run_query(operation("cancelEnrollment"), {"input": values}, viewer=viewers[0])
        sent.append(mongo_commands.copy())
    assert sent[:2] == sent[2:]
    assert sent[0] == [
        "find idempotencyKeys", "find courses", "find enrollments", "find courseRuns", "update students",
        "insert enrollments", "update courseRuns", "insert auditLog", "update idempotencyKeys",
        "commitTransaction 1",
        "aggregate enrollments",  # its position on the waitlist
    ]  # fmt: skip
    assert sent[1] == [
        "find idempotencyKeys", "find enrollments", "find courses", "update enrollments", "find courseRuns",
        "find enrollments", "update enrollments", "update courseRuns", "find enrollments", "update courses",
        "insert auditLog", "update idempotencyKeys", "commitTransaction 1",
    ]  # fmt: skip
