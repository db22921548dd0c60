"""The list of courses: search, filters and facets."""

import pytest

from loaders.model.ratings import PRIOR_MEAN, PRIOR_WEIGHT
from loaders.mongo.database import Database
from resolvers.relay import ids
from tests import factories
from tests.factories import DAY, store
from tests.resolvers.conftest import Doc, Value
from tests.support import NOW, RunQuery

_ADA, _GRACE = factories.instructor("Ada"), factories.instructor("Grace")
ADA, GRACE = (ids.encode_id("Instructor", one) for one in (_ADA, _GRACE))


async def titles(run_query: RunQuery, **filter: Value) -> list[str]:
    text = "query($filter: CourseFilter) { courses(filter: $filter) { totalCount nodes { title } } }"
    courses = (await run_query(text, {"filter": filter}))["courses"]
    assert courses["totalCount"] == len(courses["nodes"])
    return [node["title"] for node in courses["nodes"]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("mongodb", ["MongoDB basics", "Back ends", "Databases"]),  # title, then tag, then description
        ("MONGO", ["MongoDB basics", "Back ends", "Databases"]),  # a prefix, as in search as you type
        ("database", ["Databases", "MongoDB basics"]),  # stems, title first
        ("databases", ["Databases", "MongoDB basics"]),
        ("database mon", ["Databases", "MongoDB basics"]),  # every word must match
        ("elan", ["Élan vital"]),  # accents and case
        ("ÉLAN", ["Élan vital"]),
        ("CS-10", ["Back ends"]),  # codes
        ("c++", ["Modern C++"]),
        ("nothing like it", []),
        ("$where .*", []),
        ("   ", ["Back ends", "Databases", "Modern C++", "MongoDB basics", "Élan vital"]),
    ],
)
async def test_search(database: Database, run_query: RunQuery, search: str, found: list[str]) -> None:
    courses = [
        factories.course("MongoDB basics", summary="Your first database"),
        factories.course("Databases", description="SQL, MongoDB and Redis"),
        factories.course("Back ends", tags=["mongodb"], codes=["CS-101"]),
        factories.course("Élan vital"),
        factories.course("Modern C++"),
    ]
    await store(database, courses=courses)
    order = await titles(run_query, search=search)
    assert (order if search.strip() else sorted(order)) == found


async def test_whole_words_rank_before_prefixes(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=[factories.course("Javascript"), factories.course("Java")])
    assert await titles(run_query, search="java") == ["Java", "Javascript"]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({"categories": ["web"]}, "AB"),
        ({"categories": []}, ""),
        ({"levels": ["BEGINNER", "ADVANCED"]}, "AC"),
        ({"deliveryModes": ["ONSITE"]}, "BC"),
        ({"tags": ["x"]}, "A"),
        ({"languages": ["hi"]}, "B"),
        ({"institutions": ["U", "V"]}, "C"),
        ({"institutions": ["u"]}, ""),
        ({"currencies": ["INR"]}, "AC"),
        ({"currencies": ["EUR"]}, ""),
        ({"instructors": [ADA]}, "AB"),
        ({"instructors": [ADA, GRACE]}, "AB"),
        ({"instructors": [GRACE, "no ID"]}, "B"),
        ({"instructors": [ids.encode_id("Course", factories.course())]}, ""),
        ({"instructors": []}, ""),
        ({"minRating": 4.6}, "B"),
        ({"minRating": 4.5}, "BC"),
        ({"durationDays": {"min": 10, "max": 20}}, "AB"),
        ({"durationDays": {"min": 11}}, "B"),
        ({"durationDays": {}}, "ABC"),
        ({"priceMinor": {"max": 100}}, "A"),
        ({"priceMinor": {}}, "ABC"),
        ({"priceMinor": {"min": None}}, "ABC"),
        ({"hasSeats": True}, "A"),
        ({"hasSeats": False}, "BC"),
        ({"categories": ["web"], "levels": ["BEGINNER"]}, "A"),
        ({"categories": None, "search": None}, "ABC"),
    ],
)
async def test_filter(database: Database, run_query: RunQuery, filter: Value, found: str) -> None:
    await store(database, courses=three_courses())
    assert "".join(sorted(await titles(run_query, **filter))) == found


def three_courses() -> list[Doc]:
    return [
        factories.course(
            "A", categorySlug="web", level="BEGINNER", deliveryModes=["ONLINE"], tags=["x", "y"],
            durationDays=10, price={"amountMinor": 100, "currency": "INR"}, seatsUntil=NOW + DAY,
            instructorIds=[_ADA["_id"]],
        ),
        factories.course(
            "B", categorySlug="web", level="INTERMEDIATE", deliveryModes=["ONLINE", "ONSITE"],
            language="hi", stars=[0, 0, 0, 0, 1], durationDays=20, seatsUntil=NOW,
            instructorIds=[_ADA["_id"], _GRACE["_id"]],
        ),
        factories.course(
            "C", categorySlug="data", level="ADVANCED", deliveryModes=["ONSITE"], stars=[0, 0, 0, 1, 1],
            institution="U", price={"amountMinor": 900, "currency": "INR"},
        ),
    ]  # fmt: skip


FACETS = """query($filter: CourseFilter) { courses(filter: $filter) { facets {
  categories { value count } levels { value count } deliveryModes { value count } ratings { value count }
} } }"""


