"""Runs of courses: times and seats."""

from datetime import datetime

import pytest

import loaders.course_writes
import loaders.enrollment
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction
from resolvers.context import Viewer
from resolvers.relay import ids
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
    at_once,
    course_id,
    current,
    operation,
    run_id,
    run_of,
    stored,
)

ADA = factories.instructor("Ada")


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_run_is_created(gateway: Gateway, database: Database) -> None:
    course = factories.course(instructorIds=[ADA["_id"]])
    await stored(database, courses=[course])
    payload = await gateway.done(
        as_instructor(ADA), "createCourseRun", courseId=course_id(course),
        startsAt="2030-05-01T09:00:00.123456+02:00", endsAt="2030-05-02T09:00:00Z", deliveryMode="ONSITE",
        location=" Room\n1 ", seats=5,
    )  # fmt: skip
    run = payload["courseRun"]
    assert run == {
        "id": run["id"], "title": None, "startsAt": "2030-05-01T07:00:00Z",
        "endsAt": "2030-05-02T09:00:00Z",
        "deliveryMode": "ONSITE", "location": "Room 1", "seats": 5, "seatsLeft": 5, "waitlistCount": 0,
        "status": "SCHEDULED",
    }  # fmt: skip
    found = await gateway.ask("{ courses(filter: { hasSeats: true }) { totalCount } }")
    assert found["courses"]["totalCount"] == 1


GOOD = {"startsAt": "2030-05-01T09:00:00Z", "deliveryMode": "ONLINE"}
INVALID = [
    ("endsAt", "2030-05-01T09:00:00Z"), ("endsAt", "2030-05-01T10:30:00+02:00"), ("seats", 0),
    ("seats", 100_001), ("startsAt", "9999-12-31T23:59:59-12:00"), ("startsAt", "0001-01-01T00:00:00+14:00"),
    ("location", "x" * 201),
]  # fmt: skip


@pytest.mark.parametrize("name", ["createCourseRun", "updateCourseRun"])
@pytest.mark.parametrize(("field", "value"), INVALID)
async def test_an_invalid_value_is_reported_with_its_path(
    gateway: Gateway, database: Database, name: str, field: str, value: Value
) -> None:
    course = factories.course()
    run = run_of(course)
    await stored(database, courses=[course], courseRuns=[run])
    target = {"courseId": course_id(course)} if name == "createCourseRun" else {"runId": run_id(run)}
    assert await gateway.codes(STAFF, name, **target, **GOOD | {field: value}) == [("INVALID", field)]
    assert await current(database, "courseRuns", run) == run


async def test_refused_changes_of_runs(gateway: Gateway, database: Database) -> None:
    course, archived, draft = (
        factories.course(status=status, instructorIds=[ADA["_id"]])
        for status in ("PUBLISHED", "ARCHIVED", "DRAFT")
    )
    run, hidden = run_of(course), run_of(draft)
    await stored(database, courses=[course, archived, draft], courseRuns=[run, hidden])
    bob, student = as_instructor(factories.instructor("Bob")), as_student(factories.student())
    made = {"courseId": course_id(course), **GOOD}
    assert await gateway.codes(bob, "createCourseRun", **made) == [("FORBIDDEN",)]
    assert await gateway.codes(student, "createCourseRun", **made) == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), "createCourseRun", **made) == [("UNAUTHENTICATED",)]
    old = {"courseId": course_id(archived), **GOOD}
    assert await gateway.codes(as_instructor(ADA), "createCourseRun", **old) == [("CONFLICT", "courseId")]
    assert await gateway.codes(bob, "createCourseRun", **old) == [("NOT_FOUND", "courseId")]
    change = {"runId": run_id(run), "seats": 1}
    assert await gateway.codes(bob, "updateCourseRun", **change) == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), "updateCourseRun", **change) == [("UNAUTHENTICATED",)]
    assert await gateway.codes(bob, "updateCourseRun", runId=run_id(hidden)) == [("NOT_FOUND", "runId")]
    nothing = run_id(run_of(course))
    assert await gateway.codes(STAFF, "updateCourseRun", runId=nothing) == [("NOT_FOUND", "runId")]


async def test_a_run_is_changed(gateway: Gateway, database: Database) -> None:
    course = factories.course()
    run = run_of(course, location="Room 1", seats=3, endsAt=SOON + DAY)
    await stored(database, courses=[course], courseRuns=[run])
    payload = await gateway.done(
        STAFF, "updateCourseRun", runId=run_id(run), location=None, startsAt=at(SOON - DAY)
    )
    changed = payload["courseRun"]
    assert (changed["location"], changed["startsAt"], changed["seats"]) == (None, at(SOON - DAY), 3)
    assert await gateway.codes(STAFF, "updateCourseRun", runId=run_id(run), startsAt=at(SOON + 2 * DAY)) == [
        ("INVALID", "endsAt")
    ]
    assert await gateway.codes(STAFF, "updateCourseRun", runId=run_id(run), startsAt=None) == [
        ("INVALID", "startsAt")
    ]


async def test_taken_seats_cant_be_removed(gateway: Gateway, database: Database) -> None:
    course = factories.course()
    run = run_of(course, seats=5)
    taken = [factories.enrollment(course, factories.student(), runId=run["_id"]) for _ in range(3)]
    await stored(database, courses=[course], courseRuns=[run], enrollments=taken)
    target = {"runId": run_id(run)}
    assert await gateway.codes(STAFF, "updateCourseRun", **target, seats=2) == [("CONFLICT", "seats")]
    payload = await gateway.done(STAFF, "updateCourseRun", **target, seats=3)
    assert payload["courseRun"]["seatsLeft"] == 0


