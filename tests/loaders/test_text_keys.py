"""Migration 1: derived keys by the present rules, and new slugs for those that the earlier rules made."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from loaders.collections import derived
from loaders.migrations import m0001_text_keys, migrate, records, runner
from loaders.migrations.m0001_text_keys import old_slug, wanted_slug
from loaders.mongo import Database
from loaders.text import slugify, unique_slugs
from tests import factories
from tests.factories import outdated

_ID = ObjectId("6a961580736d706c02000031")


def composed(text: str) -> str:
    """Makes a slug by other rules than the earlier ones: marks stay, and letters are composed.

    The tests of renaming use these rules, so that they don't depend on what the present rules are.
    """
    words = re.findall(r"[\w\u0900-\u0dff]+", normalize("NFC", text).casefold())
    return "-".join(words)[:80].strip("-")


@pytest.fixture(autouse=True)
def only_this_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (runner, records):
        monkeypatch.setattr(module, "MIGRATIONS", [m0001_text_keys.MIGRATION])


@pytest.fixture
def new_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m0001_text_keys, "slugify", composed)


EARLIER = {
    "データ": "テータ", "パン屋": "ハン屋", "हिन्दी": "हिनदी", "Йога": "иога", "Київ": "киів",
    "λόγος": "λογοσ", "バス": "ハス", "C++ & C#": "cpp-csharp", "Node.JS & Express": "node-js-express",
    "Café Ökonomie": "cafe-okonomie", "한국어 초급": normalize("NFD", "한국어-초급"), "🚀": "", "™": "tm",
    "a" * 90: "a" * 64, "ab " * 40: "ab-" * 26 + "ab", "Łódź": "łodz", "Straße İ": "strasse-i",
}  # fmt: skip


@pytest.mark.parametrize(("title", "slug"), EARLIER.items())
def test_the_earlier_rules(title: str, slug: str) -> None:
    assert old_slug(title) == slug


KANA = normalize("NFD", "한국어-초급")
RENAMED: list[tuple[str, str, dict[str, Any], tuple[str, str] | None]] = [
    # title, slug, other fields, the wanted slug and what distinguishes it
    ("データ 入門", "テータ-入門", {}, ("データ-入門", "000031")),
    ("データ", "テータ-2", {}, ("データ", "2")),
    ("データ", "テータ-12", {}, ("データ", "12")),
    ("データ", "テータ", {"externalId": {"source": "s", "id": "K 9"}}, ("データ", "k-9")),
    ("データ", "テータ-k-9", {"externalId": {"source": "s", "id": "K 9"}}, ("データ-k-9", "000031")),
    ("データ", "テータ-k-9-3", {"externalId": {"source": "s", "id": "K 9"}}, ("データ-k-9", "000031")),
    ("データ", "テータ-ハス", {"externalId": {"source": "s", "id": "バス"}}, ("データ-バス", "000031")),
    ("Go", "go-ハス", {"externalId": {"source": "s", "id": "バス"}}, ("go-バス", "000031")),
    ("バス " * 40, old_slug("バス " * 40)[:75].strip("-") + "-2", {}, (composed("バス " * 40), "2")),
    ("한국어 초급", KANA, {}, ("한국어-초급", "000031")),
    # chosen: not what the earlier rules made from the title
    ("データ", "data", {}, None),
    ("データ", "テータ-b", {}, None),
    ("データ", "テータ-x-9", {"externalId": {"source": "s", "id": "K 9"}}, None),
    ("データ 入門", "テータ", {}, None),
    ("Something else", KANA, {}, ("한국어-초급", "000031")),  # but composed
    # the same by both rules
    ("Web Design", "web-design", {}, None),
    ("Web Design", "web-design-2", {}, None),
    ("Web Design", "web-design-k-9-2", {"externalId": {"source": "s", "id": "K 9"}}, None),
    ("データ", "データ", {}, None),
    ("🚀", "course", {}, None),
    ("🚀", "course-3", {}, None),
    # somebody has gone back to the earlier slug
    ("データ", "テータ", {"oldSlugs": ["データ"]}, None),
]


@pytest.mark.usefixtures("new_rules")
@pytest.mark.parametrize(("title", "slug", "fields", "wanted"), RENAMED)
def test_only_a_slug_that_was_made_from_the_title_is_made_anew(
    title: str, slug: str, fields: dict[str, Any], wanted: tuple[str, str] | None
) -> None:
    assert wanted_slug({"_id": _ID, "title": title, "slug": slug, **fields}) == wanted


@pytest.mark.parametrize("rules", [slugify, composed])
@given(title=st.text(max_size=100), external=st.text(max_size=20), end=st.sampled_from(["", "-2", "-17"]))
def test_a_renewed_slug_stays(rules: Callable[[str], str], title: str, external: str, end: str) -> None:
    """Even if the former slug has been dropped from the course."""
    course = {"_id": _ID, "title": title, "externalId": {"source": "s", "id": external}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(m0001_text_keys, "slugify", rules)
        for slug in {old_slug(title) or "course", f"{old_slug(title)}-{old_slug(external)}"}:
            wanted = wanted_slug({**course, "slug": f"{slug}{end}"})
            assert wanted is None or wanted_slug({**course, "slug": wanted.slug}) is None
            new = (rules(title) or "course") + end
            assert wanted_slug({**course, "slug": normalize("NFC", new)}) in (None, (rules(title), end[1:]))


async def slugs(database: Database) -> dict[str, tuple[str, list[str]]]:
    found = database["courses"].find(sort=[("_id", 1)])
    return {course["title"]: (course["slug"], course.get("oldSlugs", [])) async for course in found}


@pytest.mark.usefixtures("new_rules")
async def test_the_former_slugs_still_lead_to_their_courses(database: Database) -> None:
    titles = {
        "バス": "ハス",
        "パス": "ハス-2",
        "ハス": "ハス-3",
        "Йога": "иога",
        "Chosen": "mine",
        "Go": "go",
    }
    made = [factories.course(title, slug=slug) for title, slug in titles.items()]
    made[3]["oldSlugs"] = ["yoga"]
    await database["courses"].insert_many(made)
    expected = {
        "バス": ("バス", ["ハス"]), "パス": ("パス", ["ハス-2"]), "ハス": ("ハス-3", []),
        "Йога": ("йога", ["yoga", "иога"]), "Chosen": ("mine", []), "Go": ("go", []),
    }  # fmt: skip
    for _ in range(2):
        await migrate(database, pace=0, again=True)
        assert await slugs(database) == expected


@pytest.mark.usefixtures("new_rules")
async def test_former_slugs_of_the_wrong_type_stop_no_migration(database: Database) -> None:
    null, numbers, taken = (
        factories.course(title, slug=old_slug(title)) for title in ("バス", "Йога", "ギター")
    )
    other = factories.course("Other", slug="ギター")
    null["oldSlugs"] = other["oldSlugs"] = None
    numbers["oldSlugs"] = [5]
    await database["courses"].insert_many([null, numbers, taken, other])
    record, *_ = await migrate(database, pace=0)
    assert record["unusualIds"] == [numbers["_id"]]
    ending = str(taken["_id"])[-6:]
    assert {title: slug for title, (slug, _) in (await slugs(database)).items()} == {
        "バス": "バス", "Йога": "иога", "ギター": f"ギター-{ending}", "Other": "ギター",
    }  # fmt: skip


@pytest.mark.usefixtures("new_rules")
async def test_a_slug_that_is_taken_or_was_gets_an_end(database: Database) -> None:
    others = [factories.course("A", slug="バス"), factories.course("B", slug="b", oldSlugs=["йога"])]
    external: Any = {"externalId": {"source": "s", "id": "K 9"}}
    made = [
        factories.course("バス", slug="ハス", **external), factories.course("Йога", slug="иога-2"),
        factories.course("Йога!", slug="иога"),
    ]  # fmt: skip
    await database["courses"].insert_many([*others, *made])
    await migrate(database, pace=0)
    tail = str(made[2]["_id"])[-6:]
    assert await slugs(database) == {
        "A": ("バス", []), "B": ("b", ["йога"]), "バス": ("バス-k-9", ["ハス"]),
        "Йога": ("йога-2", ["иога-2"]), "Йога!": (f"йога-{tail}", ["иога"]),
    }  # fmt: skip


@pytest.mark.usefixtures("new_rules")
async def test_a_decomposed_slug_is_composed_and_needs_no_former_one(database: Database) -> None:
    await database["courses"].insert_one(factories.course("한국어 초급", slug=KANA))
    await migrate(database, pace=0)
    assert await slugs(database) == {"한국어 초급": ("한국어-초급", [])}


@pytest.mark.usefixtures("new_rules")
async def test_a_slug_that_is_taken_meanwhile_is_given_to_one_course(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after the free slug was found, a gateway gives it to another course."""
    course, other = factories.course("バス", slug="ハス"), factories.course("A", slug="a")
    await database["courses"].insert_many([course, other])
    found_free, taken = unique_slugs, False

    async def take(*arguments: Any) -> list[str]:
        nonlocal taken
        free = await found_free(*arguments)
        if not taken:
            taken = True
            await database["courses"].update_one({"_id": other["_id"]}, {"$set": {"slug": free[0]}})
        return free

    monkeypatch.setattr(m0001_text_keys, "unique_slugs", take)
    await migrate(database, pace=0)
    tail = str(course["_id"])[-6:]
    assert await slugs(database) == {"バス": (f"バス-{tail}", ["ハス"]), "A": ("バス", [])}


