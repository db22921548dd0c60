"""Categories: creating, changing, merging and deleting them."""

from asyncio import Event, create_task, gather

import pytest

from loaders import category_writes
from loaders.model import MOST_CATEGORIES, MOST_CATEGORY_SLUGS, MOST_OLD_SLUGS, CategoryDoc
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction
from loaders.recounting import recount
from resolvers.relay import ids
from tests import factories
from tests.writes.support import STAFF, Doc, Gateway, Value, course_id, current, stored

WEB, DATA = factories.category("web"), factories.category("data", oldSlugs=["databases"])
_BATCH = category_writes._COURSES
MANY = 2 * _BATCH + 1  # courses that are moved in three batches

WHOLE = "category { slug name description imageUrl position courseCount }"


def category_id(category: Doc) -> str:
    return ids.encode_id("Category", category)


@pytest.fixture
async def categories(database: Database) -> None:
    await database["categories"].insert_many([WEB, DATA])


async def slugs_of_courses(database: Database) -> list[str | None]:
    return sorted(await database["courses"].distinct("categorySlug"))


async def lists(gateway: Gateway, slug: str) -> Value:
    """Returns the slug and the number of courses of the category that a slug leads to."""
    text = "query($slug: String!) { category(slug: $slug) { slug courseCount courses { totalCount } } }"
    found = (await gateway.ask(text, {"slug": slug}))["category"]
    assert found is None or found["courseCount"] == found["courses"]["totalCount"]
    return found and (found["slug"], found["courseCount"])


# -- createCategory -------------------------------------------------------------------------------------


async def test_a_new_category(gateway: Gateway) -> None:
    values = {
        "name": " Web &\n Design ", "description": "All\n\nof it", "imageUrl": "https://example.org/i.png",
        "position": -5,
    }  # fmt: skip
    payload = await gateway.done(STAFF, "createCategory", WHOLE, **values)
    assert payload["category"] == {
        **values, "slug": "web-design", "name": "Web & Design", "courseCount": 0,
    }  # fmt: skip
    payload = await gateway.done(STAFF, "createCategory", WHOLE, name="Web design", description=" ")
    assert payload["category"] == {
        "slug": "web-design-2", "name": "Web design", "description": None, "imageUrl": None, "position": 0,
        "courseCount": 0,
    }  # fmt: skip
    assert (await gateway.done(STAFF, "createCategory", WHOLE, name="?!"))["category"]["slug"] == "category"


@pytest.mark.usefixtures("categories")
@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"slug": "web"}, ("DUPLICATE", "slug")),
        ({"slug": "databases"}, ("DUPLICATE", "slug")),
        ({"slug": "No slug"}, ("INVALID", "slug")),
        ({"name": " "}, ("INVALID", "name")),
        ({"imageUrl": "http://example.org/i.png"}, ("INVALID", "imageUrl")),
        ({"imageUrl": "https://example.org/" + 500 * "i"}, ("INVALID", "imageUrl")),
        ({"imageUrl": "javascript:alert(1)"}, ("INVALID", "imageUrl")),
        ({"position": 1_000_001}, ("INVALID", "position")),
        ({"position": None}, ("INVALID", "position")),
    ],
)
async def test_invalid_values_are_refused(gateway: Gateway, values: Doc, error: tuple[str, ...]) -> None:
    assert await gateway.codes(STAFF, "createCategory", **{"name": "New", **values}) == [error]
    update = {"categoryId": category_id(WEB), **values}
    expected = [] if values == {"slug": "web"} else [error]
    assert await gateway.codes(STAFF, "updateCategory", **update) == expected


async def test_there_are_at_most_250_categories(gateway: Gateway, database: Database) -> None:
    """Also if two are created at the same time."""
    stored_before = [factories.category(f"c{n:03}") for n in range(MOST_CATEGORIES - 1)]
    await database["categories"].insert_many(stored_before)
    both = await gather(*(gateway.codes(STAFF, "createCategory", name=name) for name in ("A", "B")))
    assert sorted(both) == [[], [("CONFLICT",)]]
    assert await database["categories"].count_documents({}) == MOST_CATEGORIES
    assert await gateway.codes(STAFF, "createCategory", name="C") == [("CONFLICT",)]


# -- updateCategory -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("categories")
async def test_a_change_of_other_fields_keeps_the_slug(gateway: Gateway, database: Database) -> None:
    values = {"name": "Web design", "description": "D", "position": 2}
    payload = await gateway.done(STAFF, "updateCategory", WHOLE, categoryId=category_id(WEB), **values)
    assert payload["category"] == {**values, "slug": "web", "imageUrl": None, "courseCount": 0}
    assert "oldSlugs" not in await current(database, "categories", WEB)


@pytest.mark.usefixtures("categories")
async def test_what_changes_nothing_writes_nothing(gateway: Gateway, database: Database) -> None:
    before = await current(database, "categories", WEB)
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug="web", name="Web")
    assert await current(database, "categories", WEB) == before
    assert await database["auditLog"].count_documents({}) == 0


