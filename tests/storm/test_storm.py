"""Short storms. `python -m tests.storm` runs long ones."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from shutil import which

import pytest
from bson import ObjectId

from app.database import connect
from loaders.mongo.database import Database
from resolvers.relay import encode_id
from tests.factories import clear
from tests.storm import erasures, replica_set, storm, verify
from tests.storm.log import Log
from tests.storm.marks import address
from tests.storm.storm import Plan
from tests.storm.world import IMPORT
from tests.support import missing


@pytest.fixture(scope="module", autouse=True)
def _setpriv() -> None:
    """setpriv ends the processes started here together with the test process."""
    if not which("setpriv"):
        missing("setpriv is not installed (util-linux, on Linux)")


@pytest.fixture(scope="module")
async def calm(
    mongo_uri: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Database, Log]]:
    """The database after a storm without kills, and the log of its clients."""
    settings = storm.settings_of(mongo_uri, f"calm_{worker_id}")
    directory = tmp_path_factory.mktemp("calm")
    async with connect(settings) as database:
        await clear(database)
        report = await storm.run(
            Plan(writes=600, clients=30, gateway_kills=0, newcomers=3), settings, directory
        )
        assert not report.complaints, str(report)
        yield database, report.log


async def test_no_write_is_lost_or_done_twice_when_clients_disconnect_and_the_gateway_is_killed(
    mongo_uri: str, worker_id: str, tmp_path: Path
) -> None:
    settings = storm.settings_of(mongo_uri, f"storm_{worker_id}")
    async with connect(settings) as database:
        await clear(database)

    report = await storm.run(Plan(writes=1_000, clients=60, gateway_kills=1), settings, tmp_path)

    assert not report.complaints, str(report)
    (kill,) = report.kills
    # MongoDB itself aborts the open transactions of a killed gateway only after a minute or more.
    assert report.all_back_after(kill) < 45, str(report)


async def test_no_write_is_lost_when_the_primary_is_killed_and_writes_resume_soon_after_an_election(
    tmp_path: Path,
) -> None:
    plan = Plan(writes=1_000, clients=60, gateway_kills=0, primary_kills=1)
    with replica_set.running(tmp_path) as members:
        report = await storm.run(plan, storm.settings_of(members.uri, "storm"), tmp_path, members)

    assert not report.complaints, str(report)
    (kill,) = report.kills
    # MongoDB decides how long an election takes: a second vote takes another ten seconds. Writes wait 30 s.
    assert kill.elected_after
    assert report.back_after(kill) < min(kill.elected_after + 5, 30), str(report)


async def _lose_a_review(database: Database) -> None:
    await database["reviews"].delete_one({"externalId": None})


async def _change_a_rating(database: Database) -> None:
    another = {"$add": [{"$mod": ["$rating", 5]}, 1]}
    await database["reviews"].update_one({"externalId": None}, [{"$set": {"rating": another}}])


async def _write_a_review_twice(database: Database) -> None:
    await _duplicate(database, "reviews", {"externalId": None})


async def _sell_a_seat_twice(database: Database) -> None:
    await database["courseRuns"].update_one(
        {"seatsTaken": {"$gte": 2}, "seats": {"$ne": None}}, {"$set": {"seats": 1}}
    )


async def _take_a_place_twice(database: Database) -> None:
    await _duplicate(database, "enrollments", {"status": "ACTIVE"})


async def _lose_a_vote(database: Database) -> None:
    await database["votes"].delete_one({})


async def _lose_a_wish(database: Database) -> None:
    await database["wishlists"].update_one({"courses.0": {"$exists": True}}, {"$pop": {"courses": 1}})


async def _lose_a_profile(database: Database) -> None:
    await database["students"].update_one({"bio": {"$ne": None}}, {"$set": {"bio": None}})


async def _lose_an_account(database: Database) -> None:
    await database["accounts"].delete_one({})


async def _end_a_session(database: Database) -> None:
    await database["sessions"].update_many({}, {"$set": {"endedAt": True}})


async def _lose_an_audit_entry(database: Database) -> None:
    await database["auditLog"].delete_one({"action": "enroll"})


async def _lose_an_event(database: Database) -> None:
    await database["outbox"].delete_one({"destination": "crm"})


async def _tell_an_event_twice(database: Database) -> None:
    await _duplicate(database, "outbox", {"kind": "enrollment.created"})


async def _number_wrongly(database: Database) -> None:
    await database["outbox"].update_one({"kind": "review.written"}, {"$set": {"sequence": 2}})


async def _lose_a_message(database: Database) -> None:
    # One with a link could be missing for another reason: it is deleted if the link was used meanwhile.
    lost = {"$in": ["message.moved_up", "message.run_cancelled"]}
    assert await database["outbox"].find_one_and_delete({"kind": lost}, sort=[("_id", -1)])


async def _forget_a_verification(database: Database) -> None:
    is_verified = {"emailVerifiedAt": {"$ne": None}}
    await database["accounts"].update_one(is_verified, {"$set": {"emailVerifiedAt": None}})


async def _reopen_a_run(database: Database) -> None:
    await database["courseRuns"].update_one({"status": "CANCELLED"}, {"$set": {"status": None}})


async def _lose_a_category(database: Database) -> None:
    await database["categories"].delete_one({})


async def _give_away_what_was_claimed(database: Database) -> None:
    await database["reviews"].update_many({"externalId.source": IMPORT}, {"$set": {"studentId": ObjectId()}})


async def _lose_a_flag(database: Database) -> None:
    await database["flags"].delete_one({})


async def _count_flags_wrongly(database: Database) -> None:
    await database["reviews"].update_one({"flagCount": {"$gt": 0}}, {"$inc": {"flagCount": 1}})


async def _lose_a_reason(database: Database) -> None:
    moderated = {"moderationReason": {"$ne": None}}
    await database["reviews"].update_one(moderated, {"$set": {"moderationReason": None}})


async def _keep_a_profile(database: Database) -> None:
    await database["students"].update_one({"erasedAt": {"$ne": None}}, {"$set": {"country": "DE"}})


async def _keep_a_session(database: Database) -> None:
    await database["sessions"].update_one({}, {"$set": {"accountId": ObjectId()}})


async def _leave_an_erasure(database: Database) -> None:
    await database["erasures"].insert_one({})


async def _erase_twice(database: Database) -> None:
    await _duplicate(database, "auditLog", {"changes.after.erasedAt": {"$exists": True}})


async def _count_wrongly(database: Database) -> None:
    await database["courses"].update_one({"studentCount": {"$gt": 0}}, {"$inc": {"studentCount": -1}})


async def _duplicate(database: Database, collection: str, query: dict[str, object]) -> None:
    """Duplicates a document, as if there were no unique index."""
    document = await database[collection].find_one(query)
    assert document
    await database[collection].drop_indexes()
    await database[collection].insert_one({**document, "_id": ObjectId()})


@pytest.mark.parametrize(
    "damage",
    [
        _lose_a_review, _change_a_rating, _write_a_review_twice, _sell_a_seat_twice, _take_a_place_twice,
        _lose_a_vote, _lose_a_wish, _lose_a_profile, _forget_a_verification, _lose_an_account,
        _end_a_session, _lose_an_audit_entry,
        _lose_an_event, _tell_an_event_twice, _number_wrongly, _lose_a_message,
        _reopen_a_run, _lose_a_category, _give_away_what_was_claimed, _count_wrongly,
        _lose_a_flag, _count_flags_wrongly, _lose_a_reason, _keep_a_profile, _keep_a_session,
        _leave_an_erasure, _erase_twice,
    ],
)  # fmt: skip
async def test_damage_after_a_storm_is_found(
    calm: tuple[Database, Log], damage: Callable[[Database], Awaitable[None]]
) -> None:
    """Damage accumulates over the parameters: each adds a new complaint."""
    database, log = calm
    before = set(await verify.complaints(database, log))

    await damage(database)

    assert set(await verify.complaints(database, log)) - before


async def test_what_an_erased_person_wrote_is_found(calm: tuple[Database, Log]) -> None:
    database, log = calm
    erased = await database["students"].find_one({"erasedAt": {"$ne": None}})
    assert erased
    mark = log.people[encode_id("Student", erased)]
    before = set(await verify.complaints(database, log))

    await database["auditLog"].update_one({}, {"$set": {"changes.0.after": {"bio": f"by {mark}"}}})

    found = set(await verify.complaints(database, log)) - before
    assert any(complaint.startswith(f"{mark} is erased, but in auditLog") for complaint in found)
    assert erasures.log_complaints(f"200 {address(mark)}", log) == [
        f"{mark} is erased, but in the gateway's log"
    ]
    assert not erasures.log_complaints(f"200 {address(mark + '0')}", log)
