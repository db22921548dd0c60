"""Injection: operators and patterns of MongoDB are treated as text, or refused before any command."""

import pytest

from loaders.mongo.database import Database
from resolvers.relay.list_arguments import LONGEST_TEXT
from tests import factories
from tests.support import RunQuery
from tests.writes.support import (
    STAFF,
    Gateway,
    Value,
    as_student,
    course_id,
    current,
    operation,
    stored,
)

OPERATORS = [
    {"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, {"$where": "sleep(1000)"}, {"$in": []},
    [{"$ne": None}], {"$oid": "0" * 24},
]  # fmt: skip
TEXTS = [
    '{"$ne": null}', "$where: sleep(1000)", "'; return true; //", "$title", "$$ROOT", "a.b", "\0$gt",
    "{$set: {status: 'ARCHIVED'}}", "ObjectId('000000000000000000000000')", "(a+)+$", ".*",
]  # fmt: skip
BOMBS = [
    "(a+)+$" + "a" * 5_000,
    ".*" * 5_000,
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "a" * 50_000 + "!",
    "\\",
    "[",
    "(?i)",
]


@pytest.mark.parametrize("value", OPERATORS)
@pytest.mark.parametrize("field", ["courseId", "rating", "body", "title", "idempotencyKey"])
async def test_an_operator_in_a_variable_is_refused_before_a_command_is_sent(
    run_query: RunQuery, mongo_commands: list[str], field: str, value: Value
) -> None:
    values = {"courseId": "x", "rating": 1, "body": "B", field: value}
    text = operation("createReview")
    with pytest.raises(AssertionError, match="BAD_USER_INPUT"):  # the operation is refused before it runs
        await run_query(text, {"input": values}, viewer=as_student(factories.student()))
    assert mongo_commands == []


@pytest.mark.parametrize("text", TEXTS)
async def test_foreign_ids_are_not_found(run_query: RunQuery, mongo_commands: list[str], text: str) -> None:
    viewer = as_student(factories.student())
    for name, field in (
        ("enroll", "courseId"), ("cancelEnrollment", "enrollmentId"), ("deleteReview", "reviewId"),
    ):  # fmt: skip
        data = await run_query(operation(name), {"input": {field: text}}, viewer=viewer)
        assert [error["code"] for error in data[name]["errors"]] == ["NOT_FOUND"]
    assert [command for command in mongo_commands if not command.startswith("abort")] == []


@pytest.mark.parametrize("text", TEXTS)
async def test_operators_in_text_are_stored_as_text(gateway: Gateway, database: Database, text: str) -> None:
    course, other, student = factories.course(), factories.course(), factories.student()
    enrollment = factories.enrollment(course, student)
    await stored(database, courses=[course, other], students=[student], enrollments=[enrollment])
    viewer, shown = as_student(student), text.replace("\0", "")
    payload = await gateway.done(
        viewer, "createReview", courseId=course_id(course), rating=1, body=text, title=text,
        idempotencyKey=text,
    )  # fmt: skip
    assert (payload["review"]["body"], payload["review"]["title"]) == (shown, shown)
    again = await gateway.done(
        viewer, "createReview", courseId=course_id(course), rating=1, body=text, title=text,
        idempotencyKey=text,
    )  # fmt: skip
    assert again == payload
    await gateway.done(viewer, "updateProfile", name=text, idempotencyKey=f"{text}2")
    assert (await current(database, "students", student))["name"] == shown
    changed = await gateway.done(STAFF, "updateCourse", courseId=course_id(course), title=text, tags=[text])
    assert changed["course"]["title"] == shown
    assert await current(database, "courses", other) == other


@pytest.mark.parametrize("text", TEXTS)
async def test_slugs_made_from_operators_are_looked_up_literally(
    gateway: Gateway, database: Database, text: str
) -> None:
    """The slug consists of letters and hyphens before it becomes part of a regular expression."""
    await database["courses"].insert_one(factories.course(slug="anything"))
    first = await gateway.done(STAFF, "createCourse", title=text)
    second = await gateway.done(STAFF, "createCourse", title=text)
    assert second["course"]["slug"] == f"{first['course']['slug']}-2"


@pytest.mark.parametrize("text", [*TEXTS, *(bomb[:LONGEST_TEXT] for bomb in BOMBS)])
async def test_a_pattern_is_searched_by_its_words(
    database: Database, run_query: RunQuery, mongo_commands: list[str], text: str
) -> None:
    """No pattern ever reaches MongoDB, only words. Nothing is found, so words near them are looked up too."""
    await stored(database, courses=[factories.course("Regular expressions")])
    mongo_commands.clear()
    query = "query($text: String) { courses(filter: { search: $text }) { nodes { title } } }"
    data = await run_query(query, {"text": text})
    assert data["courses"]["nodes"] == []
    assert mongo_commands in (["find courses"], ["aggregate courses"], ["aggregate courses"] * 2)


async def test_audit_filters_are_plain_text(gateway: Gateway, database: Database) -> None:
    student = factories.student()
    await stored(database, students=[student])
    await gateway.done(as_student(student), "updateProfile", name="A")
    query = "query($filter: AuditFilter) { auditLog(filter: $filter) { totalCount } }"
    for criteria in ({"subject": '{"$ne": ""}'}, {"actions": ["$updateProfile", ".*"]}, {"node": "$id"}):
        data = await gateway.ask(query, {"filter": criteria}, STAFF)
        assert data["auditLog"]["totalCount"] == 0
    answer = await gateway.post(query, {"filter": {"subject": {"$ne": ""}}}, STAFF)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
