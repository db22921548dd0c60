"""Look-ups of several requests that wait for a slot: one command serves those that are alike."""

import asyncio
import gc
import sys
from asyncio import Task, create_task, gather, sleep
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from string import ascii_letters
from threading import Event
from time import monotonic
from typing import Any, NamedTuple

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from motor.core import AgnosticBase
from pymongo.errors import ConnectionFailure, OperationFailure

from app.database import connect
from loaders.mongo import CommandSent, Document, DriverObject, Value, commands
from loaders.mongo.command_errors import ClientGoneError, DatabaseAwayError, DeadlineError
from loaders.mongo.database import Database
from loaders.mongo.finds import Lookup, shares
from loaders.mongo.queue import Command, queue_of
from loaders.mongo.scope import Scope, current_scope
from loaders.mongo.slots import FAST
from tests.loaders.mongod import NAME, Mongod

NUMBERED = [
    {"_id": ObjectId(f"{number:024x}"), "name": f"n{number}", "size": number} for number in range(200)
]
NAMES = {"_id": 1, "name": 1}


class Request(NamedTuple):
    """A request that looks up documents, and the commands reported to its listener."""

    scope: Scope
    reading: Task[list[Document]]
    sent: list[CommandSent]


def look_up(
    database: Database,
    keys: Sequence[Value],
    *,
    field: str = "name",
    projection: dict[str, int] | None = NAMES,
    seconds: float = 30,
    writes: bool = False,
    cheap: bool = False,
) -> Request:
    """Begins to look up documents for a new request."""
    sent: list[CommandSent] = []
    scope = Scope(monotonic() + seconds, on_command=sent.append, cheap=cheap)
    scope.has_begun = writes
    outer = current_scope.set(scope)
    reading = create_task(commands.lookup(database["things"], field, keys, projection))
    current_scope.reset(outer)
    return Request(scope, reading, sent)


@pytest.fixture(autouse=True)
def _free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps all fast slots, however busy these tests make the process."""
    monkeypatch.setattr("loaders.mongo.queue.processor_time", lambda: 0.0)


@asynccontextmanager
async def every_slot_taken(database: Database) -> AsyncIterator[None]:
    """Takes all the slots of reads. When the body ends, they are free again."""
    released, go_on = Event(), asyncio.Event()
    is_threaded = isinstance(database["things"], AgnosticBase)

    def block(_: DriverObject) -> Value:
        return released.wait(5) if is_threaded else go_on.wait()

    queue = queue_of(database.client)
    busy = [create_task(commands.send(database["things"], "ping", block)) for _ in range(FAST)]
    while queue.in_flight < FAST:  # noqa: ASYNC110 # a plain number
        await sleep(0)
    try:
        yield
        await sleep(0)  # so that the body's tasks have sent their commands
        await sleep(0)
    finally:
        released.set()
        go_on.set()
        await gather(*busy)


def names(found: Sequence[Document]) -> list[str]:
    return sorted(document["name"] for document in found)


@pytest.fixture
async def things(database: Database) -> AsyncIterator[Database]:
    await database["things"].insert_many([dict(document) for document in NUMBERED])
    yield database
    await database["things"].drop()


async def test_look_ups_that_wait_are_one_command(things: Database, mongo_commands: list[str]) -> None:
    wanted = [["n1"], ["n2"], ["n1"], ["missing"], ["n3", "n4", "n1"], ["n5"]]
    mongo_commands.clear()
    async with every_slot_taken(things):
        asked = [look_up(things, keys) for keys in wanted]
    found = await gather(*(request.reading for request in asked))
    assert list(map(names, found)) == [["n1"], ["n2"], ["n1"], [], ["n1", "n3", "n4"], ["n5"]]
    assert {tuple(document) for documents in found for document in documents} == {("_id", "name")}
    assert mongo_commands == ["find things"]


async def test_each_request_s_listener_gets_its_own_command(things: Database) -> None:
    async with every_slot_taken(things):
        asked = [look_up(things, [f"n{number}", "missing"]) for number in range(3)]
    await gather(*(request.reading for request in asked))
    sent = [command for request in asked for command in request.sent]
    assert len(sent) == 3
    assert [command.merged for command in sent] == [False, True, True]
    assert {(c.kind, c.collection, c.documents, c.ms, c.began, c.error) for c in sent} == {
        ("find", "things", 1, sent[0].ms, sent[0].began, "")
    }
    assert sent[0].ms > 0


async def test_a_look_up_that_needn_t_wait_is_sent_at_once(
    things: Database, mongo_commands: list[str]
) -> None:
    asked = [look_up(things, [f"n{number}"]) for number in range(FAST)]
    await gather(*(request.reading for request in asked))
    assert mongo_commands == ["find things"] * FAST
    assert not any(command.merged for request in asked for command in request.sent)


@pytest.mark.parametrize(("keys", "sent"), [(40, 1), (41, 2)])
async def test_a_merged_command_has_at_most_100_keys(
    things: Database, mongo_commands: list[str], keys: int, sent: int
) -> None:
    async with every_slot_taken(things):
        asked = [look_up(things, [f"n{i}" for i in range(number)]) for number in (60, keys)]
    found = await gather(*(request.reading for request in asked))
    assert [len(documents) for documents in found] == [60, keys]
    assert mongo_commands == ["find things"] * sent


OTHERS: dict[str, dict[str, Any]] = {
    "projection": {"keys": ["n1"], "projection": {**NAMES, "size": 1}},
    "whole documents": {"keys": ["n1"], "projection": None},
    "field": {"keys": [NUMBERED[1]["_id"]], "field": "_id"},
    "after a write": {"keys": ["n1"], "writes": True},
    "cheap": {"keys": ["n1"], "cheap": True},
    "numbers": {"keys": [1], "field": "size"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
async def test_look_ups_that_differ_are_commands_of_their_own(
    things: Database, mongo_commands: list[str], other: dict[str, Any]
) -> None:
    async with every_slot_taken(things):
        if other.get("cheap"):  # these have slots of their own
            taken = [look_up(things, [f"n{number}"], cheap=True) for number in (7, 8)]
            await sleep(0)
        asked = [look_up(things, ["n2"]), look_up(things, **other)]
    found = await gather(*(request.reading for request in asked))
    assert list(map(len, found)) == [1, 1]
    if other.get("cheap"):
        await gather(*(request.reading for request in taken))
    assert mongo_commands == ["find things"] * (4 if other.get("cheap") else 2)


async def test_numbers_are_never_merged(things: Database, mongo_commands: list[str]) -> None:
    """For Python, True is 1. For MongoDB, it isn't."""
    async with every_slot_taken(things):
        asked = [look_up(things, [key], field="size") for key in (1, True, 1.0)]
    found = await gather(*(request.reading for request in asked))
    assert list(map(len, found)) == [1, 0, 1]
    assert mongo_commands == ["find things"] * 3


