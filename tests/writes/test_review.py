"""Reviews: creating, changing, deleting, voting, replying and moderating."""

from asyncio import Event, Task, gather

import pytest
from pymongo.errors import OperationFailure

import loaders.mongo.transactions.attempts
import loaders.review_writes
from loaders.model.newest_review_ids import NEWEST, unpack_ids
from loaders.mongo import detached
from loaders.mongo.command_errors import DeadlineError
from loaders.mongo.database import Database
from loaders.mongo.scope import current_scope
from loaders.mongo.transactions import Transaction
from resolvers.context import Viewer
from resolvers.writing import runner
from tests import factories
from tests.factories import DAY, T0
from tests.support import RunQuery
from tests.writes.support import (
    STAFF,
    Doc,
    Gateway,
    Json,
    LateWrites,
    Value,
    as_instructor,
    as_student,
    at_once,
    course_id,
    current,
    operation,
    review_id,
    review_of,
    stored,
)

ADA = factories.instructor("Ada")


async def classroom(
    database: Database, students: int = 1, **fields: Value
) -> tuple[Doc, list[Doc], list[Viewer]]:
    """Stores a course that Ada teaches and its students; returns these, and the students as viewers."""
    course = factories.course(instructorIds=[ADA["_id"]], **fields)
    people = [factories.student() for _ in range(students)]
    places = [factories.enrollment(course, student) for student in people]
    await stored(database, courses=[course], students=people, enrollments=places)
    return course, people, [as_student(student) for student in people]


def text(course: Doc, **fields: Value) -> Doc:
    return {"courseId": course_id(course), "rating": 4, "body": "Good."} | fields


# -- createReview ---------------------------------------------------------------------------------------


async def test_a_review_is_written_and_its_rating_counts(gateway: Gateway, database: Database) -> None:
    course, _, (viewer,) = await classroom(database)
    selected = """review { rating title body difficulty workloadHours term verified status helpfulCount
      student { name } } course { rating { count average histogram { stars count } } reviews { totalCount
      nodes { rating } } viewerReview { rating } viewerCanReview }"""
    payload = await gateway.done(
        viewer, "createReview", selected, **text(course, title=" List<String>\nB ", difficulty=3,
        workloadHours=2.5, term="2026-2", body="one\n\n<script>two</script> & 1 < 2"),
    )  # fmt: skip
    review = payload["review"]
    assert review.pop("student")["name"]
    assert review == {
        "rating": 4, "title": "List<String> B", "body": "one\n\n<script>two</script> & 1 < 2",
        "difficulty": 3, "workloadHours": 2.5,
        "term": "2026-2", "verified": True, "status": "PUBLISHED", "helpfulCount": 0,
    }  # fmt: skip
    rating = payload["course"].pop("rating")
    assert (rating["count"], rating["average"], rating["histogram"][1]) == (1, 4, {"stars": 4, "count": 1})
    assert payload["course"] == {
        "reviews": {"totalCount": 1, "nodes": [{"rating": 4}]}, "viewerReview": {"rating": 4},
        "viewerCanReview": False,
    }  # fmt: skip


INVALID = [
    ("rating", 0), ("rating", 6), ("body", " \x07\n"), ("body", "x" * 20_001), ("body", "x" * 80_001),
    ("title", "x" * 201), ("difficulty", 0), ("workloadHours", -1), ("workloadHours", 168.1),
    ("term", "2014-0"), ("term", "spring"), ("idempotencyKey", ""),
]  # fmt: skip


@pytest.mark.parametrize("name", ["createReview", "updateReview"])
@pytest.mark.parametrize(("field", "value"), INVALID)
async def test_an_invalid_value_is_reported_with_its_path(
    gateway: Gateway, database: Database, name: str, field: str, value: Value
) -> None:
    course, (student,), (viewer,) = await classroom(database)
    review = review_of(course, student)
    await stored(database, reviews=[review] if name == "updateReview" else [])
    values = text(course) if name == "createReview" else {"reviewId": review_id(review)}
    assert await gateway.codes(viewer, name, **values | {field: value}) == [("INVALID", field)]


