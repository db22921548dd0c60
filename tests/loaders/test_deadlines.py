"""Commands end at their request's deadline, and when its client leaves."""

import asyncio
from asyncio import create_task, gather, sleep
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeAlias

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from app.database import connect
from loaders.mongo import Document, Value, commands, detached
from loaders.mongo.command_errors import ClientGoneError, DeadlineError, OutcomeUnknownError
from loaders.mongo.database import Database
from loaders.mongo.scope import Scope, current_scope
from loaders.mongo.transactions import Transaction, transaction
from tests.loaders.mongod import NAME, Mongod, no_threads_for_the_driver

pytestmark = pytest.mark.alone

LONG = 8.0  # seconds that a blocked command takes
SLOW = {"$expr": {"$function": {"body": "function() { sleep(20); return true }", "args": [], "lang": "js"}}}

Read: TypeAlias = Callable[[Database], Coroutine[object, object, Value]]


@pytest.fixture
async def own(own_mongod: Mongod) -> AsyncIterator[Database]:
    things = own_mongod.client[NAME]["things"]
    # A test may leave a transaction open, which would hold locks for a minute.
    own_mongod.client.admin.command("killAllSessions", [])
    things.drop()
    things.insert_many([{"_id": number, "n": 0} for number in range(400)])
    async with connect(own_mongod.settings()) as database:
        await database.command("ping")
        yield database


Late: TypeAlias = list[tuple[str, BaseException | None]]

_LATE: Late = []


@contextmanager
def request(seconds: float, *, writes: bool = False) -> Iterator[Scope]:
    scope = Scope(monotonic() + seconds, on_late=lambda kind, error: _LATE.append((kind, error)))
    scope.has_begun = scope.is_writing = writes
    token = current_scope.set(scope)
    try:
        yield scope
    finally:
        current_scope.reset(token)


async def none_in_flight(own_mongod: Mongod, within: float = 1.0) -> None:
    deadline = monotonic() + within
    while left := await asyncio.to_thread(own_mongod.in_flight):
        assert monotonic() < deadline, left
        await sleep(0.05)


