"""The audit log: every write adds an entry, staff can read it, and nobody can change it."""

from datetime import UTC, datetime, timedelta

import pytest

from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.schema import schema
from tests import factories
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import (
    STAFF,
    Gateway,
    Json,
    Value,
    as_student,
    course_id,
    review_id,
    review_of,
    stored,
)

LOG = """query($filter: AuditFilter) { auditLog(first: 10, filter: $filter) { totalCount nodes { at action
  actor { subject roles student { name } instructor { name } } address
  changes { collection documentId before after node { __typename id } } } } }"""


async def entries(gateway: Gateway, viewer: Viewer = STAFF, **filter: Value) -> Json:
    return (await gateway.ask(LOG, {"filter": filter}, viewer))["auditLog"]["nodes"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_write_leaves_an_entry(gateway: Gateway, database: Database, name: str) -> None:
    viewer, values = (await scenes(database))[name]
    await gateway.done(viewer, name, **values)
    (entry,) = await entries(gateway)
    assert entry["action"] == name
    assert entry["actor"]["subject"] == viewer.subject
    assert entry["actor"]["roles"] == list(viewer.roles)
    assert entry["address"] == "198.51.100.7"
    assert timedelta() <= datetime.now(UTC) - datetime.fromisoformat(entry["at"]) < timedelta(minutes=1)
    assert entry["changes"]
    assert all(change["before"] != change["after"] for change in entry["changes"])
    text = str(entry["changes"])
    assert not any(key in text for key in ("newestReviewIds", "search", "ratingStars", "revision"))


async def test_an_entry_has_the_values_before_and_after(gateway: Gateway, database: Database) -> None:
    course, student = factories.course(), factories.student()
    review = review_of(course, student, rating=5, title="Old", body="Same.")
    await stored(database, courses=[course], students=[student], reviews=[review])
    target = {"reviewId": review_id(review)}
    await gateway.done(as_student(student), "updateReview", **target, rating=2, title="New", body="Same.")
    await gateway.done(as_student(student), "deleteReview", **target)
    deleted, changed = await entries(gateway)
    (change,) = changed["changes"]
    updated = change["after"].pop("updatedAt")
    assert updated == changed["at"]
    assert change["before"].pop("updatedAt") is None
    assert (change["before"], change["after"]) == (
        {"rating": 5, "title": "Old"}, {"rating": 2, "title": "New"}
    )  # fmt: skip
    (change,) = deleted["changes"]
    assert (change["before"]["title"], change["after"], change["node"]) == ("New", None, None)
    assert deleted["actor"]["student"] == {"name": student["name"]}


async def test_a_vote_has_an_id_of_two_parts(gateway: Gateway, database: Database) -> None:
    course, writer, voter = factories.course(), factories.student(), factories.student()
    review = review_of(course, writer)
    await stored(database, courses=[course], students=[writer, voter], reviews=[review])
    await gateway.done(as_student(voter), "markReviewHelpful", reviewId=review_id(review))
    (entry,) = await entries(gateway, node=review_id(review))
    assert [(change["collection"], change["documentId"]) for change in entry["changes"]] == [
        ("votes", f"{review['_id']} {voter['_id']}"), ("reviews", str(review["_id"]))
    ]  # fmt: skip


async def test_entries_are_filtered_by_action_subject_and_node(gateway: Gateway, database: Database) -> None:
    courses, student = [factories.course() for _ in range(2)], factories.student()
    await stored(database, courses=courses, students=[student])
    one, two = (course_id(course) for course in courses)
    await gateway.done(STAFF, "updateCourse", courseId=one, title="One")
    await gateway.done(STAFF, "updateCourse", courseId=two, title="Two")
    await gateway.done(as_student(student), "addToWishlist", courseId=one)
    assert [e["action"] for e in await entries(gateway)] == ["addToWishlist", "updateCourse", "updateCourse"]
    assert len(await entries(gateway, actions=["updateCourse"])) == 2
    assert len(await entries(gateway, subject="staff", node=two)) == 1
    assert [e["action"] for e in await entries(gateway, node=one)] == ["updateCourse"]
    assert await entries(gateway, node="nothing") == []


async def test_refused_writes_and_no_ops_leave_no_entry(gateway: Gateway, database: Database) -> None:
    course, student = factories.course(), factories.student()
    await stored(database, courses=[course], students=[student])
    viewer, target = as_student(student), {"courseId": course_id(course)}
    await gateway.codes(viewer, "createReview", **target, rating=1, body="No")
    await gateway.done(viewer, "removeFromWishlist", **target)
    await gateway.done(STAFF, "publishCourse", **target)
    assert await database["auditLog"].count_documents({}) == 0


async def test_only_staff_see_the_log(gateway: Gateway, database: Database) -> None:
    student = factories.student()
    await stored(database, students=[student])
    await gateway.done(as_student(student), "updateProfile", name="A")
    for viewer in (Viewer(), as_student(student), Viewer(frozenset({"INSTRUCTOR"}), subject="i")):
        assert await entries(gateway, viewer) == []


def test_no_mutation_changes_the_log() -> None:
    """The gateway only ever inserts into the log."""
    assert schema.mutation_type is not None
    assert not [name for name in schema.mutation_type.fields if "audit" in name.lower()]


async def test_the_log_is_paged_to_its_end(gateway: Gateway, database: Database) -> None:
    student = factories.student()
    await stored(database, students=[student])
    for n in range(5):
        await gateway.done(as_student(student), "updateProfile", name=f"Name {n}")
    query = """query($after: String) { auditLog(first: 2, after: $after) {
      nodes { changes { after } } pageInfo { hasNextPage endCursor } } }"""
    names: list[str] = []
    after, more = None, True
    while more:
        page = (await gateway.ask(query, {"after": after}, STAFF))["auditLog"]
        names += [change["after"]["name"] for node in page["nodes"] for change in node["changes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert names == [f"Name {n}" for n in reversed(range(5))]