async def test_refused_reviews(gateway: Gateway, database: Database) -> None:
    course, _, (viewer,) = await classroom(database)
    draft = factories.course(status="DRAFT")
    await stored(database, courses=[draft])
    other = as_student(factories.student())
    await gateway.done(viewer, "createReview", **text(course))
    assert await gateway.codes(viewer, "createReview", **text(course)) == [("DUPLICATE", "courseId")]
    assert await gateway.codes(other, "createReview", **text(course)) == [("NOT_ENROLLED", "courseId")]
    assert await gateway.codes(viewer, "createReview", **text(draft)) == [("NOT_FOUND", "courseId")]
    assert await gateway.codes(STAFF, "createReview", **text(course)) == [("FORBIDDEN",)]
    assert await gateway.codes(as_instructor(ADA), "createReview", **text(course)) == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), "createReview", **text(course)) == [("UNAUTHENTICATED",)]
    assert await database["reviews"].count_documents({}) == 1


@pytest.mark.parametrize("status", ["COMPLETED", "EXPIRED"])
async def test_former_students_can_review(gateway: Gateway, database: Database, status: str) -> None:
    course, student = factories.course(), factories.student()
    await stored(
        database, courses=[course], students=[student],
        enrollments=[factories.enrollment(course, student, status=status)],
    )  # fmt: skip
    await gateway.done(as_student(student), "createReview", **text(course))


async def test_concurrent_reviews_by_one_student_are_stored_once(
    gateway: Gateway, database: Database
) -> None:
    course, _, (viewer,) = await classroom(database)
    payloads = await gather(*(gateway.write(viewer, "createReview", **text(course)) for _ in range(10)))
    codes = [error["code"] for payload in payloads for error in payload["errors"]]
    assert codes == ["DUPLICATE"] * 9
    assert (await current(database, "courses", course))["ratingCount"] == 1


async def test_concurrent_reviews_all_count(gateway: Gateway, database: Database) -> None:
    course, _, viewers = await classroom(database, students=25)
    await gather(
        *(gateway.done(v, "createReview", **text(course, rating=n % 5 + 1)) for n, v in enumerate(viewers))
    )
    assert (await current(database, "courses", course))["ratingStars"] == [5] * 5


async def test_an_archived_course_cant_be_reviewed_and_says_so(gateway: Gateway, database: Database) -> None:
    course, _, (viewer,) = await classroom(database, status="ARCHIVED")
    query = "{ viewer { student { enrollments { nodes { course { viewerCanReview } } } } } }"
    data = await gateway.ask(query, viewer=viewer)
    assert data["viewer"]["student"]["enrollments"]["nodes"] == [{"course": {"viewerCanReview": False}}]
    assert await gateway.codes(viewer, "createReview", **text(course)) == [("NOT_FOUND", "courseId")]


# -- updateReview, deleteReview ---------------------------------------------------------------------------


async def test_a_changed_review_counts_with_its_new_rating(gateway: Gateway, database: Database) -> None:
    course, (student,), (viewer,) = await classroom(database)
    review = review_of(course, student, rating=5, title="Old", term="2026-1", createdAt=T0)
    await stored(database, reviews=[review])
    target = {"reviewId": review_id(review)}
    payload = await gateway.done(viewer, "updateReview", **target, rating=2, title=None)
    assert (payload["review"]["rating"], payload["review"]["title"]) == (2, None)
    assert payload["course"]["rating"] == {"count": 1, "average": 2}
    changed = await current(database, "reviews", review)
    assert (changed["body"], changed["term"]) == (review["body"], "2026-1")
    assert changed["updatedAt"] > changed["createdAt"]


async def test_deleting_a_review_removes_its_rating_and_votes(gateway: Gateway, database: Database) -> None:
    course, (student, other), (viewer, voter) = await classroom(database, students=2)
    review, stays = review_of(course, student, rating=1), review_of(course, other, rating=5)
    await stored(database, reviews=[review, stays])
    target = {"reviewId": review_id(review)}
    await gateway.done(voter, "markReviewHelpful", **target)
    payload = await gateway.done(viewer, "deleteReview", **target)
    assert payload["review"]["rating"] == 1
    assert payload["course"]["rating"] == {"count": 1, "average": 5}
    assert await database["votes"].count_documents({}) == 0
    assert await gateway.codes(viewer, "deleteReview", **target) == [("NOT_FOUND", "reviewId")]
    await gateway.done(viewer, "createReview", **text(course))


