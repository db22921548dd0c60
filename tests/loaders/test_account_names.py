"""Migration 2: the names of accounts, and the keys by which accounts are listed and searched."""

from bson import ObjectId

from loaders.migrations import m0002_account_names, migrate
from loaders.mongo import Document
from loaders.mongo.database import Database
from tests import factories


def _before(account: Document) -> Document:
    """An account as it was stored before the migration."""
    return {name: value for name, value in account.items() if name not in ("name", "sortName", "searchTerms")}


async def test_accounts_get_the_names_of_their_people(database: Database) -> None:
    """Those that have a name keep it. Those without anybody's name are listed by their address."""
    ada, odd, grace = factories.student("Ada"), factories.student(), factories.instructor("Grace")
    odd["name"] = 5
    students = [
        factories.account("Ada", email="a@b.example", studentId=ada["_id"], instructorId=grace["_id"]),
    ]
    instructors = [factories.account("Grace", studentId=odd["_id"], instructorId=grace["_id"])]
    named = factories.account("Own name", instructorId=ObjectId())
    nameless = factories.account("x@y.example", email="x@y.example")
    right = [*students, *instructors, named, nameless]
    del nameless["name"]
    instructors[0]["instructorId"] = grace["_id"]
    students[0]["instructorId"] = ObjectId()
    await database["students"].insert_many([ada, odd])
    await database["instructors"].insert_one(grace)
    stored = [{**_before(account)} for account in right]
    stored[2]["name"] = "Own name"
    await database["accounts"].insert_many(stored)
    record = (await migrate(database, pace=0))[m0002_account_names.MIGRATION.number - 1]
    assert await database["accounts"].find(sort=[("_id", 1)]).to_list(None) == right
    assert (record["changed"], record["unusual"]) == (4, 0)
    assert (await migrate(database, pace=0, again=True))[1]["changed"] == 4  # nothing more was changed


async def test_an_account_of_another_shape_is_left_alone(database: Database) -> None:
    odd = {"_id": ObjectId(), "name": 5, "email": "e"}
    bare = {"_id": ObjectId()}
    await database["accounts"].insert_many([odd, bare])
    record = (await migrate(database, pace=0))[1]
    assert record["unusualIds"] == [odd["_id"], bare["_id"]]
    assert await database["accounts"].find(sort=[("_id", 1)]).to_list(None) == [odd, bare]
