"""Slugs of imported documents, and exports while courses follow a category's new slug."""

from collections.abc import Sequence
from typing import Any

import pytest
from bson import ObjectId

import loaders.transfer.instructor_rows
from loaders.mongo.database import Database
from loaders.text import unique_slugs
from loaders.transfer import References, exported_rows
from loaders.transfer.exports import exported_fields
from tests import factories


async def test_any_number_of_instructors_with_equal_slugs_is_imported(database: Database) -> None:
    names = ["?" * number for number in range(1, 130)]  # without letters, so each wants the same slug
    found = await References(database, "school").instructors(names)
    assert found.keys() == set(names)
    slugs = await database["instructors"].distinct("slug")
    assert len(slugs) == len(names)
    assert {"school", "school-2", "school-9", "school-10", "school-129"} <= set(slugs)


async def test_the_slug_of_a_name_is_taken_while_it_is_imported(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody chooses the slug after the import has looked it up, and before it stores the instructor."""
    chosen = factories.instructor("Grace", slug="ada")

    async def overtaken(*arguments: Any) -> Sequence[str]:
        slugs = await unique_slugs(*arguments)
        await database["instructors"].insert_one(chosen)
        return slugs

    monkeypatch.setattr(loaders.transfer.instructor_rows, "unique_slugs", overtaken)
    found = await References(database, "school").instructors(["Ada"])
    stored = await database["instructors"].find_one({"_id": found["Ada"]})
    assert stored is not None
    assert (stored["name"], stored["slug"]) == ("Ada", "ada-2")


async def test_a_restored_instructor_gets_no_former_slug_of_another(database: Database) -> None:
    other = factories.instructor("Grace", slug="grace", oldSlugs=["countess"])
    await database["instructors"].insert_one(other)
    row = {"_id": str(ObjectId()), "name": "Ada", "slug": "ada", "oldSlugs": ["countess", "grace", "lady"]}
    (restored,) = (await References(database, "").restore("instructors", [row])).values()
    stored = await database["instructors"].find_one({"_id": restored})
    assert stored is not None
    assert stored["oldSlugs"] == ["lady"]


async def test_a_course_is_exported_with_its_category_while_it_is_moved(database: Database) -> None:
    category = factories.category("design", oldSlugs=["web"])
    courses = [factories.course(categorySlug=slug) for slug in ("design", "web", "lost", None)]
    await database["categories"].insert_one(category)
    await database["courses"].insert_many(courses)
    rows = [row async for row in exported_rows(database, "courses")]
    assert [row["category"] and row["category"]["slug"] for row in rows] == ["design", "design", None, None]


@pytest.mark.parametrize(
    "rating", [{"average": None, "count": 3}, {"average": 9, "count": 3}, {"average": 4.0, "count": -1}, 5]
)
def test_an_exported_rating_that_is_none_is_left_out(rating: object) -> None:
    assert exported_fields({"importedRating": rating})["importedRating"] is None
    good = {"average": 4.5, "count": None}
    assert exported_fields({"importedRating": good})["importedRating"] == good
