"""Instructors: looked up by ID and slug, listed by name, with the count and the rating of their courses."""

import pytest
from bson import Decimal128, ObjectId

from loaders.model import ImportedRating, summarise
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.relay import ids
from tests import factories
from tests.factories import store
from tests.resolvers.conftest import Ask, Doc, Json
from tests.support import RunQuery

ADA = factories.instructor("Ada Lovelace", slug="ada", oldSlugs=["countess"])
BOB = factories.instructor("Łukasz", slug="lukasz")
OLD = factories.instructor("Ängel")  # as an earlier version stores them: without a slug
STAFF = Viewer(roles=frozenset({"STAFF"}))
AS_ADA = Viewer(roles=frozenset({"INSTRUCTOR"}), instructor_id=ADA["_id"])


@pytest.fixture
async def stored(database: Database) -> None:
    await store(database, instructors=[ADA, BOB, OLD])


async def answer(ask: Ask, text: str, **options: Json) -> Json:
    payload = await ask(text, **options)
    assert "errors" not in payload, payload["errors"]
    return payload["data"]


# -- Query.instructor -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("argument", "found"),
    [
        (f'id: "{ids.encode_id("Instructor", ADA)}"', ADA),
        ('slug: "ada"', ADA),
        ('slug: "countess"', ADA),
        (f'slug: "{OLD["_id"]}"', OLD),
        (f'slug: "{ADA["_id"]}"', ADA),
        (f'slug: "{ObjectId()}"', None),
        ('slug: "nobody"', None),
        ('id: "nobody"', None),
    ],
    ids=[
        "id", "slug", "former slug", "_id", "_id instead of the slug", "unknown _id", "unknown slug",
        "unknown id",
    ],
)  # fmt: skip
async def test_an_instructor_is_found(ask: Ask, argument: str, found: Doc | None) -> None:
    data = await answer(ask, f"{{ instructor({argument}) {{ name slug }} }}")
    expected = found and {"name": found["name"], "slug": found.get("slug", str(found["_id"]))}
    assert data["instructor"] == expected


@pytest.mark.parametrize("arguments", ["", '(id: "a", slug: "b")'])
async def test_exactly_one_argument_is_given(ask: Ask, arguments: str) -> None:
    payload = await ask(f"{{ instructor{arguments} {{ name }} }}")
    (error,) = payload["errors"]
    assert error["message"] == "`instructor` requires either `id` or `slug`, but not both."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


# -- Query.instructors ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("", ["Ada Lovelace", "Ängel", "Łukasz"]),
        ('(search: " ")', ["Ada Lovelace", "Ängel", "Łukasz"]),
        ('(search: "luk")', ["Łukasz"]),
        ('(search: "lovelace ada")', ["Ada Lovelace"]),
        ('(search: "ada lukasz")', []),
        ('(search: "!")', []),
        ("(first: 1)", ["Ada Lovelace"]),
    ],
)
async def test_instructors_are_listed_by_name(ask: Ask, argument: str, names: list[str]) -> None:
    data = await answer(ask, f"{{ instructors{argument} {{ nodes {{ name }} totalCount }} }}")
    assert [node["name"] for node in data["instructors"]["nodes"]] == names
    assert data["instructors"]["totalCount"] == (3 if argument == "(first: 1)" else len(names))


@pytest.mark.usefixtures("stored")
async def test_pages_of_instructors(ask: Ask) -> None:
    text = """query ($after: String, $search: String) {
      instructors(first: 2, after: $after, search: $search) { nodes { name } pageInfo { endCursor } } }"""
    page = (await answer(ask, text))["instructors"]
    variables = {"after": page["pageInfo"]["endCursor"]}
    again = await answer(ask, text, variables={**variables, "search": ""})
    assert [node["name"] for node in again["instructors"]["nodes"]] == ["Łukasz"]
    refused = await ask(text, {**variables, "search": "ada"})
    assert refused["errors"][0]["extensions"]["code"] == "INVALID_CURSOR"


