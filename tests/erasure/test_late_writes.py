"""A write that has begun before an erasure, and is committed after it, leaves nothing in the end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from app import background
from app.settings import Settings
from loaders.accounts import digest_of
from loaders.mongo import Database, Transaction, now, transaction
from loaders.mongo.transactions import attempts
from loaders.people import due_erasure_step, erase_student, erasure, unfinished_erasures
from loaders.recounting import recount
from resolvers.relay import encode_id
from resolvers.signing_in import passwords
from resolvers.writing import runner
from tests import factories
from tests.erasure.inputs import written_by_people
from tests.erasure.marks import EMAIL, MARKER, NEW_EMAIL, PASSWORD, found
from tests.erasure.person import Person, until
from tests.support import TOKENS
from tests.writes.scenes import NAMES
from tests.writes.sessions import served
from tests.writes.support import (
    DAY,
    STAFF,
    course_id,
    enrollment_id,
    review_id,
    review_of,
    run_id,
    run_of,
    stored,
)

#: The writes of a person, each with its input. Theirs are the courses that `begun` enrols them in.
INPUTS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "updateProfile": lambda _: {"bio": MARKER},
    "endSession": lambda world: {"sessionId": str(world["session"])},
    "verifyEmail": lambda world: {"token": world["token"]},
    "enroll": lambda world: {"courseId": course_id(world["new"]), "runId": run_id(world["run"])},
    "cancelEnrollment": lambda world: {"enrollmentId": enrollment_id(world["place"])},
    "updateProgress": lambda world: {"enrollmentId": enrollment_id(world["place"]), "progress": 0.5},
    "addToWishlist": lambda world: {"courseId": course_id(world["new"])},
    "removeFromWishlist": lambda world: {"courseId": course_id(world["wished"])},
    "createReview": lambda world: {"courseId": course_id(world["old"]), "rating": 4, "body": MARKER},
    "updateReview": lambda world: {"reviewId": review_id(world["own"]), "body": f"More {MARKER}"},
    "deleteReview": lambda world: {"reviewId": review_id(world["own"])},
    "markReviewHelpful": lambda world: {"reviewId": review_id(world["review"])},
    "flagReview": lambda world: {"reviewId": review_id(world["review"])},
}


def test_each_write_of_a_person_is_tried() -> None:
    assert INPUTS.keys() == written_by_people() & set(NAMES)


async def begun(person: Person) -> dict[str, Any]:
    """Stores what the writes need."""
    me, other = {"_id": person.student_id}, factories.student("Bob")
    world: dict[str, Any] = {name: factories.course(name.title()) for name in ("new", "old", "wished")}
    courses = list(world.values())
    world["run"] = run_of(world["new"], seats=1)
    world["place"] = factories.enrollment(world["old"], me, status="ACTIVE")
    world["taken"] = factories.enrollment(world["wished"], me, status="ACTIVE")
    world["own"] = review_of(world["wished"], me, rating=2, title="T", body=MARKER)
    world["review"] = review_of(world["new"], other, rating=3)
    session = await person.database["sessions"].find_one({})
    assert session
    world["session"], world["token"] = session["_id"], "a link"
    link = {
        "_id": digest_of("a link"), "purpose": "VERIFY", "accountId": person.account_id, "isMailed": True,
        "email": EMAIL, "createdAt": now(), "expiresAt": now() + DAY, "usedAt": None,
    }  # fmt: skip
    wish = {"courseId": world["wished"]["_id"], "addedAt": now()}
    await stored(
        person.database, courses=courses, courseRuns=[world["run"]], students=[other],
        enrollments=[world["place"], world["taken"]], reviews=[world["own"], world["review"]],
        wishlists=[{"_id": person.student_id, "courses": [wish]}], accountTokens=[link],
    )  # fmt: skip
    return world


class Pause:
    """Wraps a function that has to wait, the first time it is called, until `resumed` is set."""

    def __init__(self, function: Callable[..., Awaitable[Any]], *, after: bool) -> None:
        self._function, self._after = function, after
        self.reached, self.resumed = asyncio.Event(), asyncio.Event()

    async def __call__(self, *arguments: Any, **options: Any) -> Any:
        is_first = not self.reached.is_set()
        if is_first and not self._after:
            await self._wait()
        result = await self._function(*arguments, **options)
        if is_first and self._after:
            await self._wait()
        return result

    async def is_reached(self, task: asyncio.Task[Any]) -> None:
        """Waits until it is reached, or a task is done, because it has been refused."""
        reached = asyncio.create_task(self.reached.wait())
        await asyncio.wait([task, reached], return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()

    async def _wait(self) -> None:
        self.reached.set()
        await self.resumed.wait()


async def write(person: Person, name: str, **values: Any) -> list[str]:
    """Runs a mutation, and returns the codes of its errors."""
    payload = await person.gateway.post(
        f"mutation($i: {_input_type(name)}!) {{ {name}(input: $i) {{ errors {{ code }} }} }}",
        {"i": values},
        token=person.token or None,
        **{"user-agent": MARKER},
    )
    return [error["code"] for error in payload.json()["data"][name]["errors"]]


def _input_type(name: str) -> str:
    return "WishlistInput" if "Wishlist" in name else f"{name[0].upper()}{name[1:]}Input"


async def erase(person: Person) -> None:
    query = "mutation($i: EraseStudentInput!) { eraseStudent(input: $i) { errors { code } } }"
    values = {"studentId": encode_id("Student", {"_id": person.student_id})}
    answer = (await person.gateway.post(query, {"i": values}, token=TOKENS.access(STAFF).text)).json()
    assert answer["data"]["eraseStudent"]["errors"] == [], answer


async def erase_again(database: Database) -> None:
    """Does what a gateway does when all transactions must have ended that had begun before."""
    assert await unfinished_erasures(database) == 0
    assert not await due_erasure_step(database)
    assert await database["erasures"].count_documents({}) == 1
    await _make_due(database)
    while await due_erasure_step(database):
        pass
    assert await database["erasures"].count_documents({}) == 0


async def _make_due(database: Database) -> None:
    earlier = {"$subtract": ["$since", 1_000 * erasure.AGAIN_AFTER]}
    await database["erasures"].update_many({}, [{"$set": {"since": earlier}}])


async def nothing_is_left(person: Person) -> None:
    database, student_id = person.database, person.student_id
    await database["outbox"].delete_many({"kind": "message.account_deleted"})  # test_marker.py has it sent
    assert await found(database) == set()
    assert await database["wishlists"].count_documents({}) == 0
    assert await database["flags"].count_documents({}) == 0
    assert await database["sessions"].count_documents({}) == 0
    # What the answers and the log say is by id only.
    keys = await database["idempotencyKeys"].find({"_id.viewer": str(person.account_id)}).to_list(None)
    assert keys == []
    own = {"$or": [{"actor.studentId": student_id}, {"actor.subject": str(person.account_id)}]}
    assert {entry["address"] async for entry in database["auditLog"].find(own)} == {""}
    in_runs = {"studentId": student_id, "runId": {"$ne": None}, "status": {"$in": ["ACTIVE", "WAITLISTED"]}}
    assert await database["enrollments"].count_documents(in_runs) == 0
    assert [one async for one in recount(database, fix=False)] == []


@pytest.mark.parametrize("place", ["before it writes", "before its commit"])
@pytest.mark.parametrize("name", INPUTS)
async def test_a_write_in_flight_leaves_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    world = await begun(person)
    module, function = (
        (runner, "_require_session") if place == "before it writes" else (attempts, "_committed")
    )
    pause = Pause(getattr(module, function), after=place == "before it writes")
    monkeypatch.setattr(module, function, pause)
    writing = asyncio.create_task(
        write(person, name, **INPUTS[name](world), idempotencyKey=f"{MARKER} {name}")
    )
    await pause.is_reached(writing)
    erasing = asyncio.create_task(erase(person))
    # The first transaction waits for those that write the same documents.
    await asyncio.wait([erasing], timeout=20 if place == "before it writes" else 0.5)
    pause.resumed.set()
    codes = await writing
    assert codes in ([], ["UNAUTHENTICATED"])
    await erasing
    await erase_again(person.database)
    await nothing_is_left(person)


@pytest.mark.parametrize("name", ["changeEmail", "changePassword", "signIn", "deleteAccount"])
async def test_a_password_that_is_being_checked_leaves_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await begun(person)
    values = {
        "changeEmail": {"newEmail": NEW_EMAIL, "password": PASSWORD},
        "changePassword": {"currentPassword": PASSWORD, "newPassword": f"new {PASSWORD}"},
        "signIn": {"email": EMAIL, "password": PASSWORD},
        "deleteAccount": {"password": PASSWORD},
    }
    pause = Pause(passwords.verify, after=True)
    monkeypatch.setattr(passwords, "verify", pause)
    writing = asyncio.create_task(write(person, name, **values[name]))
    await pause.is_reached(writing)
    assert not writing.done()
    await erase(person)
    pause.resumed.set()
    assert await writing == ["UNAUTHENTICATED"]
    await erase_again(person.database)
    await nothing_is_left(person)


@pytest.mark.parametrize("is_interrupted", [False, True])
async def test_a_running_gateway_erases_what_is_due(
    person: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, is_interrupted: bool
) -> None:
    """It continues what another one has left, and erases again what was written late."""
    database, world = person.database, await begun(person)
    if is_interrupted:

        async def begin(tx: Transaction) -> None:
            await erase_student(tx, await tx.get("students", person.student_id))

        await transaction(database, begin)
        assert await unfinished_erasures(database) == 1
    else:
        await erase(person)
        await database["reviews"].update_one({"_id": world["own"]["_id"]}, {"$set": {"body": MARKER}})
    monkeypatch.setattr(background, "_ERASURES_EVERY", 0.05)
    async with served(settings):
        await asyncio.sleep(0.5)
        assert await database["erasures"].count_documents({}) == 1  # it isn't due yet
        await _make_due(database)
        if is_interrupted:
            await until(lambda: database["erasures"].find_one({"isRepeated": True}))
            await _make_due(database)
        await until(lambda: _has_none(database))
    await nothing_is_left(person)


async def _has_none(database: Database) -> bool:
    return await database["erasures"].count_documents({}) == 0
