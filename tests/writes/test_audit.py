"""The audit log: every write adds an entry, staff can read it, and nobody can change it."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from loaders.audit import actors_with
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.schema import schema
from tests import factories
from tests.factories import T0
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
  actor { subject name email roles student { name } instructor { name } } address
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


async def _entry(database: Database, subject: str, minute: int = 0, **person: ObjectId) -> None:
    """Stores an entry that an actor has made at some minute of the first hour of 2026."""
    actor: Value = {"subject": subject, "roles": [], "studentId": None, "instructorId": None, **person}
    entry = {
        "at": T0 + timedelta(minutes=minute),
        "action": "a",
        "actor": actor,
        "address": "",
        "changes": [],
    }
    await database["auditLog"].insert_one(entry)


async def test_actors_have_their_present_names_and_addresses(gateway: Gateway, database: Database) -> None:
    """Those of their account or, if they have none, of their student or instructor."""
    ada, bob = (factories.student(name, email=f"{name}@example.org") for name in ("Ada", "Bob"))
    grace = factories.instructor("Grace")
    ann = factories.account("Ann", studentId=bob["_id"])
    unnamed = factories.account(email="ada@home.example", studentId=ada["_id"])
    del unnamed["name"]
    await stored(database, students=[ada, bob], instructors=[grace], accounts=[ann, unnamed])
    await _entry(database, str(ann["_id"]), 5, studentId=bob["_id"])
    await _entry(database, str(unnamed["_id"]), 4, studentId=ada["_id"])
    await _entry(database, "https://id.example|bob", 3, studentId=bob["_id"])
    await _entry(database, "https://id.example|grace", 2, instructorId=grace["_id"])
    await _entry(database, str(ObjectId()), 1)
    await _entry(database, "command line")
    assert [(e["actor"]["name"], e["actor"]["email"]) for e in await entries(gateway)] == [
        ("Ann", "ann@example.org"), ("Ada", "ada@home.example"), ("Bob", "Bob@example.org"),
        ("Grace", None), (None, None), (None, None),
    ]  # fmt: skip


async def test_entries_are_filtered_by_the_address_of_the_actor(gateway: Gateway, database: Database) -> None:
    bob, other = factories.student("Bob", email="Bob@example.org"), factories.student("Bobby")
    ann = factories.account("Ann")
    await stored(database, students=[bob, other], accounts=[ann])
    await _entry(database, str(ann["_id"]), 1)
    await _entry(database, "https://id.example|bob", 2, studentId=bob["_id"])
    await _entry(database, "https://id.example|bobby", 3, studentId=other["_id"])
    for email, subject in (
        ("Ann@Example.org ", str(ann["_id"])), ("Bob@example.org", "https://id.example|bob"),
    ):  # fmt: skip
        (entry,) = await entries(gateway, email=email)
        assert entry["actor"]["subject"] == subject
    assert await entries(gateway, email="eve@example.org") == []
    assert await entries(gateway, Viewer(), email="ann@example.org") == []


async def test_a_filter_by_address_reads_only_the_entries_of_the_actor(database: Database) -> None:
    """Whether they are those of an account, of students, or of both."""
    account, students = ObjectId(), [ObjectId() for _ in range(2)]
    for minute in range(50):
        await _entry(database, str(ObjectId()), minute, studentId=ObjectId())
    await _entry(database, str(account), 7)
    await _entry(database, "https://id.example|bob", 8, studentId=students[0])
    ada = factories.student(email="ada@example.org") | {"_id": students[0]}
    await stored(database, accounts=[factories.account(_id=account)], students=[ada])
    actors = await actors_with(database, "ada@example.org")
    query = {"find": "auditLog", "filter": actors, "sort": {"at": -1, "_id": 1}}
    told = await database.driver.command("explain", query, verbosity="executionStats")
    assert told["executionStats"]["nReturned"] == 2
    assert told["executionStats"]["totalDocsExamined"] == 2
    assert "'stage': 'SORT'" not in str(told["queryPlanner"]["winningPlan"])


async def test_entries_are_filtered_by_time(gateway: Gateway, database: Database) -> None:
    for minute in range(4):
        await _entry(database, str(minute), minute)

    async def found(**times: Value) -> str:
        return "".join(entry["actor"]["subject"] for entry in await entries(gateway, **times))

    assert await found(**{"from": "2026-01-01T00:01:00Z", "to": "2026-01-01T00:03:00Z"}) == "21"
    assert await found(**{"from": "2026-01-01T01:02:00+01:00"}) == "32"
    assert await found(to="2026-01-01T00:01:00") == "0"


@pytest.mark.parametrize("name", ["from", "to"])
async def test_a_time_that_cant_be_stored_is_refused(gateway: Gateway, name: str) -> None:
    answer = await gateway.post(LOG, {"filter": {name: "0001-01-01T00:00:00+14:00"}}, STAFF)
    (error,) = answer["errors"]
    assert error["message"] == f"`{name}`: Enter a time between the years 1970 and 2199."
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT", "reason": "TOO_SMALL", "params": {"min": "1970-01-01T00:00:00Z"},
    }  # fmt: skip


async def test_a_cursor_belongs_to_its_times(gateway: Gateway, database: Database) -> None:
    for minute in range(3):
        await _entry(database, str(minute), minute)
    query = """query($to: DateTime, $after: String) { auditLog(first: 1, after: $after, filter: {to: $to}) {
      nodes { actor { subject } } pageInfo { endCursor } } }"""
    times = {"to": "2026-01-01T00:02:00Z"}
    after = (await gateway.ask(query, times, STAFF))["auditLog"]["pageInfo"]["endCursor"]
    same = {"to": "2026-01-01T02:02:00+02:00", "after": after}
    assert (await gateway.ask(query, same, STAFF))["auditLog"]["nodes"] == [{"actor": {"subject": "0"}}]
    (error,) = (await gateway.post(query, {"after": after}, STAFF))["errors"]
    assert error["extensions"]["code"] == "INVALID_CURSOR"


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
