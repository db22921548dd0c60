"""A write that changes nothing writes nothing: only its idempotency key is stored, if it has one."""

import pytest
from graphql import GraphQLInputObjectType, get_named_type, get_nullable_type, is_list_type, is_non_null_type

from loaders.collections import COLLECTIONS
from loaders.mongo.database import Database
from resolvers.schema import schema
from tests import factories
from tests.factories import clear
from tests.support import RunQuery
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import STAFF, Doc, Gateway, course_id, current, operation, stored

#: The writes that make, delete or use up something, so that a repetition isn't one that changes nothing.
MAKING = {
    "createCourse", "createCourseRun", "createReview", "createCategory", "createInstructor", "deleteCourse",
    "deleteReview", "deleteCategory", "mergeCategories", "enroll", "enrollStudent", "verifyEmail",
}  # fmt: skip
UPDATES = [name for name in NAMES if name not in MAKING]
FIELDS = schema.mutation_type.fields  # type: ignore[union-attr] # the schema has mutations
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


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("updateCourse", "courses"), ("updateCourseRun", "courseRuns"), ("updateProfile", "students"),
        ("updateInstructor", "instructors"), ("updateCategory", "categories"), ("updateReview", "reviews"),
    ],
)  # fmt: skip
async def test_null_in_place_of_nothing_writes_nothing(
    gateway: Gateway, database: Database, name: str, collection: str
) -> None:
    """A form may send all of its fields, and null or an empty list for those that were left empty."""
    viewer, values = (await scenes(database))[name]
    if name == "updateCourse":  # a draft needs no summary, and nobody has to teach it
        viewer = STAFF
        await database["courses"].update_many({}, {"$set": {"status": "DRAFT"}})
    kind = get_named_type(FIELDS[name].args["input"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    target = {key: values[key] for key, field in kind.fields.items() if is_non_null_type(field.type)}
    empty: Doc = {
        key: [] if is_list_type(get_nullable_type(field.type)) else None
        for key, field in kind.fields.items()
        if key not in (*target, "idempotencyKey", "clientMutationId")
    }
    refused = {path[0] for _, *path in await gateway.codes(viewer, name, **target, **empty)}
    empty = {key: value for key, value in empty.items() if key not in refused}
    assert empty
    await gateway.done(viewer, name, **target, **empty)
    await database[collection].update_many({}, {"$unset": dict.fromkeys(empty, "")})
    before = await everything(database)
    await gateway.done(viewer, name, **target, **empty)
    assert await everything(database) == before
    await clear(database)  # the recount after the test would find what was removed


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