async def test_a_key_in_a_list_makes_each_look_up_run_alone(
    things: Database, mongo_commands: list[str]
) -> None:
    await things["things"].insert_one({"name": ["a", "b"]})
    mongo_commands.clear()
    async with every_slot_taken(things):
        asked = [look_up(things, [key]) for key in ("n1", "a", "n2")]
    found = await gather(*(request.reading for request in asked))
    assert [[document["name"] for document in documents] for documents in found] == [
        ["n1"], [["a", "b"]], ["n2"],
    ]  # fmt: skip
    assert mongo_commands == ["find things"] * 4


async def test_an_operator_is_not_a_key(things: Database) -> None:
    async with every_slot_taken(things):
        asked = [look_up(things, [key]) for key in ("n1", {"$ne": "n1"}, "$name")]
    found = await gather(*(request.reading for request in asked))
    assert list(map(len, found)) == [1, 0, 0]


@given(
    wanted=st.lists(
        st.lists(st.integers(0, 12), min_size=1, max_size=5, unique=True), min_size=1, max_size=20
    ),
    leaving=st.sets(st.integers(0, 19)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_request_gets_its_own_documents(
    things: Database, wanted: list[list[int]], leaving: set[int]
) -> None:
    async with every_slot_taken(things):
        asked = [look_up(things, [f"n{number * 18}" for number in keys]) for keys in wanted]
        await sleep(0)
        for number in leaving & set(range(len(asked))):
            asked[number].scope.leave()
    found = await gather(*(request.reading for request in asked), return_exceptions=True)
    for number, (keys, documents) in enumerate(zip(wanted, found, strict=True)):
        if number in leaving:
            assert isinstance(documents, ClientGoneError)
        else:
            assert isinstance(documents, list)
            assert names(documents) == sorted(f"n{number * 18}" for number in keys if number * 18 < 200)
    queue = queue_of(things.client)
    assert (queue.waiting, queue.in_flight) == (0, 0)


async def test_a_merged_look_up_leaves_no_reference_cycle(things: Database) -> None:
    gc.collect()
    gc.disable()
    try:
        async with every_slot_taken(things):
            asked = [look_up(things, [f"n{number}"]) for number in range(5)]
        assert [len(found) for found in await gather(*(request.reading for request in asked))] == [1] * 5
        async with asyncio.timeout(5):  # a thread can still be about to return from its last call
            while any(issubclass(type(left), Command) and left.lookup for left in gc.get_objects()):  # noqa: ASYNC110
                await sleep(0.01)
    finally:
        gc.enable()


async def test_look_ups_of_many_requests_at_once_all_end(things: Database) -> None:
    """Threads take commands from the queue while the event loop adds others."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        asked = [
            [look_up(things, [f"n{(number + i) % 210}"], cheap=i % 2 == 0) for i in range(8)]
            for number in range(300)
        ]
        for number, requests in enumerate(asked):
            if number % 10 == 0:
                requests[0].scope.leave()
            found = await gather(*(request.reading for request in requests), return_exceptions=True)
            for i, documents in enumerate(found):
                if isinstance(documents, BaseException):
                    assert isinstance(documents, ClientGoneError)
                    assert i == number % 10 == 0
                else:
                    name = (number + i) % 210
                    assert names(documents) == ([f"n{name}"] if name < 200 else [])
    finally:
        sys.setswitchinterval(interval)
    queue = queue_of(things.client)
    assert (queue.waiting, queue.in_flight) == (0, 0)


# --- Requests that end before the command ---


@pytest.fixture
async def own(own_mongod: Mongod) -> AsyncIterator[Database]:
    things = own_mongod.client[NAME]["things"]
    things.drop()
    things.insert_many([dict(document) for document in NUMBERED])
    async with connect(own_mongod.settings()) as database:
        await database.command("ping")
        yield database


async def in_flight(own_mongod: Mongod, *, number: int) -> None:
    async with asyncio.timeout(5):
        while len(await asyncio.to_thread(own_mongod.in_flight)) != number:  # noqa: ASYNC110 # MongoDB knows
            await sleep(0.01)


async def merged(own: Database, own_mongod: Mongod, *seconds: float) -> list[Request]:
    """Begins look-ups with these times to their deadlines, which are one command that MongoDB runs."""
    async with every_slot_taken(own):
        asked = [look_up(own, [f"n{i}"], seconds=own_time) for i, own_time in enumerate(seconds)]
    await in_flight(own_mongod, number=1)
    return asked


@pytest.mark.parametrize("leaving", [0, 1], ids=["the carrier", "a follower"])
async def test_a_request_that_leaves_does_not_end_the_others(
    own: Database, own_mongod: Mongod, leaving: int
) -> None:
    with own_mongod.blocking("find", seconds=0.7, times=1):
        asked = await merged(own, own_mongod, 30, 30, 30)
        asked[leaving].scope.leave()
        found = await gather(*(request.reading for request in asked), return_exceptions=True)
    assert isinstance(found.pop(leaving), ClientGoneError)
    assert [len(documents) for documents in found if isinstance(documents, list)] == [1, 1]
    sent = [command for request in asked for command in request.sent]
    assert [command.merged for command in sent] == [False, True, True]  # nothing was sent again
    assert all(command.ms > 0 for command in sent)


@pytest.mark.parametrize("late", [0, 1], ids=["the carrier", "a follower"])
async def test_a_request_ends_at_its_own_deadline_and_the_others_do_not(
    own: Database, own_mongod: Mongod, late: int
) -> None:
    times = [30.0, 30.0, 30.0]
    times[late] = 2.0
    with own_mongod.blocking("find", seconds=4, times=1):
        asked = await merged(own, own_mongod, *times)
        with pytest.raises(DeadlineError):
            await asked[late].reading
        assert not any(request.reading.done() for request in asked if request is not asked[late])
        others = await gather(*(request.reading for request in asked if request is not asked[late]))
    assert [len(documents) for documents in others] == [1, 1]
    sent = [command for request in asked for command in request.sent]
    assert sorted(command.merged for command in sent) == [False, True, True]  # nothing was sent again
    assert all(command.ms > 1_000 for command in sent)


async def test_a_command_that_nobody_waits_for_is_killed(own: Database, own_mongod: Mongod) -> None:
    with own_mongod.blocking("find", seconds=8):
        asked = await merged(own, own_mongod, 30, 30)
        for request in asked:
            request.scope.leave()
        assert [type(e) for e in await gather(*(r.reading for r in asked), return_exceptions=True)] == [
            ClientGoneError
        ] * 2
        await in_flight(own_mongod, number=0)
    assert queue_of(own.client).in_flight == 0


@pytest.mark.parametrize("late", [False, True], ids=["leaves", "is late"])
async def test_a_look_up_that_was_never_sent_is_not_merged(own: Database, *, late: bool) -> None:
    async with every_slot_taken(own):
        asked = look_up(own, ["n1"], seconds=0.02 if late else 30)
        await sleep(0)
        if not late:
            asked.scope.leave()
        with pytest.raises(DeadlineError if late else ClientGoneError):
            await asked.reading
    assert [(command.merged, command.ms) for command in asked.sent] == [(False, 0.0)]


async def test_without_mongodb_the_followers_fail_with_the_carrier(own: Database, own_mongod: Mongod) -> None:
    """Otherwise each of them would look for a primary."""
    with own_mongod.failing(failCommands=["find"], closeConnection=True):
        async with every_slot_taken(own):
            asked = [look_up(own, [f"n{number}"], seconds=2) for number in range(20)]
        found = await gather(*(request.reading for request in asked), return_exceptions=True)
    # PyMongo's async client tries again until the deadline.
    assert all(isinstance(error, ConnectionFailure | DatabaseAwayError | DeadlineError) for error in found)
    sent = [command for request in asked for command in request.sent]
    assert [command.merged for command in sent] == [False] + [True] * 19


async def test_after_a_failure_each_look_up_is_sent_by_itself(own: Database, own_mongod: Mongod) -> None:
    with own_mongod.failing(times=1, failCommands=["find"], errorCode=2):
        async with every_slot_taken(own):
            asked = [look_up(own, [f"n{number}"]) for number in range(4)]
        found = await gather(*(request.reading for request in asked))
    assert [names(documents) for documents in found] == [["n0"], ["n1"], ["n2"], ["n3"]]
    assert [(c.merged, c.error) for request in asked for c in request.sent] == [(False, "")] * 4


@pytest.mark.parametrize("first", [False, True])
async def test_a_key_that_can_t_be_sent_is_an_error_of_its_own_request(
    things: Database, *, first: bool
) -> None:
    wanted = ["\ud800", "n1", "n2"] if first else ["n1", "\ud800", "n2"]
    async with every_slot_taken(things):
        asked = [look_up(things, [key]) for key in wanted]
    found = await gather(*(request.reading for request in asked), return_exceptions=True)
    assert isinstance(found.pop(wanted.index("\ud800")), UnicodeEncodeError)
    assert [names(documents) for documents in found if isinstance(documents, list)] == [["n1"], ["n2"]]


async def test_keys_that_are_too_large_together_are_sent_apart(things: Database) -> None:
    async with every_slot_taken(things):
        asked = [look_up(things, [key]) for key in ("n1", *(letter * 500_000 for letter in ascii_letters))]
    found = await gather(*(request.reading for request in asked))
    assert [len(documents) for documents in found] == [1] + [0] * 52


async def test_the_order_of_a_projection_s_fields_makes_no_difference(
    things: Database, mongo_commands: list[str]
) -> None:
    async with every_slot_taken(things):
        asked = [look_up(things, ["n1"], projection=fields) for fields in (NAMES, {"name": 1, "_id": 1})]
    await gather(*(request.reading for request in asked))
    assert mongo_commands == ["find things"]


async def test_a_lasting_failure_reaches_everyone(own: Database, own_mongod: Mongod) -> None:
    with own_mongod.failing(failCommands=["find"], errorCode=2):
        async with every_slot_taken(own):
            asked = [look_up(own, [f"n{number}"]) for number in range(4)]
        found = await gather(*(request.reading for request in asked), return_exceptions=True)
    assert [type(error) for error in found] == [OperationFailure] * 4


def test_look_ups_that_differ_only_in_their_keys_can_be_merged() -> None:
    def key(*keys: Value, field: str = "name", projection: dict[str, int] | None = NAMES) -> Value:
        return Lookup(collection, lambda *_: None, field, keys, projection).merge_key()

    collection = object()
    assert key("a") == key("b", ObjectId()) != key("a", field="slug")
    assert key("a", projection=None) not in {key("a"), None}
    assert key("a", 1) is key(True) is key({"$ne": 1}) is None


def test_no_two_look_ups_get_the_same_object() -> None:
    stored: Document = {"name": "a", "price": {"tiers": [{"amount": 1}]}}
    asked = [Lookup(None, lambda *_: None, "name", ["a", "a"], None)] * 2
    (own,), (other,) = shares(asked, [stored]) or ([], [])
    assert own is stored == other
    other["price"]["tiers"][0]["amount"] = 2
    assert own["price"]["tiers"][0]["amount"] == 1
