"""`find` as a bare command returns what the driver's cursor would."""

from collections.abc import AsyncIterator

import pytest
from bson.codec_options import CodecOptions
from pymongo import ReadPreference
from pymongo.errors import AutoReconnect, OperationFailure
from pymongo.read_concern import ReadConcern

from app.database import connect
from loaders.mongo import Option, Pipeline, commands
from loaders.mongo.database import Collection, Database
from tests.loaders.mongod import Mongod
from tests.support import MongoCommands

DOCUMENTS = [{"_id": n, "n": n % 3, "inner": {"a": n, "b": [n]}} for n in range(7)]


@pytest.fixture
async def things(database: Database) -> AsyncIterator[Collection]:
    things = database["things"]
    await things.insert_many([dict(document) for document in DOCUMENTS])
    yield things
    await things.drop()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"projection": None, "sort": None},
        {"projection": {"n": 1}},
        {"projection": {"n": 1, "_id": 0}},
        {"projection": {"inner.b": 0}},
        {"projection": {}},
        {"projection": ["n", "inner.a"]},
        {"projection": []},
        {"sort": [("n", -1), ("_id", 1)]},
        {"sort": [("n", 1), ("_id", -1)], "limit": 3},
        {"limit": 0},
        {"skip": 2, "sort": [("_id", 1)]},
        {"hint": [("_id", 1)]},
    ],
    ids=str,
)
async def test_documents_are_those_of_a_cursor(things: Collection, options: dict[str, Option]) -> None:
    query = {"_id": {"$gte": 1}}
    expected = await things.find(query, **options).to_list(None)
    assert await commands.find(things, query, size=7, **options) == expected
    single = {name: value for name, value in options.items() if name != "limit"}
    assert await commands.find_one(things, query, **single) == await things.find_one(query, **single)
    assert await commands.find_one(things, {"_id": -1}, **single) is None
    assert await commands.find(things, {"_id": -1}, size=1, **options) == []


async def test_a_collection_s_own_options_are_kept(things: Collection) -> None:
    with_options: Collection = things.with_options(
        codec_options=CodecOptions(tz_aware=True),
        read_preference=ReadPreference.NEAREST,
        read_concern=ReadConcern("majority"),
    )
    assert await commands.find(with_options, {}, size=7) == DOCUMENTS
    assert await commands.find_one(with_options, {"_id": 3}) == DOCUMENTS[3]


async def test_documents_that_do_not_fit_into_one_reply_are_all_found(things: Collection) -> None:
    text = "x" * 6_000_000
    await things.update_many({"_id": {"$lt": 5}}, {"$set": {"text": text}})
    found = await commands.find(things, {}, size=7, sort=[("_id", 1)])
    assert [len(document.get("text", "")) for document in found] == [len(text)] * 5 + [0, 0]
    idle: Pipeline = [
        {"$currentOp": {"idleCursors": True, "allUsers": True}},
        {"$match": {"type": "idleCursor", "ns": f"{things.database.name}.things"}},
    ]
    assert await commands.aggregate(things.database.client["admin"], idle, size=10) == []


async def test_a_read_takes_one_command(things: Collection, mongo_commands: list[str]) -> None:
    mongo_commands.clear()
    await commands.find(things, {}, size=7, sort=[("_id", 1)])
    await commands.find_one(things, {"_id": 3})
    assert mongo_commands == ["find things"] * 2


@pytest.mark.parametrize("failure", [{"closeConnection": True}, {"errorCode": 189}], ids=str)
async def test_a_read_that_may_succeed_is_retried(own_mongod: Mongod, failure: dict[str, Option]) -> None:
    sent = MongoCommands()
    async with connect(own_mongod.settings(), sent) as database:
        with own_mongod.failing(1, failCommands=["find"], **failure):
            assert await commands.find(database["things"], {}, size=1) == []
        with own_mongod.failing(1, failCommands=["find"], **failure):
            assert await commands.find_one(database["things"], {}) is None
        assert sent.sent == ["find things"] * 4
        with own_mongod.failing(failCommands=["find"], **failure), pytest.raises(AutoReconnect):
            await commands.find(database["things"], {}, size=1)


async def test_a_read_that_can_t_succeed_is_not_retried(own_mongod: Mongod) -> None:
    sent = MongoCommands()
    async with connect(own_mongod.settings(), sent) as database:
        with pytest.raises(OperationFailure):
            await commands.find(database["things"], {"$nonsense": 1}, size=1)
    assert [command for command in sent.sent if command.startswith("find")] == ["find things"]