def let_deadline_pass(kind_of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the deadline pass as soon as the first task of a kind has started."""
    real, kinds = detached.outcome, [kind_of]

    async def outcome(task: Task[Value], deadline: float, kind: str | None = None) -> Json:
        if kind in kinds:
            kinds.clear()
            deadline = 0
        return await real(task, deadline, kind)

    monkeypatch.setattr(detached, "outcome", outcome)
    monkeypatch.setattr(runner, "outcome", outcome)


async def voted_for(database: Database) -> tuple[Viewer, Doc]:
    """Stores a review with a vote. Returns its author, and the variables that delete it."""
    course, (student, other), (viewer, _) = await classroom(database, students=2)
    review = review_of(course, student, rating=1)
    votes = [{"_id": {"reviewId": review["_id"], "studentId": other["_id"]}}]
    await stored(database, reviews=[review], votes=votes)
    return viewer, {"input": {"reviewId": review_id(review)}}


DELETE_REVIEW = operation("deleteReview", "review { rating }")


async def test_votes_of_a_deleted_review_are_deleted_past_the_deadline(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, values = await voted_for(database)
    go_on, real = Event(), loaders.review_writes.delete_votes

    async def slow(*arguments: Value) -> bool:
        await go_on.wait()
        scope = current_scope.get()
        assert scope
        assert scope.remaining > 15, "it has a deadline of its own"
        return await real(*arguments)

    monkeypatch.setattr(loaders.review_writes, "delete_votes", slow)
    let_deadline_pass("rest of a write", monkeypatch)
    answer = await gateway.post(DELETE_REVIEW, values, viewer)
    assert answer["data"]["deleteReview"]["review"] == {"rating": 1}
    assert await database["reviews"].count_documents({}) == 0
    assert await database["votes"].count_documents({}) == 1
    go_on.set()
    await detached.detached_work_done()
    assert await database["votes"].count_documents({}) == 0


async def test_timeouts_of_vote_deletion_are_reported(
    gateway: Gateway, database: Database, late_writes: LateWrites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are reported although the request still waits for the work: its answer doesn't mention them."""
    late_writes.outcomes.clear()

    async def too_slow(*_: Value) -> bool:
        raise DeadlineError

    monkeypatch.setattr(loaders.review_writes, "delete_votes", too_slow)
    viewer, values = await voted_for(database)
    answer = await gateway.post(DELETE_REVIEW, values, viewer)
    assert answer["data"]["deleteReview"]["review"] == {"rating": 1}
    await detached.detached_work_done()
    assert [(kind, type(error)) for kind, error in late_writes.outcomes] == [
        ("rest of a write", DeadlineError)
    ]
    await database["votes"].delete_many({})  # as `lectern recount --fix` does


@pytest.mark.parametrize("is_committed", [True, False])
async def test_votes_are_deleted_after_a_late_commit(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    viewer, values = await voted_for(database)
    go_on, real = Event(), loaders.mongo.transactions.attempts._commit

    async def slow(session: Value) -> None:
        await go_on.wait()
        if not is_committed:
            await loaders.mongo.transactions.attempts._ended(session, sends=True)
            raise OperationFailure("aborted")
        await real(session)

    monkeypatch.setattr(loaders.mongo.transactions.attempts, "_commit", slow)
    let_deadline_pass("commit", monkeypatch)
    answer = await gateway.post(DELETE_REVIEW, values, viewer)
    assert answer["errors"][0]["extensions"] == {"code": "TIMEOUT"}
    assert await database["votes"].count_documents({}) == 1
    go_on.set()
    await detached.detached_work_done()
    monkeypatch.setattr(loaders.mongo.transactions.attempts, "_commit", real)
    left = 0 if is_committed else 1
    assert await database["reviews"].count_documents({}) == left
    assert await database["votes"].count_documents({}) == left


async def test_reviews_of_others_cant_be_changed(gateway: Gateway, database: Database) -> None:
    course, (student, _), (viewer, other) = await classroom(database, students=2)
    review, hidden = review_of(course, student), factories.review(course, status="PENDING")
    await stored(database, reviews=[review, hidden])
    target, pending = {"reviewId": review_id(review)}, {"reviewId": review_id(hidden)}
    for name in ("updateReview", "deleteReview"):
        assert await gateway.codes(other, name, **target) == [("FORBIDDEN",)]
        assert await gateway.codes(as_instructor(ADA), name, **target) == [("FORBIDDEN",)]
        assert await gateway.codes(other, name, **pending) == [("NOT_FOUND", "reviewId")]
        assert await gateway.codes(Viewer(), name, **target) == [("UNAUTHENTICATED",)]
        assert await gateway.codes(viewer, name, reviewId=course_id(course)) == [("NOT_FOUND", "reviewId")]
    assert await gateway.codes(viewer, "updateReview", **target, body=None) == [("INVALID", "body")]
    assert await gateway.codes(viewer, "updateReview", **target, rating=None) == [("INVALID", "rating")]
    assert await gateway.codes(STAFF, "updateReview", **target, rating=1) == [("FORBIDDEN",)]
    await gateway.done(STAFF, "deleteReview", **target)


async def test_concurrently_deleted_reviews_are_not_listed(gateway: Gateway, database: Database) -> None:
    """The older review is not among the newest, but would move up when the newer one is deleted."""
    student = factories.student()
    courses = [factories.course() for _ in range(NEWEST + 2)]
    reviews = [review_of(course, student, createdAt=T0 - n * DAY) for n, course in enumerate(courses)]
    await stored(database, courses=courses, students=[student], reviews=reviews)

    async def delete(tx: Transaction, review: Doc) -> None:
        await loaders.review_writes.delete(tx, await tx.get("reviews", review["_id"]))

    await at_once(database, lambda tx: delete(tx, reviews[0]), lambda tx: delete(tx, reviews[NEWEST]))
    carried = unpack_ids((await current(database, "students", student))["newestReviewIds"])
    assert carried == [r["_id"] for r in (*reviews[1:NEWEST], reviews[NEWEST + 1])]


# -- markReviewHelpful ------------------------------------------------------------------------------------


async def test_a_vote_counts_once_and_can_be_withdrawn(gateway: Gateway, database: Database) -> None:
    course, (student, _), (_, voter) = await classroom(database, students=2)
    review = review_of(course, student, helpfulCount=3, importedHelpfulCount=3)
    await stored(database, reviews=[review])
    target = {"reviewId": review_id(review)}
    selected = "review { helpfulCount viewerFoundHelpful }"
    for _ in range(2):
        payload = await gateway.done(voter, "markReviewHelpful", selected, **target)
        assert payload["review"] == {"helpfulCount": 4, "viewerFoundHelpful": True}
    for _ in range(2):
        payload = await gateway.done(voter, "markReviewHelpful", selected, **target, helpful=False)
        assert payload["review"] == {"helpfulCount": 3, "viewerFoundHelpful": False}


async def test_concurrent_votes_all_count(gateway: Gateway, database: Database) -> None:
    course, (student, *_), (_, *voters) = await classroom(database, students=13)
    review = review_of(course, student)
    await stored(database, reviews=[review])
    target = {"reviewId": review_id(review)}
    await gather(
        *(gateway.done(voter, "markReviewHelpful", **target) for voter in voters),
        *(gateway.done(voters[0], "markReviewHelpful", **target) for _ in range(6)),
    )
    assert (await current(database, "reviews", review))["helpfulCount"] == 12
    assert await database["votes"].count_documents({}) == 12


async def test_refused_votes(gateway: Gateway, database: Database) -> None:
    course, (student, _), (viewer, voter) = await classroom(database, students=2)
    review, hidden = review_of(course, student), factories.review(course, status="REJECTED")
    await stored(database, reviews=[review, hidden])

    async def codes(viewer: Viewer, of: Doc) -> list[tuple[str, ...]]:
        return await gateway.codes(viewer, "markReviewHelpful", reviewId=review_id(of))

    assert await codes(viewer, review) == [("FORBIDDEN", "reviewId")]
    assert await codes(voter, hidden) == [("NOT_FOUND", "reviewId")]
    assert await codes(STAFF, review) == [("FORBIDDEN",)]
    assert await codes(Viewer(), review) == [("UNAUTHENTICATED",)]


# -- replyToReview, moderateReview ------------------------------------------------------------------------


async def test_an_instructor_replies_to_a_review(gateway: Gateway, database: Database) -> None:
    course, (student,), (viewer,) = await classroom(database)
    review, hidden = review_of(course, student), factories.review(course, status="PENDING")
    await stored(database, reviews=[review, hidden], instructors=[ADA])
    selected, target = "review { reply { body author { name } } }", {"reviewId": review_id(review)}
    ada, bob = as_instructor(ADA), as_instructor(factories.instructor("Bob"))
    payload = await gateway.done(ada, "replyToReview", selected, **target, body="<p>Thanks</p>")
    assert payload["review"]["reply"] == {"body": "<p>Thanks</p>", "author": {"name": "Ada"}}
    payload = await gateway.done(STAFF, "replyToReview", selected, **target, body="We thank too")
    assert payload["review"]["reply"] == {"body": "We thank too", "author": None}
    pending = {"reviewId": review_id(hidden), "body": "No"}
    assert await gateway.codes(bob, "replyToReview", **target, body="No") == [("FORBIDDEN",)]
    assert await gateway.codes(ada, "replyToReview", **pending) == [("NOT_FOUND", "reviewId")]
    assert await gateway.codes(viewer, "replyToReview", **target, body="No") == [("FORBIDDEN",)]
    assert await gateway.codes(Viewer(), "replyToReview", **target, body="No") == [("UNAUTHENTICATED",)]
    assert await gateway.codes(ada, "replyToReview", **target, body="\x07\n") == [("INVALID", "body")]


async def test_rejected_reviews_dont_count(gateway: Gateway, database: Database) -> None:
    course, (student,), (viewer,) = await classroom(database)
    review = review_of(course, student, rating=5)
    await stored(database, reviews=[review])
    target = {"reviewId": review_id(review)}
    listed = "course { rating { count } reviews { nodes { rating } } }"
    anyone = "query($id: ID!) { review(id: $id) { status } }"
    for status, count in (("REJECTED", 0), ("PENDING", 0), ("PUBLISHED", 1), ("PUBLISHED", 1)):
        payload = await gateway.done(
            STAFF, "moderateReview", "review { status } " + listed, **target, status=status
        )
        assert payload["review"] == {"status": status}
        assert payload["course"]["rating"]["count"] == count
        shown = await gateway.ask(anyone, {"id": target["reviewId"]})
        assert shown["review"] == ({"status": "PUBLISHED"} if count else None)
    assert await gateway.codes(viewer, "moderateReview", **target, status="REJECTED") == [("FORBIDDEN",)]
    assert await gateway.codes(as_instructor(ADA), "moderateReview", **target, status="REJECTED") == [
        ("FORBIDDEN",)
    ]
    assert await gateway.codes(Viewer(), "moderateReview", **target, status="REJECTED") == [
        ("UNAUTHENTICATED",)
    ]
    nothing = review_id(factories.review(course))
    assert await gateway.codes(STAFF, "moderateReview", reviewId=nothing, status="REJECTED") == [
        ("NOT_FOUND", "reviewId")
    ]


# -- what it costs --------------------------------------------------------------------------------------


async def test_commands_dont_grow_with_the_data(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    sent: list[list[str]] = []
    for size in (10, 20):
        course, _, viewers = await classroom(database, students=size)
        for n, viewer in enumerate(viewers):
            mongo_commands.clear()
            values = text(course, idempotencyKey=f"{size}.{n}")
            await run_query(operation("createReview"), {"input": values}, viewer=viewer)
        sent.append(mongo_commands.copy())
    assert sent[0] == sent[1]
    assert sent[0] == [
        "find idempotencyKeys", "find courses", "find enrollments", "find reviews", "insert reviews",
        "aggregate courses", "update courses", "update students", "insert auditLog", "update idempotencyKeys",
        "commitTransaction 1",
    ]  # fmt: skip