READS: dict[str, Read] = {
    "find": lambda database: commands.find(database["things"], SLOW, size=400),
    "getMore": lambda database: commands.find(database["things"], SLOW, size=5),
    "find one": lambda database: commands.find_one(database["things"], {"n": 0, "$nor": [SLOW]}),
    "count": lambda database: commands.count(database["things"], SLOW),
    "aggregate": lambda database: commands.aggregate(database["things"], [{"$match": SLOW}], size=400),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_read_ends_at_the_deadline(own: Database, own_mongod: Mongod, read: Read) -> None:
    began = monotonic()
    with request(0.4), pytest.raises(DeadlineError):
        await read(own)
    assert monotonic() - began < 1
    await none_in_flight(own_mongod)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_read_ends_when_its_client_leaves(own: Database, own_mongod: Mongod, read: Read) -> None:
    with request(60) as scope:
        reading = create_task(read(own))
        async with asyncio.timeout(5):
            while not await asyncio.to_thread(own_mongod.in_flight):  # noqa: ASYNC110 # only MongoDB knows
                await sleep(0.01)
        scope.leave()
        with pytest.raises(ClientGoneError):
            await reading
    await none_in_flight(own_mongod)


async def test_a_read_is_killed_once_the_system_allows_threads_again(
    own: Database, own_mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    with request(60) as scope:
        reading = create_task(READS["find"](own))
        await sleep(0.3)
        with no_threads_for_the_driver(monkeypatch):
            scope.leave()
            with pytest.raises(ClientGoneError):
                await reading
            await sleep(0.3)  # several attempts to kill it
    await none_in_flight(own_mongod)


async def test_a_cancelled_read_ends_in_mongodb_too(own: Database, own_mongod: Mongod) -> None:
    with request(60):
        reading = create_task(READS["find"](own))
        await sleep(0.3)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    await none_in_flight(own_mongod)


async def test_a_read_that_is_blocked_in_mongodb_ends_too(own: Database, own_mongod: Mongod) -> None:
    """Stands for a find that waits for a lock or for the disk."""
    with own_mongod.blocking("find", "aggregate", "count", seconds=3):
        with request(0.3) as scope:
            found = await gather(
                commands.find(own["things"], {}, size=1),
                commands.count(own["things"], {}),
                commands.estimated_count(own["things"]),
                return_exceptions=True,
            )
        assert [type(error) for error in found] == [DeadlineError] * 3
        with request(60) as scope:
            reading = create_task(commands.find(own["things"], {}, size=1))
            await sleep(0.3)
            scope.leave()
            with pytest.raises(ClientGoneError):
                await reading
        await none_in_flight(own_mongod)


async def test_a_cheap_request_is_answered_while_another_waits(own: Database, own_mongod: Mongod) -> None:
    with own_mongod.blocking("find", seconds=2):
        with request(1.5):
            slow = [create_task(commands.find(own["things"], {}, size=1)) for _ in range(200)]
        await sleep(0.2)
        with request(5) as scope:
            scope.cheap = True
            began = monotonic()
            assert await commands.count(own["things"], {}) == 400
            assert monotonic() - began < 1
        assert {type(error) for error in await gather(*slow, return_exceptions=True)} == {DeadlineError}
    await none_in_flight(own_mongod)


async def test_nothing_is_sent_past_the_deadline_or_after_the_client_left(own: Database) -> None:
    with request(-1), pytest.raises(DeadlineError):
        await commands.find(own["things"], {}, size=1)
    with request(60) as scope:
        scope.leave()
        with pytest.raises(ClientGoneError):
            await commands.find(own["things"], {}, size=1)


async def test_sessions_still_work_after_other_commands_were_killed(own: Database) -> None:
    for _ in range(3):
        with request(0.5), pytest.raises(DeadlineError):
            await READS["find"](own)
    with request(60):
        found = await gather(*(commands.count(own["things"], {}) for _ in range(50)))
    assert found == [400] * 50


async def change(tx: Transaction) -> None:
    thing = await tx.get("things", 1)
    await tx.patch("things", thing, n=thing["n"] + 1)


async def stored(database: Database) -> int:
    return int((await commands.find_one(database["things"], {"_id": 1}))["n"])


async def test_a_transaction_ends_at_the_deadline_and_keeps_nothing(
    own: Database, own_mongod: Mongod
) -> None:
    with own_mongod.blocking("update", seconds=LONG, times=1):
        began = monotonic()
        with request(0.4, writes=True), pytest.raises(DeadlineError) as raised:
            await transaction(own, change)
        assert monotonic() - began < 1
    assert not isinstance(raised.value, OutcomeUnknownError)
    await detached.detached_work_done()
    assert (await stored(own), own_mongod.open_transactions()) == (0, 0)
    await transaction(own, change)
    assert await stored(own) == 1


async def test_retries_end_at_the_deadline(own: Database, own_mongod: Mongod) -> None:
    with (
        MongoClient[Document](own_mongod.uri) as other,
        other.start_session() as session,
        session.start_transaction(),
    ):
        other[NAME]["things"].update_one({"_id": 1}, {"$set": {"n": 5}}, session=session)
        began = monotonic()
        with request(0.4, writes=True), pytest.raises(DeadlineError):
            await transaction(own, change)
        assert monotonic() - began < 1
        session.abort_transaction()


async def test_waiting_for_a_place_among_the_transactions_ends_at_the_deadline(own: Database) -> None:
    go_on = asyncio.Event()

    async def wait(_: Transaction) -> None:
        await go_on.wait()

    others = [create_task(transaction(own, wait)) for _ in range(10)]
    await sleep(0.1)
    with request(0.2, writes=True), pytest.raises(DeadlineError):
        await transaction(own, change)
    go_on.set()
    await gather(*others)


@pytest.fixture
def late() -> Late:
    """Records the outcomes that came after their deadlines."""
    _LATE.clear()
    return _LATE


async def test_a_commit_is_followed_up_until_its_outcome_is_known(
    own: Database, own_mongod: Mongod, late: Late
) -> None:
    with own_mongod.blocking("commitTransaction", seconds=1.5, times=1):
        began = monotonic()
        with request(0.5, writes=True) as scope, pytest.raises(OutcomeUnknownError):
            await transaction(own, change)
        assert monotonic() - began < 1
        assert scope.wrote
        assert late == []
        await detached.detached_work_done()
    assert late == [("commit", None)]
    assert (await stored(own), own_mongod.open_transactions()) == (1, 0)


async def test_a_commit_that_fails_past_the_deadline_is_reported(
    own: Database, own_mongod: Mongod, late: Late
) -> None:
    fails = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
    block = {"failCommands": ["commitTransaction"], "blockConnection": True, "blockTimeMS": 1_000}
    with own_mongod.failing(1, **block, **fails):
        with request(0.3, writes=True), pytest.raises(OutcomeUnknownError):
            await transaction(own, change)
        await detached.detached_work_done()
    ((kind, error),) = late
    assert kind == "commit"
    assert isinstance(error, OperationFailure)
    assert error.code == 251
    assert await stored(own) == 0


@pytest.mark.parametrize("code", [11601, 100, 64])
async def test_a_commit_that_is_not_yet_with_a_majority_is_sent_again(
    own: Database, own_mongod: Mongod, code: int
) -> None:
    """The commit has succeeded, and an error would say the opposite."""
    concern = {"code": code, "errmsg": "interrupted"}
    failing = own_mongod.failing(1, failCommands=["commitTransaction"], writeConcernError=concern)
    with failing, request(10, writes=True):
        await transaction(own, change)
    assert (await stored(own), own_mongod.open_transactions()) == (1, 0)


@pytest.mark.parametrize("command", ["commitTransaction", "update", "insert", "find"])
async def test_an_interrupted_transaction_is_retried(own: Database, own_mongod: Mongod, command: str) -> None:
    with own_mongod.failing(1, failCommands=[command], errorCode=11601), request(10, writes=True):
        await transaction(own, change)
    assert (await stored(own), own_mongod.open_transactions()) == (1, 0)


async def test_an_outcome_before_the_deadline_is_not_reported(own: Database, late: Late) -> None:
    with request(10, writes=True):
        await transaction(own, change)
    assert late == []


@pytest.mark.parametrize("losses", [1, 3])
async def test_a_commit_whose_answer_is_lost_is_sent_again(
    own: Database, own_mongod: Mongod, losses: int
) -> None:
    lost = own_mongod.failing(losses, failCommands=["commitTransaction"], closeConnection=True)
    with lost, request(10, writes=True) as scope:
        await transaction(own, change)
    assert (await stored(own), own_mongod.open_transactions()) == (1, 0)
    assert scope.sent == 3  # the find, the update and the commit, which counts once


async def test_a_mutation_that_has_begun_goes_on_when_its_client_leaves(
    own: Database, own_mongod: Mongod
) -> None:
    with own_mongod.blocking("update", seconds=0.5, times=1), request(10, writes=True) as scope:
        writing = create_task(transaction(own, change))
        await sleep(0.2)
        scope.leave()
        await writing
        assert not scope.gone
    assert await stored(own) == 1


async def test_commands_to_a_suspended_server_end_at_the_deadline(own: Database, own_mongod: Mongod) -> None:
    with own_mongod.stopped():
        began = monotonic()
        with request(0.5):
            reading = [create_task(commands.find(own["things"], {}, size=1)) for _ in range(30)]
        with request(0.5, writes=True):
            writing = create_task(transaction(own, change))
        ended = await gather(*reading, writing, return_exceptions=True)
        assert {type(error) for error in ended} == {DeadlineError}
        assert monotonic() - began < 1
    await detached.detached_work_done()
    with request(10):
        assert await commands.count(own["things"], {}) == 400
    await none_in_flight(own_mongod)
    with request(10, writes=True):
        await transaction(own, change)