@pytest.mark.parametrize("search", [201 * "a", " ".join(21 * "a")])
async def test_a_search_that_is_too_long_is_refused(ask: Ask, search: str) -> None:
    payload = await ask(f'{{ instructors(search: "{search}") {{ totalCount }} }}')
    assert payload["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


# -- Instructor.courseCount and Instructor.rating -------------------------------------------------------


async def test_courses_are_counted_as_they_are_listed(ask: Ask, database: Database) -> None:
    both, only_ada = [ADA["_id"], BOB["_id"]], [ADA["_id"]]
    courses = [
        factories.course(instructorIds=both),
        factories.course(instructorIds=only_ada),
        factories.course(instructorIds=only_ada, status="DRAFT"),
        factories.course(instructorIds=both, status="ARCHIVED"),
    ]
    await store(database, instructors=[ADA, BOB, OLD], courses=courses)
    text = "{ instructors { nodes { name courseCount courses { totalCount } } } }"
    for viewer, counts in ((Viewer(), [2, 0, 1]), (STAFF, [4, 0, 2]), (AS_ADA, [4, 0, 2])):
        nodes = (await answer(ask, text, viewer=viewer))["instructors"]["nodes"]
        assert [node["courseCount"] for node in nodes] == counts
        assert [node["courses"]["totalCount"] for node in nodes] == counts


RATING = """rating { average bayesian count histogram { stars count } withoutReviewCount
  imported { average count } priorMean priorWeight }"""


async def test_a_rating_summarises_published_courses(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    both = [ADA["_id"], BOB["_id"]]
    imported: ImportedRating = {"average": 4.0, "count": 10}
    courses = [
        factories.course(instructorIds=both) | summarise([1, 0, 0, 0, 3], imported),
        factories.course(instructorIds=[ADA["_id"]]) | summarise([0, 0, 2, 0, 0]),
        factories.course(instructorIds=both) | summarise([0] * 5, {"average": 1.0, "count": None}),
        factories.course(instructorIds=both, status="DRAFT") | summarise([9, 0, 0, 0, 0]),
    ]
    await store(database, instructors=[ADA, BOB, OLD], courses=courses)
    mongo_commands.clear()
    nodes = (await run_query(f"{{ instructors {{ nodes {{ {RATING} }} }} }}"))["instructors"]["nodes"]
    assert len(mongo_commands) == 2
    ada, old, bob = (node["rating"] for node in nodes)
    assert ada["average"] == round((1 + 15 + 6 + 40) / 16, 4)
    assert ada["bayesian"] == round((3.5 * 10 + 62) / 26, 6)
    assert (ada["count"], ada["withoutReviewCount"], ada["imported"]) == (16, 10, imported)
    assert [bucket["count"] for bucket in ada["histogram"]] == [3, 0, 2, 0, 1]
    assert (bob["count"], bob["average"]) == (14, 4.0)
    assert (old["count"], old["average"], old["bayesian"], old["imported"]) == (0, None, 3.5, None)


BAD_NUMBERS = (float("nan"), float("inf"), float("-inf"), -1, 2**40, Decimal128("4"))


async def test_ratings_of_other_shapes_count_for_nothing(ask: Ask, database: Database) -> None:
    good = factories.course(instructorIds=[ADA["_id"]]) | summarise([0, 0, 0, 0, 1])
    shapes: list[Doc] = [
        {"ratingStars": "5"}, {"ratingStars": [None, "x"]},
        {"importedRating": {"average": "a", "count": 3}},
        {"importedRating": {"average": 4.0, "count": "many"}}, {"importedRating": 5},
        *({"importedRating": {"average": 4.0, "count": bad}} for bad in BAD_NUMBERS),
        *({"importedRating": {"average": bad, "count": 3}} for bad in BAD_NUMBERS),
        *({"ratingStars": [bad, 0, 0, 0, 0]} for bad in BAD_NUMBERS),
    ]  # fmt: skip
    courses = [{**factories.course(instructorIds=ADA["_id"]), **shape} for shape in shapes]
    await store(database, instructors=[ADA], courses=[good, *courses])
    data = await answer(ask, '{ instructor(slug: "ada") { rating { average count histogram { count } } } }')
    assert (data["instructor"]["rating"]["average"], data["instructor"]["rating"]["count"]) == (5.0, 1)
    assert [bucket["count"] for bucket in data["instructor"]["rating"]["histogram"]] == [1, 0, 0, 0, 0]