async def facets(run_query: RunQuery, **filter: Value) -> dict[str, dict[str, int]]:
    data = await run_query(FACETS, {"filter": filter})
    return {
        name: {choice["value"]: choice["count"] for choice in choices}
        for name, choices in data["courses"]["facets"].items()
    }


async def test_facets_ignore_their_own_criterion(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    await store(
        database, courses=[*three_courses(), factories.course("D", status="DRAFT", categorySlug="web")]
    )
    mongo_commands.clear()
    everything = await facets(run_query)
    assert mongo_commands == ["find courses", "aggregate courses"]
    assert everything == {
        "categories": {"web": 2, "data": 1},
        "levels": {"ADVANCED": 1, "BEGINNER": 1, "INTERMEDIATE": 1},
        "deliveryModes": {"ONLINE": 2, "ONSITE": 2},
        "ratings": {"4.5": 2, "4.0": 2, "3.5": 2, "3.0": 2},
    }
    assert list(everything["categories"]) == ["web", "data"]
    chosen = await facets(run_query, categories=["data"])
    assert chosen["categories"] == everything["categories"]
    assert chosen["levels"] == {"ADVANCED": 1}
    both = await facets(run_query, categories=["data"], levels=["BEGINNER"])
    assert both["categories"] == {"web": 1, "data": 0}
    assert both["levels"] == {"ADVANCED": 1, "BEGINNER": 0}
    assert list(both["levels"]) == ["ADVANCED", "BEGINNER"]
    assert both["ratings"] == {"4.5": 0, "4.0": 0, "3.5": 0, "3.0": 0}


async def test_facets_of_each_category(database: Database, run_query: RunQuery) -> None:
    await store(
        database,
        courses=three_courses(),
        categories=[factories.category("data"), factories.category("web"), factories.category("empty")],
    )
    data = await run_query(
        """{ categories { slug courseCount courses(filter: {deliveryModes: [ONLINE]}) {
          totalCount facets { levels { value count } deliveryModes { value count } } } } }"""
    )
    by_slug = {c["slug"]: c for c in data["categories"]}
    assert [c["courseCount"] for c in data["categories"]] == [1, 0, 2]
    assert by_slug["web"]["courses"]["totalCount"] == 2
    assert by_slug["web"]["courses"]["facets"]["levels"] == [
        {"value": "BEGINNER", "count": 1},
        {"value": "INTERMEDIATE", "count": 1},
    ]
    assert by_slug["data"]["courses"]["facets"] == {
        "levels": [],
        "deliveryModes": [{"value": "ONSITE", "count": 1}, {"value": "ONLINE", "count": 0}],
    }
    assert by_slug["empty"]["courses"]["facets"] == {
        "levels": [],
        "deliveryModes": [{"value": "ONLINE", "count": 0}],
    }


async def test_selected_values_stay_in_their_facet(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=three_courses())
    found = await facets(
        run_query, categories=["languages"], levels=["ADVANCED"], deliveryModes=["ONSITE"], search="zzz"
    )
    assert found == {
        "categories": {"languages": 0},
        "levels": {"ADVANCED": 0},
        "deliveryModes": {"ONSITE": 0},
        "ratings": {"4.5": 0, "4.0": 0, "3.5": 0, "3.0": 0},
    }
    assert (await facets(run_query, categories=[], search="zzz"))["categories"] == {}


async def test_rating_summary(database: Database, run_query: RunQuery) -> None:
    await store(database, courses=[factories.course(stars=[1, 0, 0, 0, 3])])
    data = await run_query(
        """{ courses { nodes { rating { average bayesian count withoutReviewCount priorMean priorWeight
          histogram { stars count } } } } }"""
    )
    assert data["courses"]["nodes"][0]["rating"] == {
        "average": 4.0,
        "bayesian": round((PRIOR_WEIGHT * PRIOR_MEAN + 16) / (PRIOR_WEIGHT + 4), 6),
        "count": 4,
        "withoutReviewCount": 0,
        "priorMean": PRIOR_MEAN,
        "priorWeight": PRIOR_WEIGHT,
        "histogram": [{"stars": s, "count": n} for s, n in ((5, 3), (4, 0), (3, 0), (2, 0), (1, 1))],
    }


async def test_orders(database: Database, run_query: RunQuery) -> None:
    many = factories.course("many fours", stars=[0, 0, 0, 50, 0], studentCount=9, durationDays=None)
    one = factories.course("A single five", stars=[0, 0, 0, 0, 1], studentCount=8, durationDays=3)
    none = factories.course("nobody yet", durationDays=5)
    await store(database, courses=[many, one, none])
    text = "query($o: CourseOrder) { courses(orderBy: $o) { nodes { title } } }"

    async def by(field: str, direction: str) -> str:
        nodes = (await run_query(text, {"o": {"field": field, "direction": direction}}))["courses"]["nodes"]
        return " ".join(node["title"].split()[0] for node in nodes)

    assert await by("RATING", "DESC") == "many A nobody"  # Bayesian: a single five proves little
    assert await by("RELEVANCE", "DESC") == "many A nobody"
    assert await by("POPULARITY", "DESC") == "many A nobody"
    assert await by("NEWEST", "DESC") == "nobody A many"
    assert await by("TITLE", "ASC") == "A many nobody"
    assert await by("DURATION", "DESC") == "nobody A many"
    assert await by("DURATION", "ASC") == "many A nobody"
