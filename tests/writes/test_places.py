"""A state machine of enrolments: any sequence of concurrent writes keeps the invariants.

No seat is oversold, the counts match the documents, and nobody waits while a seat is free.
"""

from asyncio import Runner, gather
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.mongo.database import Database
from loaders.recounting import recount
from tests import factories
from tests.factories import clear
from tests.writes.support import (
    STAFF,
    Doc,
    Gateway,
    Value,
    as_student,
    course_id,
    enrollment_id,
    run_id,
    run_of,
    served,
    stored,
)

STUDENTS = st.lists(st.integers(0, 4), min_size=1, max_size=4)
REASONS = {"DUPLICATE", "SEATS_TAKEN", "CONFLICT", "NOT_ENROLLED"}


def test_enrolments_stay_consistent(settings: Settings) -> None:
    """Runs in an event loop of its own, because the rules of a state machine can't be coroutines."""
    with Runner() as runner:
        world = _World(settings)
        runner.run(world.open())
        _Places.runner, _Places.world = runner, world
        try:
            run_state_machine_as_test(_Places, settings=_FEW)
        finally:
            runner.run(world.close())


_FEW = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


class _World:
    """A gateway with its own database, beside the database of the other tests."""

    database: Database
    gateway: Gateway

    def __init__(self, settings: Settings) -> None:
        name = f"{settings.mongodb_database}_places"
        self._settings = settings.model_copy(update={"mongodb_database": name})
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        self.database = await self._stack.enter_async_context(connect(self._settings))
        await indexes.ensure(self.database)
        self.gateway = await self._stack.enter_async_context(served(self._settings))

    async def close(self) -> None:
        await self._stack.aclose()


class _Places(RuleBasedStateMachine):
    """In every step several students act at once."""

    runner: ClassVar[Runner]
    world: ClassVar[_World]

    @initialize(seats=st.integers(1, 3))
    def begin(self, seats: int) -> None:
        self.runner.run(self._begin(seats))

    async def _begin(self, seats: int) -> None:
        await clear(self.world.database)
        self.course = factories.course()
        self.run = run_of(self.course, seats=seats)
        self.students = [factories.student() for _ in range(5)]
        await stored(
            self.world.database, courses=[self.course], courseRuns=[self.run], students=self.students
        )

    @rule(students=STUDENTS, wait=st.booleans(), in_run=st.booleans())
    def enroll(self, students: list[int], wait: bool, in_run: bool) -> None:
        place = {"courseId": course_id(self.course), "joinWaitlist": wait}
        place |= {"runId": run_id(self.run)} if in_run else {}
        self._all(self._write(as_student(self.students[n]), "enroll", **place) for n in students)

    @rule(students=STUDENTS)
    def cancel(self, students: list[int]) -> None:
        self._of_each("cancelEnrollment", students)

    @rule(students=STUDENTS)
    def complete(self, students: list[int]) -> None:
        self._of_each("updateProgress", students, progress=1)

    @rule(seats=st.integers(1, 6) | st.none(), students=STUDENTS)
    def change_seats(self, seats: int | None, students: list[int]) -> None:
        """Changes the number of seats while students enrol."""
        place = {"courseId": course_id(self.course), "runId": run_id(self.run)}
        self._all(
            [
                self._write(STAFF, "updateCourseRun", runId=run_id(self.run), seats=seats),
                *(self._write(as_student(self.students[n]), "enroll", **place) for n in students),
            ]
        )

    @invariant()
    def what_is_counted_is_there(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        database = self.world.database
        assert [difference async for difference in recount(database, fix=False)] == []
        async for run in database["courseRuns"].find():
            taken = await database["enrollments"].count_documents(
                {"runId": run["_id"], "status": {"$in": ["ACTIVE", "COMPLETED"]}}
            )
            assert taken == run["seatsTaken"]
            assert run["seats"] is None or taken <= run["seats"]
            assert not run["waitlistCount"] or taken == run["seats"]

    def _of_each(self, name: str, students: list[int], **values: Value) -> None:
        """Runs a mutation on the latest enrolment of each student that has one."""
        enrollments = [enrollment for n in students if (enrollment := self.runner.run(self._latest(n)))]
        self._all(self._write(STAFF, name, enrollmentId=enrollment_id(e), **values) for e in enrollments)

    async def _latest(self, n: int) -> Doc | None:
        query = {"studentId": self.students[n]["_id"]}
        return await self.world.database["enrollments"].find_one(query, sort=[("_id", -1)])

    async def _write(self, viewer: Value, name: str, **values: Value) -> None:
        codes = await self.world.gateway.codes(viewer, name, **values)
        assert {code for code, *_ in codes} <= REASONS, codes

    def _all(self, writes: Iterable[Awaitable[None]]) -> None:
        async def together() -> None:
            await gather(*writes)

        self.runner.run(together())
