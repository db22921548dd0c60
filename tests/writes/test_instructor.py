"""Instructors: creating and changing them."""

import pytest

from loaders.model import MOST_OLD_SLUGS
from loaders.mongo.database import Database
from resolvers.relay import ids
from tests import factories
from tests.writes.support import STAFF, Doc, Gateway, Value, as_instructor, current

ADA = factories.instructor("Ada", slug="ada")
GRACE = factories.instructor("Grace", slug="grace-h", oldSlugs=["grace"])
WHOLE = "instructor { slug name headline bio avatarUrl }"


def instructor_id(instructor: Doc) -> str:
    return ids.encode_id("Instructor", instructor)


@pytest.fixture(autouse=True)
async def instructors(database: Database) -> None:
    await database["instructors"].insert_many([ADA, GRACE])


async def found_by(gateway: Gateway, slug: str) -> Value:
    text = "query($slug: String!) { instructor(slug: $slug) { slug } }"
    return (await gateway.ask(text, {"slug": slug}))["instructor"]


async def test_a_new_instructor(gateway: Gateway, database: Database) -> None:
    values = {
        "name": " Ada\nLovelace ", "headline": "Counts.", "bio": "A\n\nB",
        "avatarUrl": "https://example.org/a.png",
    }  # fmt: skip
    payload = await gateway.done(STAFF, "createInstructor", WHOLE, **values)
    assert payload["instructor"] == {**values, "slug": "ada-lovelace", "name": "Ada Lovelace"}
    payload = await gateway.done(STAFF, "createInstructor", WHOLE, name="Áda", headline=" ")
    assert payload["instructor"] == {
        "slug": "ada-2", "name": "Áda", "headline": None, "bio": None, "avatarUrl": None,
    }  # fmt: skip
    payload = await gateway.done(STAFF, "createInstructor", WHOLE, name="?!")
    assert payload["instructor"]["slug"] == "instructor"
    stored = await database["instructors"].find_one({"slug": "ada-lovelace"})
    assert stored is not None
    assert (stored["sortName"], stored["searchTerms"]) == ("ada lovelace", ["ada", "lovelac"])


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"slug": "ada"}, ("DUPLICATE", "slug")),
        ({"slug": "grace"}, ("DUPLICATE", "slug")),
        ({"slug": str(GRACE["_id"])}, ("DUPLICATE", "slug")),  # it leads to her
        ({"slug": "No slug"}, ("INVALID", "slug")),
        ({"name": " "}, ("INVALID", "name")),
        ({"headline": 201 * "h"}, ("INVALID", "headline")),
        ({"bio": 2001 * "b"}, ("INVALID", "bio")),
        ({"avatarUrl": "http://example.org/a.png"}, ("INVALID", "avatarUrl")),
    ],
)
async def test_invalid_values_are_refused(gateway: Gateway, values: Doc, error: tuple[str, ...]) -> None:
    assert await gateway.codes(STAFF, "createInstructor", **{"name": "New", **values}) == [error]
    update = {"instructorId": instructor_id(ADA), **values}
    expected = [] if values == {"slug": "ada"} else [error]
    assert await gateway.codes(STAFF, "updateInstructor", **update) == expected


async def test_an_instructor_changes_their_own_profile(gateway: Gateway, database: Database) -> None:
    values = {"instructorId": instructor_id(ADA), "name": "Ada L.", "bio": "B", "headline": None}
    payload = await gateway.done(as_instructor(ADA), "updateInstructor", WHOLE, **values)
    assert payload["instructor"] == {
        "slug": "ada", "name": "Ada L.", "headline": None, "bio": "B", "avatarUrl": None,
    }  # fmt: skip
    assert (await current(database, "instructors", ADA))["searchTerms"] == ["ada", "l"]
    assert await gateway.codes(as_instructor(GRACE), "updateInstructor", **values) == [("FORBIDDEN",)]
    unknown = {"instructorId": instructor_id(factories.instructor())}
    assert await gateway.codes(STAFF, "updateInstructor", **unknown) == [("NOT_FOUND", "instructorId")]


async def test_former_slugs_lead_to_the_instructor(gateway: Gateway, database: Database) -> None:
    for number in range(MOST_OLD_SLUGS + 1):
        values = {"instructorId": instructor_id(ADA), "slug": f"ada-{number}"}
        await gateway.done(STAFF, "updateInstructor", **values)
    last = {"slug": f"ada-{MOST_OLD_SLUGS}"}
    assert await found_by(gateway, f"ada-{MOST_OLD_SLUGS}") == await found_by(gateway, "ada-0") == last
    assert await found_by(gateway, "ada") is None  # the oldest one was dropped
    assert len((await current(database, "instructors", ADA))["oldSlugs"]) == MOST_OLD_SLUGS


async def test_an_instructor_without_a_slug_gets_one(gateway: Gateway, database: Database) -> None:
    old = factories.instructor("Old")
    await database["instructors"].insert_one(old)
    assert await found_by(gateway, str(old["_id"])) == {"slug": str(old["_id"])}
    await gateway.done(STAFF, "updateInstructor", instructorId=instructor_id(old), slug="old")
    assert await found_by(gateway, str(old["_id"])) == await found_by(gateway, "old") == {"slug": "old"}


async def test_what_changes_nothing_writes_nothing(gateway: Gateway, database: Database) -> None:
    values = {"instructorId": instructor_id(ADA), "slug": "ada", "name": "Ada"}
    await gateway.done(STAFF, "updateInstructor", **values)
    assert await current(database, "instructors", ADA) == ADA
    assert await database["auditLog"].count_documents({}) == 0
