"""A write that changes nothing writes nothing: only its idempotency key is stored, if it has one."""

import pytest

from loaders.collections import COLLECTIONS
from loaders.mongo.database import Database
from tests import factories
from tests.support import RunQuery
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import STAFF, Doc, Gateway, course_id, current, operation, stored

#: The writes that make, delete or use up something, so that a repetition isn't one that changes nothing.
MAKING = {
    "createCourse", "createCourseRun", "createReview", "createCategory", "createInstructor", "deleteCourse",
    "deleteReview", "deleteCategory", "mergeCategories", "enroll", "enrollStudent", "verifyEmail",
}  # fmt: skip
UPDATES = [name for name in NAMES if name not in MAKING]
READS = {"find", "aggregate", "getMore", "commitTransaction", "abortTransaction"}


async def everything(database: Database) -> dict[str, list[Doc]]:
    """Returns all documents, by collection."""
    return {name: [found async for found in database[name].find(sort=[("_id", 1)])] for name in COLLECTIONS}


@pytest.mark.parametrize("name", UPDATES)
async def test_a_repeated_update_sends_only_reads(
    database: Database, run_query: RunQuery, mongo_commands: list[str], name: str
) -> None:
    viewer, values = (await scenes(database))[name]
    values = {key: value for key, value in values.items() if key != "idempotencyKey"}
    text = operation(name)
    first = await run_query(text, {"input": values}, viewer=viewer)
    assert first[name]["errors"] == []
    assert await database["auditLog"].count_documents({}) == 1
    before = await everything(database)
    mongo_commands.clear()
    second = await run_query(text, {"input": values}, viewer=viewer)
    assert {command.partition(" ")[0] for command in mongo_commands} <= READS
    assert await everything(database) == before
    assert second == first


@pytest.mark.parametrize("name", UPDATES)
async def test_a_repeated_update_with_another_key_stores_only_the_key(
    database: Database, run_query: RunQuery, name: str
) -> None:
    viewer, values = (await scenes(database))[name]
    await run_query(operation(name), {"input": values}, viewer=viewer)
    before = await everything(database)
    sent = {**values, "idempotencyKey": "another"}
    again = await run_query(operation(name), {"input": sent}, viewer=viewer)
    after = await everything(database)
    keys = {document["_id"]["key"] for document in after.pop("idempotencyKeys")}
    assert keys == {values["idempotencyKey"], "another"}
    del before["idempotencyKeys"]
    assert after == before
    assert again[name]["errors"] == []


def test_the_writes_that_make_something_exist() -> None:
    assert MAKING.issubset(NAMES)


async def test_updated_at_stays(gateway: Gateway, database: Database) -> None:
    """An update that sets some fields to other values, and some to their own, stores only the former."""
    course = factories.course(title="One", tags=["a"], price={"amountMinor": 1, "currency": "EUR"})
    await stored(database, courses=[course])
    own = {"title": " One ", "tags": ["a", "a"], "price": {"amountMinor": 1, "currency": "EUR"}}
    target = {"courseId": course_id(course)}
    before = await current(database, "courses", course)
    await gateway.done(STAFF, "updateCourse", **target, **own)
    assert await current(database, "courses", course) == before
    assert await database["auditLog"].count_documents({}) == 0
    await gateway.done(STAFF, "updateCourse", **target, **own, durationDays=9)
    after = await current(database, "courses", course)
    assert after["updatedAt"] > before["updatedAt"]
    entry = await database["auditLog"].find_one()
    assert entry is not None
    assert entry["changes"][0]["after"].keys() == {"durationDays", "updatedAt"}
