"""Facets of tags, languages and currencies, and the labels of all facets."""

import pytest

from loaders.course import MOST_FACET_VALUES
from loaders.mongo.database import Database
from tests import factories
from tests.factories import store
from tests.resolvers.conftest import Ask, Doc, Json, Value
from tests.support import RunQuery


def course(tags: str = "", language: str | None = None, currency: str | None = None, **fields: Value) -> Doc:
    price = {"amountMinor": 1, "currency": currency} if currency else None
    return factories.course(tags=tags.split(), language=language, price=price, **fields)


FACETS = "facets { tags { value count } languages { value count } currencies { value count } }"


async def facets(ask: Ask, filter: Doc) -> Json:
    text = f"query($filter: CourseFilter) {{ courses(filter: $filter) {{ {FACETS} }} }}"
    data = (await ask(text, {"filter": filter}))["data"]
    return {
        name: {option["value"]: option["count"] for option in options}
        for name, options in data["courses"]["facets"].items()
    }


async def test_facets_ignore_their_own_criterion(ask: Ask, database: Database) -> None:
    courses = [
        course("a b", "de", "EUR"), course("a", "en", "INR"), course("c", "en"), course(status="DRAFT"),
    ]  # fmt: skip
    await store(database, courses=courses)
    assert await facets(ask, {}) == {
        "tags": {"a": 2, "b": 1, "c": 1}, "languages": {"en": 2, "de": 1}, "currencies": {"EUR": 1, "INR": 1},
    }  # fmt: skip
    assert await facets(ask, {"tags": ["b", "x"]}) == {
        "tags": {"a": 2, "b": 1, "c": 1, "x": 0}, "languages": {"de": 1}, "currencies": {"EUR": 1},
    }  # fmt: skip
    assert await facets(ask, {"languages": ["en"], "currencies": ["EUR", "USD"]}) == {
        "tags": {}, "languages": {"de": 1, "en": 0}, "currencies": {"INR": 1, "EUR": 0, "USD": 0},
    }  # fmt: skip


async def test_the_most_frequent_tags_are_counted_and_the_chosen_ones(ask: Ask, database: Database) -> None:
    rare = " ".join(f"r{number:02}" for number in range(60))
    await store(database, courses=[course("often z"), course("often"), course(rare), course("z")])
    tags = (await facets(ask, {}))["tags"]
    assert list(tags) == ["often", "z", *(f"r{number:02}" for number in range(MOST_FACET_VALUES - 2))]
    chosen = (await facets(ask, {"tags": ["r59", "none"]}))["tags"]
    assert len(chosen) == MOST_FACET_VALUES
    assert list(chosen.items())[:3] == [("often", 2), ("z", 2), ("r00", 1)]
    assert list(chosen.items())[-2:] == [("r59", 1), ("none", 0)]


async def test_languages_and_currencies_have_a_maximum(ask: Ask, database: Database) -> None:
    """There are fewer of them, but other programs may have stored any text."""
    await store(
        database, courses=[course(language=f"l{n}", currency=f"c{n}") for n in range(MOST_FACET_VALUES + 1)]
    )
    found = await facets(ask, {})
    assert len(found["languages"]) == len(found["currencies"]) == MOST_FACET_VALUES


async def test_each_category_has_its_own_most_frequent_tags(database: Database, run_query: RunQuery) -> None:
    categories = [factories.category("data"), factories.category("web")]
    many = " ".join(f"t{number:02}" for number in range(MOST_FACET_VALUES + 1))
    courses = [course(many, categorySlug="data"), course("a", categorySlug="web")]
    await store(database, categories=categories, courses=courses)
    data = await run_query("{ categories { courses { facets { tags { value } } } } }")
    found = [one["courses"]["facets"]["tags"] for one in data["categories"]]
    assert [len(tags) for tags in found] == [MOST_FACET_VALUES, 1]


@pytest.mark.parametrize(
    "damage",
    [
        {"tags": [1, None, ["a"], {"a": 1}, 4.5]},
        {"tags": 5},
        {"language": 5},
        {"language": {"a": 1}},
        {"language": [["de"], 1]},
        {"price": "free"},
        {"price": {"currency": 1}},
        {"price": {"currency": None}},
        {"price": {"currency": {"code": "EUR"}}},
    ],
    ids=str,
)
async def test_values_of_other_types_are_not_counted(ask: Ask, database: Database, damage: Doc) -> None:
    """Those of other courses are, and so are the other values of the damaged one."""
    await store(database, courses=[{**course("a", "de", "EUR"), **damage}, course("a b", "de", "EUR")])
    (name,) = damage
    field = {"tags": "tags", "language": "languages", "price": "currencies"}[name]
    right = {"tags": {"a": 2, "b": 1}, "languages": {"de": 2}, "currencies": {"EUR": 2}}
    one = {"tags": {"a": 1, "b": 1}, "languages": {"de": 1}, "currencies": {"EUR": 1}}
    assert await facets(ask, {}) == {**right, field: one[field]}


async def test_a_text_in_place_of_tags_is_one_tag(ask: Ask, database: Database) -> None:
    await store(database, courses=[{**course(), "tags": "a"}])
    assert (await facets(ask, {}))["tags"] == {"a": 1}


LABELS = """{ courses { facets {
  categories { value label } levels { label } deliveryModes { label } ratings { label }
  tags { label } languages { label } currencies { label } } } }"""


async def test_labels(database: Database, run_query: RunQuery, mongo_commands: list[str]) -> None:
    """They cost one command, for the names of categories."""
    shown = course(
        "CSS", "pt-BR", "EUR", categorySlug="web", level="ALL_LEVELS", deliveryModes=["ONSITE"],
    )  # fmt: skip
    lost = course(categorySlug="lost", level="INTERMEDIATE", deliveryModes=["ONLINE"])
    category = factories.category("web", name="Web design")
    await store(database, categories=[category], courses=[shown, lost])
    mongo_commands.clear()
    facets = (await run_query(LABELS))["courses"]["facets"]
    assert mongo_commands == ["find courses", "aggregate courses", "find categories"]
    assert facets.pop("categories") == [
        {"value": "lost", "label": "lost"},
        {"value": "web", "label": "Web design"},
    ]
    assert {name: [option["label"] for option in options] for name, options in facets.items()} == {
        "levels": ["All levels", "Intermediate"],
        "deliveryModes": ["Online", "On site"],
        "ratings": ["4.5 and up", "4.0 and up", "3.5 and up", "3.0 and up"],
        "tags": ["CSS"],
        "languages": ["Português (BR)"],
        "currencies": ["Euro"],
    }
