"""Course and its lists through the schema: values, visibility, and the number of commands."""

from unicodedata import normalize

import pytest
from bson import ObjectId

from loaders.model import ImportedRating, summarise
from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests import factories
from tests.factories import DAY, clear, store
from tests.resolvers.conftest import Json
from tests.support import NOW, RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}))


async def catalogue(database: Database, size: int) -> None:
    """Stores `size` courses in two categories, each with two instructors, three runs and four reviews."""
    categories = [factories.category("web"), factories.category("data")]
    instructors = [factories.instructor(f"I{i}") for i in range(3)]
    students = [factories.student() for _ in range(size)]
    courses = [
        factories.course(
            categorySlug=categories[i % 2]["slug"],
            instructorIds=[instructors[i % 3]["_id"], instructors[(i + 1) % 3]["_id"]],
        )
        for i in range(size)
    ]
    for i, course in enumerate(courses):
        course["prerequisiteIds"] = [courses[n]["_id"] for n in (i - 1, i - 2)]
    runs = [factories.course_run(c, startsAt=NOW + n * DAY) for c in courses for n in range(-1, 2)]
    reply = {"instructorId": instructors[0]["_id"], "body": "Thank you.", "createdAt": NOW}
    reviews = [factories.review(c, students[n % size], reply=reply) for c in courses for n in range(4)]
    enrollments = [
        factories.enrollment(c, s, runId=runs[3 * i]["_id"])
        for i, (c, s) in enumerate(zip(courses, students, strict=True))
    ]
    await store(
        database,
        categories=categories,
        instructors=instructors,
        students=students,
        courses=courses,
        courseRuns=runs,
        reviews=reviews,
        enrollments=enrollments,
    )


#: relation -> the commands that `courses { nodes { relation } }` sends after the one for the courses
RELATIONS = {
    "category { name }": ["find categories"],
    "instructors { name }": ["find instructors"],
    "instructors { courses(first: 2) { nodes { title } } }": ["find instructors", "aggregate courses"],
    "prerequisites { title }": ["find courses"],
    "prerequisites { prerequisites { title } category { name } }": ["find courses", "find categories"],
    "a: prerequisites { id } b: prerequisites { title }": ["find courses"],
    "relatedCourses { title }": ["aggregate enrollments", "aggregate courses", "find courses"],
    "relatedCourses(first: 0) { title }": [],
    "viewerHasWishlisted": [],
    "runs(first: 2) { nodes { startsAt } }": ["aggregate courseRuns"],
    "runs(first: 2) { totalCount }": ["aggregate courseRuns", "aggregate courseRuns"],
    "runs { nodes { course { title } } }": ["aggregate courseRuns", "find courses"],
    "reviews(first: 2) { nodes { body } pageInfo { hasNextPage } }": ["aggregate reviews"],
    "reviews(first: 2) { totalCount }": ["aggregate reviews", "aggregate reviews"],
    "a: reviews(first: 2) { nodes { body } } b: reviews(first: 2) { nodes { id } }": ["aggregate reviews"],
    "reviews { nodes { student { name } } }": ["aggregate reviews", "find students"],
    "reviews { nodes { course { title } } }": ["aggregate reviews", "find courses"],
    "reviews { nodes { reply { author { name } } } }": ["aggregate reviews", "find instructors"],
    "reviews { nodes { student { email reviews(first: 2) { nodes { body } } } } }": [
        "aggregate reviews", "find students", "aggregate reviews",
    ],
    "reviews { nodes { student { enrollments(first: 10) { nodes { status } } } } }": [
        "aggregate reviews", "find students", "aggregate enrollments",
    ],
    "enrollments { nodes { status } }": ["aggregate enrollments"],
    "enrollments { nodes { run { startsAt } } }": ["aggregate enrollments", "find courseRuns"],
    "enrollments { nodes { student { name } } }": ["aggregate enrollments", "find students"],
    "enrollments { nodes { course { title } } }": ["aggregate enrollments", "find courses"],
    "enrollments { totalCount }": ["aggregate enrollments", "aggregate enrollments"],
    "category { courseCount }": ["find categories", "aggregate courses"],
    "category { courses(first: 1) { nodes { title } } }": ["find categories", "aggregate courses"],
    "category { courses(first: 1) { totalCount } }": [
        "find categories", "aggregate courses", "aggregate courses",
    ],
    "category { courses(first: 1) { facets { levels { value } } } }": [
        "find categories", "aggregate courses", "aggregate courses",
    ],
    "rating { histogram { stars } imported { average count } } price { formatted } title": [],
    "credits institution url imageUrl": [],
}  # fmt: skip


