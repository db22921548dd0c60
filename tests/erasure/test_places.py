"""What becomes of the places of a student who is erased, and of the counts of courses and runs."""

from typing import Any

from loaders.mongo import Database
from loaders.recounting import recount
from resolvers.relay import encode_id
from tests import factories
from tests.erasure.person import Person
from tests.erasure.test_late_writes import erase
from tests.support import TOKENS
from tests.writes.support import DAY, SOON, STAFF, course_id, run_of, stored


async def test_places_to_come_are_given_up_and_past_ones_stay(person: Person, database: Database) -> None:
    me, bob, eve = {"_id": person.student_id}, factories.student("Bob"), factories.student("Eve")
    names = ("seat", "alone", "waiting", "completed", "past", "begun", "own pace")
    courses = {name: factories.course(name) for name in names}
    runs = {name: run_of(courses[name], seats=1) for name in names if name != "own pace"}
    for name in ("past", "begun"):
        runs[name] |= {"startsAt": SOON - 60 * DAY}

    def place(name: str, who: dict[str, Any], status: str) -> dict[str, Any]:
        run = runs[name]["_id"] if name in runs else None
        return factories.enrollment(courses[name], who, runId=run, status=status)

    places = [
        place("seat", me, "ACTIVE"), place("seat", bob, "WAITLISTED"), place("seat", eve, "WAITLISTED"),
        place("alone", me, "ACTIVE"),
        place("waiting", bob, "ACTIVE"), place("waiting", me, "WAITLISTED"),
        place("completed", me, "COMPLETED"),
        place("past", me, "ACTIVE"),
        place("begun", bob, "ACTIVE"), place("begun", me, "WAITLISTED"),
        place("own pace", me, "ACTIVE"),
    ]  # fmt: skip
    for number, one in enumerate(places):
        one["enrolledAt"] = SOON - 90 * DAY + number * DAY
    await stored(
        database, courses=list(courses.values()), courseRuns=list(runs.values()), students=[bob, eve],
        enrollments=places,
    )  # fmt: skip
    before = await counts(database)
    await erase(person)
    after = await counts(database)
    # students of the course, seats taken in the run, waitlist of the run
    assert {name: (before[name], after[name]) for name in names if before[name] != after[name]} == {
        "seat": ((1, 1, 2), (1, 1, 1)),
        "alone": ((1, 1, 0), (0, 0, 0)),
        "waiting": ((1, 1, 1), (1, 1, 0)),
    }
    moved = await database["enrollments"].find_one({"studentId": bob["_id"], "runId": runs["seat"]["_id"]})
    assert moved
    assert moved["status"] == "ACTIVE"
    mine = await database["enrollments"].find({"studentId": me["_id"]}).to_list(None)
    by_course = {one["courseId"]: one["status"] for one in mine}
    assert {name: by_course[course["_id"]] for name, course in courses.items()} == {
        "seat": "CANCELLED", "alone": "CANCELLED", "waiting": "CANCELLED", "completed": "COMPLETED",
        "past": "ACTIVE", "begun": "WAITLISTED", "own pace": "ACTIVE",
    }  # fmt: skip
    assert [one async for one in recount(database, fix=False)] == []

    query = "mutation($i: EnrollStudentInput!) { enrollStudent(input: $i) { errors { code path } } }"
    values = {"studentId": encode_id("Student", me), "courseId": course_id(courses["alone"])}
    answer = (await person.gateway.post(query, {"i": values}, token=TOKENS.access(STAFF).text)).json()
    (error,) = answer["data"]["enrollStudent"]["errors"]
    assert error == {"code": "CONFLICT", "path": ["input", "studentId"]}


async def counts(database: Database) -> dict[str, tuple[int, int, int]]:
    runs = {run["courseId"]: run async for run in database["courseRuns"].find()}
    return {
        course["title"]: (
            course["studentCount"],
            runs.get(course["_id"], {}).get("seatsTaken", 0),
            runs.get(course["_id"], {}).get("waitlistCount", 0),
        )
        async for course in database["courses"].find()
    }
