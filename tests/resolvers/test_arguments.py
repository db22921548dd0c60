"""Arguments of lists: the maximum length of texts, and equivalent filters."""

import pytest

from loaders.mongo.database import Database
from loaders.text import search, terms
from resolvers.context import Viewer
from resolvers.relay.list_arguments import LONGEST_TEXT
from tests import factories
from tests.factories import store
from tests.resolvers.conftest import Ask, Doc, Value

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")

TEXTS = {
    "search": "courses(filter: { search: $x }) { totalCount }",
    "categories": "courses(filter: { categories: [$x] }) { totalCount }",
    "tags": "courses(filter: { tags: [$x] }) { totalCount }",
    "languages": "courses(filter: { languages: [$x] }) { totalCount }",
    "search of students": "students(filter: { search: $x }) { totalCount }",
    "countries": "students(filter: { countries: [$x] }) { totalCount }",
    "subject": "auditLog(filter: { subject: $x }) { totalCount }",
    "actions": "auditLog(filter: { actions: [$x] }) { totalCount }",
    "slug": "course(slug: $x) { id }",
    "slug of a category": "category(slug: $x) { id }",
}


@pytest.mark.parametrize("name", TEXTS)
async def test_texts_have_a_maximum_length(ask: Ask, name: str) -> None:
    text = f"query($x: String!) {{ {TEXTS[name]} }}"
    assert "errors" not in await ask(text, {"x": "é" * LONGEST_TEXT}, viewer=STAFF)
    (error,) = (await ask(text, {"x": "é" * (LONGEST_TEXT + 1)}, viewer=STAFF))["errors"]
    assert error["message"] == f"`{name.partition(' ')[0]}` has 201 characters, but at most 200 are allowed."
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT", "reason": "TOO_LONG", "params": {"max": LONGEST_TEXT}
    }  # fmt: skip


async def test_an_overlong_cursor_is_invalid(ask: Ask) -> None:
    text = "query($c: String!) { courses(after: $c) { totalCount } }"
    (error,) = (await ask(text, {"c": "A" * 1_000_000}))["errors"]
    assert error["extensions"] == {"code": "INVALID_CURSOR"}


async def test_a_search_text_is_analysed_once(
    ask: Ask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysed: list[str] = []

    def counted(text: str) -> list[str]:
        analysed.append(text)
        return terms.words(text)

    monkeypatch.setattr(search, "words", counted)
    search.query.cache_clear()
    lists = " ".join(f"a{n}: courses(filter: {{ search: $s }}) {{ totalCount }}" for n in range(10))
    await ask(f"query($s: String) {{ {lists} }}", {"s": "ten times"})
    assert analysed == ["ten times"]


SETS: list[tuple[Doc, Doc]] = [
    ({"levels": ["BEGINNER", "ADVANCED"]}, {"levels": ["ADVANCED", "BEGINNER"]}),
    ({"levels": ["BEGINNER", "BEGINNER"]}, {"levels": ["BEGINNER"]}),
    ({"categories": ["a", "b", "a"]}, {"categories": ["b", "a"]}),
    ({"tags": ["x", "y"], "languages": ["en", "de"]}, {"languages": ["de", "en"], "tags": ["y", "x"]}),
    ({"deliveryModes": ["ONSITE", "ONLINE"]}, {"deliveryModes": ["ONLINE", "ONSITE"]}),
    ({"statuses": ["DRAFT", "PUBLISHED"]}, {"statuses": ["PUBLISHED", "DRAFT", "PUBLISHED"]}),
    ({"levels": None, "tags": ["x"]}, {"tags": ["x"]}),
    ({"levels": "BEGINNER"}, {"levels": ["BEGINNER"]}),
    ({"durationDays": {"min": 1, "max": None}}, {"durationDays": {"min": 1}}),
]


@pytest.mark.parametrize(("filter", "same"), SETS)
async def test_equivalent_filters_share_cursors(
    ask: Ask, database: Database, mongo_commands: list[str], filter: Value, same: Value
) -> None:
    fields: Doc = {
        "level": "BEGINNER", "categorySlug": "a", "tags": ["x"], "language": "de", "durationDays": 3,
        "deliveryModes": ["ONLINE"],
    }  # fmt: skip
    await store(database, courses=[factories.course(**fields) for _ in range(3)])
    text = """query($a: String, $f: CourseFilter) {
      courses(first: 1, after: $a, filter: $f) { totalCount nodes { id } pageInfo { endCursor } } }"""
    first = (await ask(text, {"f": filter}))["data"]["courses"]
    assert first["totalCount"] == 3
    second = await ask(text, {"f": same, "a": first["pageInfo"]["endCursor"]})
    assert second["data"]["courses"]["nodes"] != first["nodes"]


async def test_an_empty_filter_equals_no_filter(ask: Ask, database: Database) -> None:
    await store(database, courses=[factories.course() for _ in range(2)])
    text = "query($a: String, $f: CourseFilter) { courses(first: 1, after: $a, filter: $f) { %s } }"
    cursors = {
        (await ask(text % "pageInfo { endCursor }", {"f": f}))["data"]["courses"]["pageInfo"]["endCursor"]
        for f in (None, {}, {"levels": None})
    }
    assert len(cursors) == 1


async def test_nodes_keep_the_order_and_duplicates_of_ids(ask: Ask, database: Database) -> None:
    """Unlike the values of a filter, the IDs of `nodes` are not a set: each is answered in its place."""
    await store(database, courses=[course := factories.course()])
    (found,) = (await ask("{ courses { nodes { id } } }"))["data"]["courses"]["nodes"]
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    nodes = (await ask(text, {"ids": [found["id"], "x", found["id"]]}))["data"]["nodes"]
    assert nodes == [found, None, found]
    assert course["status"] == "PUBLISHED"
