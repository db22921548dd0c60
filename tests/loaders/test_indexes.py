"""Indexes are compared by their keys and options, and nothing is dropped."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.accounts import refresh_tokens
from loaders.collections import COLLECTIONS
from loaders.idempotency import KEPT
from loaders.mongo.database import Database
from tests import factories

DOCS = Path(__file__).parents[2] / "docs" / "indexes.md"


@pytest.fixture
async def own(settings: Settings) -> AsyncIterator[Database]:
    """A database of the test's own, with all indexes."""
    name = f"{settings.mongodb_database}_indexes"
    async with connect(settings.model_copy(update={"mongodb_database": name})) as database:
        await indexes.ensure(database)
        yield database
        await database.client.drop_database(name)


async def problems(database: Database) -> list[str]:
    return [str(problem) for problem in (await indexes.ensure(database)).problems]


async def replaced(database: Database, collection: str, name: str, keys: Any = None, **options: Any) -> None:
    """Replaces an index by another one."""
    own = await database[collection].index_information()
    await database[collection].drop_index(name)
    await database[collection].create_index(keys or own[name]["key"], **{"name": name, **options})


async def test_a_new_database_gets_all_indexes_and_has_no_problems(own: Database) -> None:
    await own.client.drop_database(own.name)
    done = await indexes.ensure(own)
    assert sorted(done.created) == sorted(
        f"{row.name}.{index.name}" for row in COLLECTIONS.values() for index in row.indexes
    )
    assert not done.problems
    assert await indexes.ensure(own) == indexes.Applied([], problems=[])


async def test_a_check_sends_one_command_for_each_collection(
    database: Database, mongo_commands: list[str]
) -> None:
    await indexes.ensure(database)
    assert mongo_commands == [f"listIndexes {row.name}" for row in COLLECTIONS.values()]


async def test_an_index_that_is_not_unique(own: Database) -> None:
    await replaced(own, "courses", "slug_1")
    assert await problems(own) == [
        'courses.slug_1 is not unique. To replace it, run db.courses.dropIndex("slug_1") in mongosh, then'
        " `lectern indexes apply`."
    ]
    assert not (await own["courses"].index_information())["slug_1"].get("unique")  # not dropped


@pytest.mark.parametrize(
    ("collection", "name", "options", "what"),
    [
        ("attempts", "expiresAt_1", {}, "deletes no documents."),
        ("sessions", "expiresAt_1", {"expireAfterSeconds": 60}, "deletes documents after 60 s."),
        ("idempotencyKeys", "at_1", {"expireAfterSeconds": 1}, "deletes documents after 1 s."),
        ("categories", "slug_1", {"unique": True, "sparse": True}, "is sparse."),
        ("categories", "slug_1", {"unique": True, "hidden": True}, "is hidden."),
        ("students", "country_1", {"unique": True}, "is unique."),
        ("students", "country_1", {"keys": [("name", 1)]}, "has different keys (name: 1)."),
        ("courses", "externalId.source_1_externalId.id_1", {"unique": True}, "covers all documents."),
        (
            "reviews", "studentId_1_courseId_1",
            {"unique": True, "partialFilterExpression": {"studentId": {"$exists": True}}},
            'covers different documents ({"studentId": {"$exists": true}}).',
        ),
    ],
)  # fmt: skip
async def test_other_differences(
    own: Database, collection: str, name: str, options: dict[str, Any], what: str
) -> None:
    await replaced(own, collection, name, **options)
    (problem,) = (await indexes.compare(own)).differing
    assert (problem.collection, problem.name, problem.what) == (collection, name, what)
    assert not (await indexes.compare(own)).missing


async def test_an_index_that_is_gone_is_created(own: Database) -> None:
    await own["sessions"].drop_index("expiresAt_1")
    assert await indexes.missing(own) == ["sessions.expiresAt_1"]
    assert (await indexes.ensure(own)).created == ["sessions.expiresAt_1"]
    assert (await own["sessions"].index_information())["expiresAt_1"]["expireAfterSeconds"] == 0


async def test_the_same_index_under_another_name_is_used(own: Database) -> None:
    await own["courses"].drop_index("slug_1")
    await own["courses"].create_index("slug", unique=True, name="by_slug")
    assert await problems(own) == [
        "courses.by_slug has the keys and options of slug_1, and is used instead of it. Nothing needs to be"
        " done."
    ]
    assert await indexes.missing(own) == []


async def test_the_same_keys_under_another_name_with_other_options(own: Database) -> None:
    await own["courses"].drop_index("slug_1")
    await own["courses"].create_index("slug", name="by_slug")
    (problem,) = (await indexes.ensure(own)).problems
    assert (problem.name, problem.what) == ("by_slug", "is not unique.")
    assert not problem.is_harmless


async def test_an_index_of_somebody_else(own: Database) -> None:
    await own["courses"].create_index("level", name="level_1")
    done = await indexes.ensure(own)
    assert [str(problem) for problem in done.problems] == [
        "courses.level_1 is not one of Lectern's indexes. If nothing else needs it, drop it, because it slows"
        ' down writes: db.courses.dropIndex("level_1").'
    ]
    assert not done.needs_operator


@pytest.mark.parametrize(
    ("options", "effect"),
    [
        ({"unique": True}, "it refuses documents with equal values"),
        ({"expireAfterSeconds": 86_400}, "it deletes documents after 1 day"),
    ],
)
async def test_what_an_index_of_somebody_else_does_is_told(
    own: Database, options: dict[str, Any], effect: str
) -> None:
    await own["courses"].create_index("level", **options)
    (problem,) = (await indexes.compare(own)).problems
    assert problem.what == f"is not one of Lectern's indexes: {effect}."


