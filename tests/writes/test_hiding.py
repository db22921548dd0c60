"""One write to a course hides or shows everything that belongs to it, consistently at every moment."""

import asyncio
from collections.abc import Mapping

import pytest
from bson import ObjectId

from loaders.mongo.database import Database
from resolvers.relay import ids
from tests import factories
from tests.factories import DAY, T0
from tests.support import RunQuery
from tests.writes.support import (
    STAFF,
    Doc,
    Gateway,
    Json,
    Value,
    course_id,
    current,
    operation,
    review_of,
    run_of,
    stored,
)

COLLECTIONS = ("reviews", "courseRuns", "enrollments", "students")


def described(**fields: Value) -> Doc:
    return factories.course(**{"summary": "S", "deliveryModes": ["ONLINE"], "categorySlug": "web", **fields})


@pytest.mark.parametrize("name", ["archiveCourse", "publishCourse"])
async def test_archiving_and_publishing_cost_the_same_at_any_size(
    database: Database, run_query: RunQuery, mongo_commands: list[str], name: str
) -> None:
    """The number of commands is the same, and only the course and the audit log are written to."""
    sent = []
    for size in (10, 3_000):
        course = described(status="PUBLISHED" if name == "archiveCourse" else "ARCHIVED")
        students = [factories.student() for _ in range(min(size, 300))]
        await stored(
            database, courses=[course], students=students,
            reviews=[factories.review(course, students[n % len(students)], n) for n in range(size)],
            courseRuns=[run_of(course, seats=n + 1) for n in range(size // 10)],
            enrollments=[factories.enrollment(course, student) for student in students],
        )  # fmt: skip
        before = await contents(database)
        entries = await database["auditLog"].count_documents({})
        mongo_commands.clear()
        values = {"input": {"courseId": course_id(course)}}
        data = await run_query(operation(name, "course { status }"), values, viewer=STAFF)
        assert data[name]["errors"] == []
        sent.append(list(mongo_commands))
        assert await contents(database) == before
        assert await database["auditLog"].count_documents({}) == entries + 1
    assert sent[0] == sent[1]
    assert len(sent[0]) <= 9


async def contents(database: Database) -> Mapping[str, list[Doc]]:
    return {name: await database[name].find(sort=[("_id", 1)]).to_list(None) for name in COLLECTIONS}


SEEN = """query($course: ID!, $review: ID!, $run: ID!, $student: ID!, $ids: [ID!]!) {
  course(id: $course) { id reviews { totalCount nodes { id } } runs(upcomingOnly: false) { totalCount } }
  node(id: $review) { id }
  run: node(id: $run) { id }
  review(id: $review) { id }
  nodes(ids: $ids) { id }
  courses { totalCount nodes { id } facets { categories { value count } } }
  category(slug: "web") { courseCount courses { totalCount } }
  student(id: $student) {
    reviews { totalCount nodes { id } }
    one: reviews(first: 1) { nodes { id } pageInfo { hasNextPage } }
    two: reviews(first: 2) { nodes { id } pageInfo { hasNextPage } }
    best: reviews(orderBy: { field: RATING, direction: DESC }) { totalCount nodes { id } }
  }
  platform { reviews totalCourses }
}"""


class Scene:
    """A course that is archived and published, and one that stays, both reviewed by the same students."""

    def __init__(self) -> None:
        self.course, self.other = described(), described()
        self.students = [factories.student() for _ in range(30)]
        self.run = run_of(self.course)
        # The newest review of each student is of the course that is archived and published.
        self.reviews = [review_of(self.course, s, createdAt=T0 + 9 * DAY, rating=5) for s in self.students]
        self.others = [review_of(self.other, s, createdAt=T0, rating=3) for s in self.students]
        self.variables = {
            "course": course_id(self.course),
            "review": ids.encode_id("Review", self.reviews[0]),
            "run": ids.encode_id("CourseRun", self.run),
            "student": ids.encode_id("Student", self.students[0]),
            "ids": [ids.encode_id("Review", review) for review in (self.reviews[0], self.others[0])],
        }

    async def store(self, database: Database) -> None:
        await stored(
            database, courses=[self.course, self.other], students=self.students, courseRuns=[self.run],
            reviews=self.reviews + self.others, categories=[factories.category("web")],
        )  # fmt: skip

    def expected(self, *, shown: bool) -> Json:
        """Returns what the public sees, with the course shown or hidden."""
        own, other = (ids.encode_id("Review", reviews[0]) for reviews in (self.reviews, self.others))
        listed = [{"id": own}, {"id": other}] if shown else [{"id": other}]
        count = 1 + shown
        course = {
            "id": self.variables["course"],
            "reviews": {
                "totalCount": 30,
                "nodes": [
                    {"id": ids.encode_id("Review", r)}
                    for r in sorted(self.reviews, key=lambda r: r["_id"])[:20]
                ],
            },
            "runs": {"totalCount": 1},
        }
        courses = [{"id": course_id(self.course)}, {"id": course_id(self.other)}]
        return {
            "course": course if shown else None,
            "node": {"id": own} if shown else None,
            "run": {"id": self.variables["run"]} if shown else None,
            "review": {"id": own} if shown else None,
            "nodes": [{"id": own} if shown else None, {"id": other}],
            "courses": {
                "totalCount": count,
                "nodes": courses if shown else courses[1:],
                "facets": {"categories": [{"value": "web", "count": count}]},
            },
            "category": {"courseCount": count, "courses": {"totalCount": count}},
            "student": {
                "reviews": {"totalCount": count, "nodes": listed},
                "one": {"nodes": listed[:1], "pageInfo": {"hasNextPage": shown}},
                "two": {"nodes": listed, "pageInfo": {"hasNextPage": False}},
                "best": {"totalCount": count, "nodes": listed},
            },
            "platform": {"reviews": 30 * count, "totalCourses": count},
        }


async def test_lists_counts_facets_and_pages_are_consistent_at_every_moment(
    gateway: Gateway, database: Database
) -> None:
    """Each part of an answer shows the state with the course or without it, even while that changes.

    A request that starts after the answer of a write sees the state after the write.
    """
    scene = Scene()
    await scene.store(database)
    shown, hidden = (scene.expected(shown=is_shown) for is_shown in (True, False))
    assert await gateway.ask(SEEN, scene.variables) == shown
    done = asyncio.Event()
    asked = 0

    async def read() -> None:
        nonlocal asked
        while not done.is_set():
            answer = await gateway.ask(SEEN, scene.variables)
            for with_it, without_it, now in parts(shown, hidden, answer):
                assert now in (with_it, without_it)
            asked += 1

    async def walk() -> None:
        """Paging through a list neither loses nor repeats an element that stays."""
        while not done.is_set():
            seen = await pages(gateway, scene)
            others = [ids.encode_id("Review", review) for review in scene.others]
            assert len(seen) == len(set(seen))
            assert seen.count(others[0]) == 1

    readers = [asyncio.create_task(work()) for work in (read, read, walk)]
    target = {"courseId": course_id(scene.course)}
    for _ in range(4):
        await gateway.done(STAFF, "archiveCourse", **target)
        assert await gateway.ask(SEEN, scene.variables) == hidden
        await gateway.done(STAFF, "publishCourse", **target)
        assert await gateway.ask(SEEN, scene.variables) == shown
    done.set()
    await asyncio.gather(*readers)
    assert asked > 4


def parts(*answers: Value) -> list[tuple[Value, ...]]:
    """Returns the corresponding parts of several answers, each part read by a command of its own."""
    keys = ("course", "node", "run", "review", "nodes")
    found = [tuple(answer[key] is not None and key for answer in answers) for key in keys[:4]]
    found.append(tuple(answer["nodes"] for answer in answers))
    for outer in ("courses", "category", "platform"):
        found += [tuple(answer[outer][inner] for answer in answers) for inner in answers[0][outer]]
    for name, connection in answers[0]["student"].items():
        found += [tuple(answer["student"][name][inner] for answer in answers) for inner in connection]
    return found


async def pages(gateway: Gateway, scene: Scene) -> list[str]:
    text = """query($id: ID!, $after: String) { student(id: $id) { reviews(first: 1, after: $after) {
      nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    seen: list[str] = []
    after = None
    while True:
        values = {"id": scene.variables["student"], "after": after}
        page = (await gateway.ask(text, values))["student"]["reviews"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return seen


async def test_a_database_of_an_earlier_version_is_read_correctly(
    gateway: Gateway, database: Database
) -> None:
    """It has copies of the course status, and lists of newest reviews without those of hidden courses."""
    scene = Scene()
    await scene.store(database)
    for collection in ("reviews", "courseRuns"):
        await database[collection].update_many({}, {"$set": {"courseStatus": "ARCHIVED"}})
    for collection in ("courses", "students"):
        await database[collection].update_many({}, {"$set": {"newestReviewIds": b""}})
    assert await gateway.ask(SEEN, scene.variables) == scene.expected(shown=True)
    target = {"courseId": course_id(scene.course)}
    await gateway.done(STAFF, "archiveCourse", **target)
    assert await gateway.ask(SEEN, scene.variables) == scene.expected(shown=False)
    await gateway.done(STAFF, "publishCourse", **target)
    assert await gateway.ask(SEEN, scene.variables) == scene.expected(shown=True)
    await stored(database)  # a recount repairs them


async def test_viewers_of_a_hidden_course_see_what_belongs_to_it(
    gateway: Gateway, database: Database
) -> None:
    scene = Scene()
    await scene.store(database)
    await gateway.done(STAFF, "archiveCourse", courseId=course_id(scene.course))
    data = await gateway.ask(SEEN, scene.variables, STAFF)
    shown = scene.expected(shown=True)
    assert data["student"] == shown["student"]
    assert (data["course"], data["run"], data["nodes"]) == (shown["course"], shown["run"], shown["nodes"])


async def test_all_votes_of_a_deleted_review_are_deleted(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loaders.review_writes._VOTES", 10)
    course, student = described(), factories.student()
    reviews = [review_of(course, student), review_of(course, factories.student())]
    votes = [
        {"_id": {"reviewId": review["_id"], "studentId": ObjectId()}} for review in reviews for _ in range(25)
    ]
    await stored(database, courses=[course], students=[student], reviews=reviews, votes=votes)
    target = {"reviewId": ids.encode_id("Review", reviews[0]), "idempotencyKey": "k"}
    for _ in range(2):
        await gateway.done(STAFF, "deleteReview", **target)
        left = await database["votes"].find().to_list(None)
        assert {vote["_id"]["reviewId"] for vote in left} == {reviews[1]["_id"]}
        assert len(left) == 25
    assert (await current(database, "reviews", reviews[1]))["helpfulCount"] == 25
