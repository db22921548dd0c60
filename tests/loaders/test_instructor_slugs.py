"""Migration 4: slugs and keys of instructors."""

from bson import ObjectId

from loaders.migrations import migrate
from loaders.migrations.m0004_instructor_slugs import MIGRATION
from loaders.mongo import Database, Document
from tests import factories


def earlier(name: object, **fields: object) -> Document:
    """Returns an instructor as an earlier version stored it."""
    return {"_id": ObjectId(), "name": name, "headline": None, **fields}


async def test_instructors_get_slugs_and_keys(database: Database) -> None:
    slugged = factories.instructor("Ada", slug="ada", oldSlugs=["bob"])
    old = [earlier("Ada"), earlier("Bob"), earlier("Łukasz Ż."), earlier("?!"), earlier("?!")]
    await database["instructors"].insert_many([slugged, *old, earlier(5), earlier(None)])
    record = (await migrate(database, pace=0))[-1]
    assert (record["_id"], record["changed"], record["unusual"]) == (MIGRATION.number, len(old), 2)
    found = await database["instructors"].find().to_list(None)
    ends = [str(one["_id"])[-6:] for one in old]
    assert [one.get("slug") for one in found] == [
        "ada", f"ada-{ends[0]}", f"bob-{ends[1]}", "łukasz-z", ends[3], ends[4], None, None,
    ]  # fmt: skip
    assert found[0] == slugged
    assert (found[3]["sortName"], found[3]["searchTerms"]) == ("lukasz z", ["lukasz", "z"])
    again = (await migrate(database, pace=0, again=True))[-1]
    assert again["changed"] == record["changed"]
    assert await database["instructors"].find().to_list(None) == found