@pytest.mark.parametrize("relation", RELATIONS)
async def test_a_relation_costs_the_same_commands_at_any_width(
    relation: str, database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    for size in (4, 8):
        await clear(database)
        await catalogue(database, size)
        mongo_commands.clear()
        data = await run_query(f"{{ courses(first: 100) {{ nodes {{ {relation} }} }} }}", viewer=STAFF)
        assert len(data["courses"]["nodes"]) == size
        assert mongo_commands == ["find courses", *RELATIONS[relation]]


SIX_LEVELS = """{
  courses(first: 3) { nodes { reviews(first: 5) { nodes { student {
    reviews(first: 3) { nodes { course { category { name } } } }
  } } } } }
}"""


async def test_six_levels_are_six_commands(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    for size in (5, 10):
        await clear(database)
        await catalogue(database, size)
        mongo_commands.clear()
        await run_query(SIX_LEVELS)
        assert mongo_commands == [
            "find courses",
            "find reviews",
            "find students",
            "find reviews",
            "find courses",
            "find categories",
        ]


async def test_a_level_has_one_correct_page_per_parent(database: Database, run_query: RunQuery) -> None:
    few, many = factories.course(), factories.course()
    none = factories.course()
    await store(
        database,
        courses=[few, many, none],
        reviews=[factories.review(few, n=1), *(factories.review(many, n=n) for n in range(5))],
    )
    data = await run_query(
        """{ courses(orderBy: {field: NEWEST, direction: ASC}) { nodes {
          reviews(first: 2) { nodes { body } totalCount
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor } }
        } } }"""
    )
    pages = [node["reviews"] for node in data["courses"]["nodes"]]
    assert [[n["body"] for n in page["nodes"]] for page in pages] == [
        ["Review 1"],
        ["Review 4", "Review 3"],
        [],
    ]
    assert [page["totalCount"] for page in pages] == [1, 5, 0]
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [False, True, False]
    assert pages[1]["pageInfo"]["endCursor"] == pages[1]["edges"][1]["cursor"]
    assert pages[2]["pageInfo"]["startCursor"] is None
    after = pages[1]["pageInfo"]["endCursor"]
    text = """query($slug: String, $after: String) {
      course(slug: $slug) { reviews(first: 2, after: $after) { nodes { body } } } }"""
    data = await run_query(text, {"slug": many["slug"], "after": after})
    assert [n["body"] for n in data["course"]["reviews"]["nodes"]] == ["Review 2", "Review 1"]


async def test_the_public_sees_only_published_courses(database: Database, run_query: RunQuery) -> None:
    shown, draft, archived = (factories.course(status=s) for s in ("PUBLISHED", "DRAFT", "ARCHIVED"))
    students = [factories.student()]
    await store(
        database,
        courses=[shown, draft, archived],
        students=students,
        reviews=[factories.review(c, students[0]) for c in (shown, draft, archived)],
    )
    query = """query($slug: String, $statuses: [CourseStatus!]) {
      course(slug: $slug) { title }
      courses(filter: {statuses: $statuses}) { totalCount nodes { status reviews { totalCount } } }
    }"""
    for statuses in (None, ["PUBLISHED", "DRAFT"]):
        data = await run_query(query, {"slug": draft["slug"], "statuses": statuses})
        assert data == {
            "course": None,
            "courses": {"totalCount": 1, "nodes": [{"status": "PUBLISHED", "reviews": {"totalCount": 1}}]},
        }
    data = await run_query(query, {"slug": draft["slug"], "statuses": ["DRAFT"]})
    assert data["courses"]["totalCount"] == 0
    data = await run_query(query, {"slug": draft["slug"], "statuses": None}, viewer=STAFF)
    assert data["course"] == {"title": draft["title"]}
    assert data["courses"]["totalCount"] == 3


async def test_enrollments_are_for_staff_and_the_instructor(database: Database, run_query: RunQuery) -> None:
    teacher = ObjectId()
    taught, other = factories.course(instructorIds=[teacher]), factories.course()
    students = [factories.student()]
    await store(
        database,
        courses=[taught, other],
        students=students,
        enrollments=[factories.enrollment(c, students[0]) for c in (taught, other)],
    )

    async def seen(viewer: Viewer) -> list[Json]:
        text = """{ courses(orderBy: {field: NEWEST, direction: ASC}) {
          nodes { enrollments { totalCount nodes { progress } } } } }"""
        data = await run_query(text, viewer=viewer)
        counts = [n["enrollments"]["totalCount"] for n in data["courses"]["nodes"]]
        assert counts == [len(n["enrollments"]["nodes"]) for n in data["courses"]["nodes"]]
        return counts

    assert await seen(Viewer()) == [0, 0]
    assert await seen(Viewer(roles=frozenset({"STUDENT"}), student_id=students[0]["_id"])) == [0, 0]
    assert await seen(Viewer(roles=frozenset({"INSTRUCTOR"}), instructor_id=teacher)) == [1, 0]
    assert await seen(STAFF) == [1, 1]


async def test_course_takes_an_id_or_a_slug(run_query: RunQuery, database: Database) -> None:
    course = factories.course("Go")
    await store(database, courses=[course])
    by_slug = await run_query(f'{{ course(slug: "{course["slug"]}") {{ id title }} }}')
    by_id = await run_query("query($id: ID) { course(id: $id) { title } }", {"id": by_slug["course"]["id"]})
    assert by_id == {"course": {"title": "Go"}}
    for arguments in ("", '(id: "x", slug: "y")'):
        payload = await run_query(f"{{ course{arguments} {{ title }} }}", errors=True)
        assert payload["errors"][0]["message"] == "`course` requires either `id` or `slug`, but not both."
        assert payload["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    ("slug", "stored", "commands"),
    [
        ("한국어-초급", "한국어-초급", 1), (normalize("NFD", "한국어-초급"), "한국어-초급", 2),
        (normalize("NFD", "한국어-초급"), normalize("NFD", "한국어-초급"), 2),
        ("former", "한국어-초급", 2), (normalize("NFD", "café"), "한국어-초급", 2), ("none", None, 2),
    ],
)  # fmt: skip
async def test_a_slug_leads_to_its_course_however_it_is_composed(
    run_query: RunQuery,
    database: Database,
    mongo_commands: list[str],
    slug: str,
    stored: str | None,
    commands: int,
) -> None:
    courses = [factories.course(slug=stored, oldSlugs=["former", "café"])] if stored else []
    await store(database, courses=[*courses, factories.course()])
    mongo_commands.clear()
    data = await run_query("query($slug: String!) { course(slug: $slug) { slug } }", {"slug": slug})
    assert data == {"course": stored and {"slug": stored}}
    assert mongo_commands == ["find courses"] * commands


async def test_a_former_slug_leads_to_its_category(
    run_query: RunQuery, database: Database, mongo_commands: list[str]
) -> None:
    await store(database, categories=[factories.category("web", oldSlugs=["www"])])
    for slug, commands in (("web", 1), ("www", 2)):
        mongo_commands.clear()
        assert await run_query(f'{{ category(slug: "{slug}") {{ slug }} }}') == {"category": {"slug": "web"}}
        assert mongo_commands == ["find categories"] * commands


async def test_prerequisites_are_those_that_the_viewer_may_see(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    teacher = ObjectId()
    shown, other = factories.course("A"), factories.course("B")
    draft = factories.course("C", status="DRAFT", instructorIds=[teacher])
    archived = factories.course("D", status="ARCHIVED")
    ids = [draft["_id"], other["_id"], ObjectId(), shown["_id"], archived["_id"]]
    course = factories.course(slug="needy", prerequisiteIds=ids)
    await store(database, courses=[shown, other, draft, archived, course])

    async def seen(viewer: Viewer) -> list[str]:
        mongo_commands.clear()
        data = await run_query('{ course(slug: "needy") { prerequisites { title } } }', viewer=viewer)
        return [one["title"] for one in data["course"]["prerequisites"]]

    assert await seen(Viewer()) == ["B", "A"]
    assert mongo_commands == ["find courses"] * 2
    assert await seen(STAFF) == ["C", "B", "A", "D"]
    assert mongo_commands == ["find courses"] * 2
    assert await seen(Viewer(roles=frozenset({"INSTRUCTOR"}), instructor_id=teacher)) == ["C", "B", "A"]


async def test_at_most_twenty_prerequisites_each_once_and_never_the_course_itself(
    database: Database, run_query: RunQuery
) -> None:
    others = [factories.course(f"P{n:02}") for n in range(21)]
    course = factories.course(slug="needy")
    ids = [course["_id"], *(other["_id"] for other in others[:3]), *(other["_id"] for other in others)]
    await store(database, courses=[*others, course | {"prerequisiteIds": ids}])
    data = await run_query('{ course(slug: "needy") { prerequisites { title } } }')
    assert [one["title"] for one in data["course"]["prerequisites"]] == [f"P{n:02}" for n in range(20)]


async def test_only_urls_that_pages_can_show_are_shown(database: Database, run_query: RunQuery) -> None:
    stored = {
        "javascript:alert(1)": (None, None),
        "http://a.example/x.png": ("http://a.example/x.png", None),
        "HTTPS://a.example/x.png": ("HTTPS://a.example/x.png",) * 2,
        "data:image/png;base64,AA==": (None, None),
        "//a.example/x.png": (None, None),
        "https://a.example@b.example/": (None, None),
        "": (None, None),
    }
    made = [factories.course(slug=f"c{n}", url=u, imageUrl=u) for n, u in enumerate(stored)]
    await store(database, courses=made)
    for n, (url, image) in enumerate(stored.values()):
        data = await run_query(f'{{ course(slug: "c{n}") {{ url imageUrl }} }}')
        assert data["course"] == {"url": url, "imageUrl": image}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({"average": 4.5, "count": 10}, {"average": 4.5, "count": 10}),
        ({"average": 4.5, "count": None}, {"average": 4.5, "count": None}),
        ({"average": 4.5}, {"average": 4.5, "count": None}),
        ({"average": 0.0, "count": 0}, None),
        (None, None),
    ],
)
async def test_an_imported_average_is_shown_with_or_without_its_count(
    database: Database, run_query: RunQuery, stored: Json, shown: Json
) -> None:
    course = factories.course(slug="c") | {"importedRating": stored}
    await store(database, courses=[course])
    data = await run_query(
        '{ course(slug: "c") { rating { imported { average count } withoutReviewCount } } }'
    )
    counted = shown["count"] or 0 if shown else 0
    assert data["course"]["rating"] == {"imported": shown, "withoutReviewCount": counted}


async def test_an_average_without_a_count_is_in_no_filter_and_no_order(
    database: Database, run_query: RunQuery
) -> None:
    ratings: dict[str, ImportedRating | None] = {
        "alone": {"average": 5.0, "count": None},
        "weighed": {"average": 4.0, "count": 10},
        "none": None,
    }
    courses = [
        factories.course(name, slug=name) | summarise([0] * 5, imported) for name, imported in ratings.items()
    ]
    await store(database, courses=courses)
    query = """{ courses(orderBy: {field: RATING, direction: DESC}) { nodes {
        slug rating { average bayesian count } } }
      rated: courses(filter: {minRating: 1}) { nodes { slug } facets { ratings { value count } } } }"""
    data = await run_query(query)
    by_slug = {node["slug"]: node["rating"] for node in data["courses"]["nodes"]}
    assert by_slug["alone"] == by_slug["none"] == {"average": None, "bayesian": 3.5, "count": 0}
    assert data["courses"]["nodes"][0]["slug"] == "weighed"
    assert [node["slug"] for node in data["rated"]["nodes"]] == ["weighed"]
    assert {facet["count"] for facet in data["rated"]["facets"]["ratings"]} <= {0, 1}


async def test_runs_are_upcoming_by_default(database: Database, run_query: RunQuery) -> None:
    course = factories.course()
    runs = [
        factories.course_run(course, startsAt=NOW - DAY, seats=10, seatsTaken=3),
        factories.course_run(course, startsAt=NOW, seats=2, seatsTaken=5),
        factories.course_run(course, startsAt=NOW + DAY),
    ]
    await store(database, courses=[course], courseRuns=runs)
    text = f"""{{ course(slug: "{course["slug"]}") {{
      upcoming: runs {{ nodes {{ seatsLeft }} }}
      all: runs(upcomingOnly: false) {{ nodes {{ seatsLeft }} }} }} }}"""
    data = await run_query(text)
    assert [n["seatsLeft"] for n in data["course"]["upcoming"]["nodes"]] == [0, None]
    assert [n["seatsLeft"] for n in data["course"]["all"]["nodes"]] == [7, 0, None]