async def test_an_obsolete_index(own: Database) -> None:
    await own["courses"].create_index([("search.t", 1), ("status", 1)])
    done = await indexes.ensure(own)
    assert [str(problem) for problem in done.problems] == [
        "courses.search.t_1_status_1 is obsolete: no query needs it any more. Drop it in mongosh, because it"
        ' slows down writes: db.courses.dropIndex("search.t_1_status_1")'
    ]
    assert not done.needs_operator


def test_no_declared_index_is_obsolete_and_each_says_what_it_serves() -> None:
    for row in COLLECTIONS.values():
        assert not {index.name for index in row.indexes} & {*row.former_indexes}
        assert all(index.serves for index in row.indexes)


def test_the_documentation_says_what_a_ttl_index_deletes() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .*? \| a TTL index.*? \| (.*?) \|$", DOCS.read_text("utf-8"), re.MULTILINE
    )
    deleted = {
        row.name for row in COLLECTIONS.values()
        if row.retained_from or any(index.seconds is not None for index in row.indexes)
    }  # fmt: skip
    assert {name for name, _ in rows} == deleted
    assert dict(rows)["idempotencyKeys"] == f"{KEPT // timedelta(hours=1)} hours"
    assert dict(rows)["sessions"].startswith(f"{refresh_tokens.LASTS.days} days")
    (lifetime,) = [i.seconds for i in COLLECTIONS["idempotencyKeys"].indexes if i.seconds is not None]
    assert lifetime == KEPT.total_seconds()


async def test_a_hidden_index_can_be_used_again(own: Database) -> None:
    await replaced(own, "categories", "slug_1", unique=True, hidden=True)
    assert await problems(own) == [
        'categories.slug_1 is hidden. To have it used, run db.categories.unhideIndex("slug_1") in mongosh.'
    ]
    await own.driver.command({"collMod": "categories", "index": {"name": "slug_1", "hidden": False}})
    assert not await problems(own)


async def test_apply_sets_the_lifetimes_of_ttl_indexes(own: Database) -> None:
    await replaced(own, "sessions", "expiresAt_1", expireAfterSeconds=60)
    await own["sessions"].drop_index("accountId_1")
    (problem,) = (await indexes.compare(own)).differing
    assert problem.remedy == "To change that, run `lectern indexes apply`."
    done = await indexes.apply(own, {})
    assert done == indexes.Applied(["sessions.accountId_1"], ["sessions.expiresAt_1"], [])
    assert (await own["sessions"].index_information())["expiresAt_1"]["expireAfterSeconds"] == 0


async def test_apply_does_not_change_a_ttl_index_that_differs_otherwise(own: Database) -> None:
    await replaced(own, "sessions", "expiresAt_1", expireAfterSeconds=60, sparse=True)
    done = await indexes.apply(own, {})
    (problem,) = done.problems
    assert (done.changed, problem.what) == ([], "deletes documents after 60 s and is sparse.")
    assert "dropIndex" in problem.remedy


async def test_the_retention_time_of_the_audit_log_is_the_lifetime_of_its_ttl_index(own: Database) -> None:
    for days in (90, 30):
        await indexes.apply(own, {"auditLog": days})
        found = (await own["auditLog"].index_information())["at_1"]
        assert found["expireAfterSeconds"] == days * 86_400
        assert not (await indexes.compare(own, {"auditLog": days})).problems
    assert (await indexes.compare(own, {"auditLog": 90})).differing[0].what == (
        "deletes documents after 30 days."
    )
    assert not (await indexes.compare(own)).problems  # a caller that doesn't know the retention time


async def test_entries_are_not_deleted_unless_the_operator_wants_it(own: Database) -> None:
    await indexes.apply(own, {"auditLog": 0})
    assert "at_1" not in await own["auditLog"].index_information()
    assert not (await indexes.compare(own, {"auditLog": 0})).problems
    assert (await indexes.compare(own, {"auditLog": 90})).missing_names == ["auditLog.at_1"]


async def test_a_retention_time_that_is_no_longer_set_is_a_problem(own: Database) -> None:
    await indexes.apply(own, {"auditLog": 90})
    done = await indexes.apply(own, {"auditLog": 0})
    assert [str(problem) for problem in done.problems] == [
        "auditLog.at_1 deletes documents after 90 days, but the setting keeps them forever. To keep them,"
        ' drop it in mongosh: db.auditLog.dropIndex("at_1")'
    ]
    assert done.needs_operator


async def test_duplicates_that_prevent_a_unique_index(own: Database) -> None:
    """They are named, and the other indexes are created."""
    for name in ("slug_1", "searchTerms_1_status_1"):
        await own["courses"].drop_index(name)
    twins = [factories.course(slug="web") for _ in range(2)]
    await own["courses"].insert_many(twins)
    done = await indexes.ensure(own)
    assert done.created == ["courses.searchTerms_1_status_1"]
    (problem,) = done.problems
    ids = ", ".join(sorted(str(twin["_id"]) for twin in twins))
    assert problem.what == (
        f"can't be created, because several documents have the same values ('web': {ids})."
    )
    assert "Delete the duplicates" in problem.remedy
    assert done.needs_operator


async def test_duplicates_of_a_partial_index(own: Database) -> None:
    await own["reviews"].drop_index("studentId_1_courseId_1")
    course, student = factories.course(), factories.student()
    twins = [{**factories.review(course, student), "externalId": None} for _ in range(2)]
    imported = {**factories.review(course, student), "_id": ObjectId()}
    del twins[0]["externalId"], twins[1]["externalId"]
    await own["reviews"].insert_many([*twins, imported])
    (problem,) = (await indexes.ensure(own)).problems
    assert all(str(twin["_id"]) in problem.what for twin in twins)
    assert str(imported["_id"]) not in problem.what