@pytest.mark.parametrize("title", EARLIER)
async def test_what_the_earlier_version_stored_becomes_what_this_one_computes(
    database: Database, title: str
) -> None:
    """By the present rules: the slug, the derived keys, and nothing else."""
    made = old_slug(title) or "course"
    course, student = factories.course(title, slug=made), factories.student(title)
    await database["courses"].insert_one(outdated("courses", course))
    await database["students"].insert_one(outdated("students", student))
    await migrate(database, pace=0)
    slug = slugify(title) or "course"
    former = [] if slug == normalize("NFC", made) else [normalize("NFC", made)]
    found = await database["courses"].find_one({})
    assert found == course | {"slug": slug} | ({"oldSlugs": former} if made != slug else {})
    assert derived("courses", course).items() <= course.items()
    assert await database["students"].find_one({}) == student


# -- Categories


async def in_categories(database: Database) -> dict[str, Any]:
    """Returns each category's slugs, and the category of each course, by name and title."""
    categories = {c["name"]: (c["slug"], c.get("oldSlugs", [])) async for c in database["categories"].find()}
    courses = {c["title"]: c["categorySlug"] async for c in database["courses"].find()}
    return categories | courses


@pytest.mark.usefixtures("new_rules")
async def test_a_category_is_renamed_with_its_courses(database: Database) -> None:
    made = {"データ": "テータ", "한국어 초급": KANA, "Web": "web", "Chosen": "mine", "ハス": "ハス-x"}
    await database["categories"].insert_many(
        [factories.category(slug) | {"name": name} for name, slug in made.items()]
    )
    await database["courses"].insert_many(
        [factories.course(f"Course {slug}", categorySlug=slug) for slug in made.values()]
    )
    renamed = {
        "データ": ("データ", ["テータ"]), "한국어 초급": ("한국어-초급", []), "Web": ("web", []),
        "Chosen": ("mine", []), "ハス": ("ハス-x", []),
        "Course テータ": "データ", f"Course {KANA}": "한국어-초급", "Course web": "web",
        "Course mine": "mine", "Course ハス-x": "ハス-x",
    }  # fmt: skip
    await migrate(database, pace=0)
    assert await in_categories(database) == renamed
    for slug in ("テータ", KANA):  # written by somebody who had read the category before
        await database["courses"].update_one({"title": f"Course {slug}"}, {"$set": {"categorySlug": slug}})
    await migrate(database, pace=0, again=True)
    assert await in_categories(database) == renamed


@pytest.mark.usefixtures("new_rules")
async def test_a_category_whose_new_slug_is_taken_keeps_its_own(database: Database) -> None:
    names = {"バス": "ハス", "Other": "バス", "Odd": 5}
    await database["categories"].insert_many(
        [factories.category(str(slug)) | {"name": name, "slug": slug} for name, slug in names.items()]
    )
    record, *_ = await migrate(database, pace=0)
    assert await in_categories(database) == {"バス": ("ハス", []), "Other": ("バス", []), "Odd": (5, [])}
    assert record["unusual"] == 1