@pytest.mark.parametrize(("seats", "moved"), [(3, 2), (None, 4), (1, 0), (50, 4)])
async def test_new_seats_go_to_those_who_waited_longest(
    gateway: Gateway, database: Database, seats: int | None, moved: int
) -> None:
    course = factories.course()
    run = run_of(course, seats=1)
    seated = factories.enrollment(course, factories.student(), runId=run["_id"])
    waiting = [
        factories.enrollment(
            course, factories.student(), runId=run["_id"], status="WAITLISTED", enrolledAt=SOON - n * DAY
        )
        for n in range(40, 44)
    ]
    await stored(database, courses=[course], courseRuns=[run], enrollments=[seated, *waiting])
    payload = await gateway.done(STAFF, "updateCourseRun", runId=run_id(run), seats=seats)
    assert payload["courseRun"]["waitlistCount"] == 4 - moved
    in_order = [await current(database, "enrollments", enrollment) for enrollment in reversed(waiting)]
    assert [e["status"] for e in in_order] == ["ACTIVE"] * moved + ["WAITLISTED"] * (4 - moved)
    assert (await current(database, "courses", course))["studentCount"] == 1 + moved


async def test_a_long_waitlist_moves_up_with_as_many_commands_as_a_short_one(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    sent = []
    for length in (3, 300):
        course = factories.course()
        run = run_of(course, seats=1)
        people = [factories.enrollment(course, factories.student(), runId=run["_id"])] + [
            factories.enrollment(course, factories.student(), runId=run["_id"], status="WAITLISTED")
            for _ in range(length)
        ]
        await stored(database, courses=[course], courseRuns=[run], enrollments=people)
        mongo_commands.clear()
        values = {"runId": run_id(run), "seats": 1_000}
        data = await run_query(operation("updateCourseRun"), {"input": values}, viewer=STAFF)
        assert data["updateCourseRun"]["courseRun"]["seatsLeft"] == 999 - length
        sent.append(list(mongo_commands))
    assert sent[0] == sent[1]


@pytest.mark.parametrize("name", ["updateCourseRun", "publishCourse"])
async def test_a_longer_waitlist_moves_up_in_several_transactions(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each transaction has its own entries in the audit log, none with more changes than are shown."""
    monkeypatch.setattr(loaders.enrollment, "MOST_MOVED", 60)
    course = factories.course(summary="S", deliveryModes=["ONLINE"])
    run = run_of(course, seats=1)
    people = [
        factories.enrollment(course, factories.student(), runId=run["_id"], status=status)
        for status in ("ACTIVE", *["WAITLISTED"] * 150)
    ]
    if name == "publishCourse":
        course["status"], run["seats"] = "ARCHIVED", 1_000
    await stored(database, courses=[course], courseRuns=[run], enrollments=people)
    values: Doc = {"courseId": course_id(course)}
    if name == "updateCourseRun":
        values = {"runId": run_id(run), "seats": 1_000}
    await gateway.done(STAFF, name, **values)
    assert (await current(database, "courseRuns", run))["waitlistCount"] == 0
    assert await database["enrollments"].count_documents({"status": "ACTIVE"}) == 151
    entries = await database["auditLog"].find({"action": name}).to_list(None)
    assert max(len(entry["changes"]) for entry in entries) == 50
    moved = [c for entry in entries for c in entry["changes"] if c["collection"] == "enrollments"]
    assert len({c["documentId"] for c in moved}) == len(moved) == 150
    again = await gateway.done(STAFF, name, **values)
    assert not again["errors"]


async def test_runs_that_fill_up_concurrently_leave_a_course_without_seats(
    gateway: Gateway, database: Database
) -> None:
    """Each transaction sees the free seats of the other run; `seatsUntil` must still be right in the end."""
    course = factories.course()
    runs = [run_of(course, seats=2, startsAt=SOON + n * DAY) for n in range(2)]
    taken = [factories.enrollment(course, factories.student(), runId=run["_id"]) for run in runs]
    await stored(database, courses=[course], courseRuns=runs, enrollments=taken)
    await at_once(
        database,
        lambda tx: _take_seats_away(tx, runs[0]),
        lambda tx: _take_seats_away(tx, runs[1]),
    )
    assert (await current(database, "courses", course))["seatsUntil"] is None
    assert (await gateway.ask("{ courses(filter: { hasSeats: true }) { totalCount } }")) == {
        "courses": {"totalCount": 0}
    }


async def test_a_run_created_while_its_course_is_archived_is_hidden(
    gateway: Gateway, database: Database
) -> None:
    course = factories.course()
    latest = run_of(course, startsAt=SOON + 9 * DAY)
    await stored(database, courses=[course], courseRuns=[latest])
    new = {"startsAt": SOON, "deliveryMode": "ONLINE"}
    await at_once(
        database,
        lambda tx: _insert_run(tx, course, new),
        lambda tx: _archive(tx, course),
    )
    runs = [{"_id": run["_id"]} async for run in database["courseRuns"].find()]
    query = {"ids": [ids.encode_id("CourseRun", run) for run in runs]}
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await gateway.ask(text, query))["nodes"] == [None, None]
    assert None not in (await gateway.ask(text, query, STAFF))["nodes"]


async def _take_seats_away(tx: Transaction, run: Doc) -> None:
    await loaders.course_writes.change_run(tx, await tx.get("courseRuns", run["_id"]), seats=1)


async def _insert_run(tx: Transaction, course: Doc, fields: Doc) -> None:
    await loaders.course_writes.insert_run(tx, await tx.get("courses", course["_id"]), fields)


async def _archive(tx: Transaction, course: Doc) -> None:
    await loaders.course_writes.set_status(tx, await tx.get("courses", course["_id"]), "ARCHIVED")