@pytest.mark.usefixtures("categories")
async def test_courses_follow_a_new_slug(gateway: Gateway, database: Database) -> None:
    await stored(database, courses=[factories.course(categorySlug="web") for _ in range(MANY)])
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug="design")
    assert await slugs_of_courses(database) == ["design"]
    assert await lists(gateway, "design") == await lists(gateway, "web") == ("design", MANY)
    (entry,) = await database["auditLog"].find().to_list(None)
    (change,) = entry["changes"]
    assert change["after"] == {"slug": "design", "oldSlugs": ["web"]}


@pytest.mark.usefixtures("categories")
async def test_a_former_slug_can_be_taken_back_but_not_by_another(
    gateway: Gateway, database: Database
) -> None:
    await stored(database, courses=[factories.course(categorySlug="web")])
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug="design")
    assert await gateway.codes(STAFF, "createCategory", name="Web", slug="web") == [("DUPLICATE", "slug")]
    other = {"categoryId": category_id(DATA), "slug": "web"}
    assert await gateway.codes(STAFF, "updateCategory", **other) == [("DUPLICATE", "slug")]
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug="web")
    assert (await current(database, "categories", WEB))["oldSlugs"] == ["design"]
    assert await lists(gateway, "design") == ("web", 1)


@pytest.mark.usefixtures("categories")
async def test_a_category_keeps_all_former_slugs(gateway: Gateway) -> None:
    for number in range(MOST_OLD_SLUGS + 2):
        await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug=f"web-{number}")
    assert await lists(gateway, "web") == (f"web-{MOST_OLD_SLUGS + 1}", 0)


@pytest.mark.usefixtures("categories")
async def test_former_slugs_have_a_bound(gateway: Gateway, database: Database) -> None:
    """The last one within the bound is kept, the next one is refused, and nothing is dropped."""
    old = [f"web-{number}" for number in range(MOST_CATEGORY_SLUGS - 1)]
    await database["categories"].update_one({"_id": WEB["_id"]}, {"$set": {"oldSlugs": old}})
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug="design")
    assert await lists(gateway, "web-0") == await lists(gateway, "web") == ("design", 0)
    change = {"categoryId": category_id(WEB), "slug": "art"}
    assert await gateway.codes(STAFF, "updateCategory", **change) == [("CONFLICT", "slug")]
    merge = {"fromCategoryId": category_id(DATA), "intoCategoryId": category_id(WEB)}
    assert await gateway.codes(STAFF, "mergeCategories", **merge) == [("CONFLICT",)]
    assert await lists(gateway, "data") == ("data", 0)
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), slug="web-0")
    assert await lists(gateway, "design") == ("web-0", 0)


# -- mergeCategories ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("categories")
async def test_a_merged_category_leads_to_the_other(gateway: Gateway, database: Database) -> None:
    courses = [factories.course(categorySlug=slug) for slug in ("data", "databases", "web")]
    await stored(database, courses=[*courses, *(factories.course(categorySlug="data") for _ in range(MANY))])
    values = {"fromCategoryId": category_id(DATA), "intoCategoryId": category_id(WEB)}
    payload = await gateway.done(STAFF, "mergeCategories", WHOLE, **values)
    assert payload["category"]["courseCount"] == MANY + 3
    assert await slugs_of_courses(database) == ["web"]
    for slug in ("web", "data", "databases"):
        assert await lists(gateway, slug) == ("web", MANY + 3)
    (entry,) = await database["auditLog"].find().to_list(None)
    assert [(change["before"] or {}).get("slug") for change in entry["changes"]] == ["data", None]
    assert await gateway.codes(STAFF, "mergeCategories", **values) == [("NOT_FOUND", "fromCategoryId")]


@pytest.mark.usefixtures("categories")
async def test_a_category_is_not_merged_into_itself_or_nothing(gateway: Gateway) -> None:
    web, absent = category_id(WEB), category_id(factories.category("absent"))
    for values, error in (
        ({"fromCategoryId": web, "intoCategoryId": web}, ("CONFLICT", "intoCategoryId")),
        ({"fromCategoryId": absent, "intoCategoryId": web}, ("NOT_FOUND", "fromCategoryId")),
        ({"fromCategoryId": web, "intoCategoryId": absent}, ("NOT_FOUND", "intoCategoryId")),
        ({"fromCategoryId": web, "intoCategoryId": "x"}, ("NOT_FOUND", "intoCategoryId")),
    ):
        assert await gateway.codes(STAFF, "mergeCategories", **values) == [error]


async def interrupted_merge(database: Database) -> None:
    """Merges `data` into `web`, as a gateway does that dies after it has moved the first batch."""
    await stored(database, courses=[factories.course(categorySlug="data") for _ in range(MANY)])

    async def merge(tx: Transaction) -> CategoryDoc:
        return await category_writes.merge(
            tx, await tx.get("categories", DATA["_id"]), await tx.get("categories", WEB["_id"])
        )

    await transaction(database, merge)
    await transaction(database, lambda tx: category_writes.move_courses(tx, WEB["_id"]))
    assert await database["courses"].count_documents({"categorySlug": "data"}) == MANY - _BATCH


