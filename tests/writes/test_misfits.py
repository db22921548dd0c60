"""Writes work on documents of other shapes."""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress

import pytest
from pymongo.errors import WriteError

from loaders.collections import COLLECTIONS
from loaders.model import shape_of
from loaders.mongo import Collection
from loaders.mongo.database import Database
from tests.factories import clear
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import Gateway, Value, operation

#: The fields that decide whether a scene's viewer may do it. Without them, a write is refused.
_KEPT: Mapping[str, Sequence[str]] = {
    "courses": ("_id", "slug", "status", "instructorIds", "summary", "deliveryModes"),
    "courseRuns": ("_id", "courseId", "startsAt"),
    "enrollments": ("_id", "courseId", "studentId", "runId", "status"),
    "reviews": ("_id", "courseId", "studentId", "status", "externalId"),
    "students": ("_id",),
    "instructors": ("_id",),
    "categories": ("_id", "slug"),
    "accounts": ("_id", "roles", "status", "name"),
}


async def _damage(collection: Collection, fields: Set[str], value: Value) -> None:
    """Damages fields of all documents, except where an index refuses the value."""
    operator, damage = ("$unset", "") if value is ... else ("$set", value)
    try:
        await collection.update_many({}, {operator: dict.fromkeys(fields, damage)})
    except WriteError:  # two arrays in one index: one field at a time
        for field in fields:
            with suppress(WriteError):
                await collection.update_many({}, {operator: {field: damage}})


@pytest.mark.parametrize("value", [..., None, "text", 4.5, {"a": 1}, ["a", None]], ids=str)
@pytest.mark.parametrize("name", NAMES)
async def test_a_write_is_done(gateway: Gateway, database: Database, name: str, value: Value) -> None:
    """Whatever the other fields hold."""
    viewer, values = (await scenes(database))[name]
    for collection, kept in _KEPT.items():
        document = COLLECTIONS[collection].document
        assert document
        fields = (shape_of(document).members or {}).keys() - {*kept, "revision"}
        await _damage(database[collection], fields, value)
    answer = await gateway.post(operation(name), {"input": values}, viewer)
    assert "errors" not in answer, answer["errors"]
    assert answer["data"][name]["errors"] == []
    assert await database["auditLog"].count_documents({}) == 1
    stored = await database["auditLog"].find_one({})
    assert stored
    assert "as stored" not in str(stored)
    await clear(database)  # the aggregates are those of damaged documents