@pytest.mark.usefixtures("categories")
async def test_a_recount_finishes_an_interrupted_merge(gateway: Gateway, database: Database) -> None:
    await interrupted_merge(database)
    (course, *_) = await database["courses"].find({"categorySlug": "data"}).to_list(None)
    shown = await gateway.ask(
        "query($id: ID!) { course(id: $id) { category { slug } } }", {"id": course_id(course)}
    )
    assert shown["course"]["category"]["slug"] == "web"
    found = [difference async for difference in recount(database, fix=False)]
    assert {(d.field, d.stored, d.true) for d in found} == {("categorySlug", "data", "web")}
    assert len(found) == MANY - _BATCH
    assert len([difference async for difference in recount(database, fix=True)]) == MANY - _BATCH
    assert await lists(gateway, "data") == ("web", MANY)


@pytest.mark.usefixtures("categories")
async def test_any_change_of_the_category_finishes_an_interrupted_merge(
    gateway: Gateway, database: Database
) -> None:
    await interrupted_merge(database)
    await gateway.done(STAFF, "updateCategory", categoryId=category_id(WEB), name="Web")
    assert await lists(gateway, "data") == ("web", MANY)


@pytest.mark.usefixtures("categories")
async def test_a_retry_with_the_key_goes_on_moving(gateway: Gateway, database: Database) -> None:
    values = {
        "fromCategoryId": category_id(DATA), "intoCategoryId": category_id(WEB), "idempotencyKey": "k",
    }  # fmt: skip
    await gateway.done(STAFF, "mergeCategories", **values)
    await stored(database, courses=[factories.course(categorySlug="web")])
    await database["courses"].update_many({}, {"$set": {"categorySlug": "data"}})
    await gateway.done(STAFF, "mergeCategories", **values)
    assert await slugs_of_courses(database) == ["web"]


# -- deleteCategory -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("categories")
@pytest.mark.parametrize("fields", [{}, {"status": "DRAFT"}, {"categorySlug": "databases"}])
async def test_a_category_with_courses_is_not_deleted(
    gateway: Gateway, database: Database, fields: Doc
) -> None:
    course = factories.course(**{"categorySlug": "data", **fields})
    await database["courses"].insert_one(course)
    values = {"categoryId": category_id(DATA)}
    assert await gateway.codes(STAFF, "deleteCategory", **values) == [("CONFLICT", "categoryId")]
    await database["courses"].delete_one({"_id": course["_id"]})
    payload = await gateway.done(STAFF, "deleteCategory", WHOLE, **values)
    assert payload["category"]["slug"] == "data"
    assert await lists(gateway, "data") is await lists(gateway, "databases") is None
    assert await gateway.codes(STAFF, "deleteCategory", **values) == [("NOT_FOUND", "categoryId")]
    payload = await gateway.done(STAFF, "createCategory", WHOLE, name="Databases")
    assert payload["category"]["slug"] == "databases"  # the slugs are free again


# -- at the same time -----------------------------------------------------------------------------------

_RENAME = ("updateCategory", {"categoryId": category_id(WEB), "slug": "design"})
_MERGE = ("mergeCategories", {"fromCategoryId": category_id(WEB), "intoCategoryId": category_id(DATA)})
_DELETE = ("deleteCategory", {"categoryId": category_id(WEB)})


@pytest.mark.usefixtures("categories")
@pytest.mark.parametrize(
    ("change", "expected", "slug"),
    [
        (_RENAME, [], "design"),
        (_MERGE, [("NOT_FOUND", "categoryId")], None),
        (_DELETE, [("NOT_FOUND", "categoryId")], None),
    ],
    ids=["rename", "merge", "delete"],
)
@pytest.mark.parametrize("write", ["createCourse", "updateCourse"])
async def test_a_category_that_changes_while_a_course_is_written(
    gateway: Gateway,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    write: str,
    change: tuple[str, Doc],
    expected: list[tuple[str, ...]],
    slug: str | None,
) -> None:
    """The course never gets a slug that its category no longer has."""
    course = factories.course()
    await stored(database, courses=[course])
    values = {"title": "New"} if write == "createCourse" else {"courseId": course_id(course)}
    read, changed, hold = Event(), Event(), category_writes.hold

    async def paused(tx: Transaction, category: CategoryDoc) -> None:
        read.set()
        await changed.wait()
        await hold(tx, category)

    monkeypatch.setattr(category_writes, "hold", paused)
    writing = create_task(gateway.codes(STAFF, write, **values, categoryId=category_id(WEB)))
    await read.wait()
    await gateway.done(STAFF, change[0], **change[1])
    changed.set()
    assert await writing == expected
    found = await database["courses"].find({"categorySlug": {"$ne": None}}).to_list(None)
    assert [course["categorySlug"] for course in found] == ([slug] if slug else [])
