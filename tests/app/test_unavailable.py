"""While MongoDB is away: quick answers, 503 if nothing was done, a quiet log, and recovery."""

import asyncio
from time import monotonic
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app import errors
from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.mongo.command_errors import DatabaseAwayError
from loaders.mongo.database import Database
from loaders.mongo.transactions import attempts
from tests import factories
from tests.loaders.mongod import Mongod, own_mongod
from tests.support import TOKENS
from tests.writes.support import Gateway, as_student, course_id, operation, served, stored

__all__ = ["own_mongod"]

QUERY = "{ categories { slug } }"
JSON = {"accept": "application/json"}
GRAPHQL = {"accept": "application/graphql-response+json"}


WRITE = operation("enroll")
STUDENT = as_student(factories.student())


async def ask(gateway: Gateway, query: str, headers: dict[str, str] = JSON) -> httpx.Response:
    body = {"query": query, "variables": {"input": {"courseId": course_id(factories.course())}}}
    token = {"authorization": f"Bearer {TOKENS.access(STUDENT).text}"}
    return await gateway.http.post("/graphql", json=body, headers=headers | token)


def code(answer: httpx.Response) -> str:
    (found,) = {error["extensions"]["code"] for error in answer.json()["errors"]}
    return str(found)


@pytest.fixture(params=[True, False], ids=["compiled", "graphql-core"])
def changed(own_mongod: Mongod, request: pytest.FixtureRequest) -> Settings:
    return own_mongod.settings(mongodb_timeout=1.0, request_timeout=3.0, compiled_execution=request.param)


@pytest.mark.alone
async def test_requests_fail_fast_until_mongodb_is_back(changed: Settings, own_mongod: Mongod) -> None:
    async with served(changed) as gateway:
        assert (await ask(gateway, QUERY)).status_code == 200
        with own_mongod.stopped(), capture_logs() as logged:
            began = monotonic()
            first = await asyncio.gather(*(ask(gateway, QUERY) for _ in range(30)))
            assert monotonic() - began < changed.request_timeout + 1
            assert {code(answer) for answer in first} <= {"TIMEOUT", "SERVICE_UNAVAILABLE"}
            async with asyncio.timeout(5):
                while code(await ask(gateway, QUERY)) != "SERVICE_UNAVAILABLE":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            for headers in (JSON, GRAPHQL):
                for text in (QUERY, WRITE):
                    began = monotonic()
                    answer = await ask(gateway, text, headers)
                    assert monotonic() - began < 0.5
                    assert (answer.status_code, code(answer)) == (503, "SERVICE_UNAVAILABLE")
                    assert int(answer.headers["retry-after"]) > 0
            partial = await ask(gateway, "{ __typename courses { totalCount } }")
        assert partial.status_code == 200 or partial.json()["data"] is None
        warned = [line for line in logged if line["log_level"] in {"warning", "error"}]
        assert len(warned) == len({line["event"] for line in warned})
        assert not [line for line in logged if "exc_info" in line]
        async with asyncio.timeout(8):
            while (await ask(gateway, QUERY)).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.mark.alone
async def test_reads_and_writes_have_one_deadline(changed: Settings, own_mongod: Mongod) -> None:
    async with served(changed) as gateway:
        assert (await ask(gateway, QUERY)).status_code == 200
        with own_mongod.stopped():
            for text in (QUERY, WRITE):
                began = monotonic()
                assert code(await ask(gateway, text)) in {"TIMEOUT", "SERVICE_UNAVAILABLE"}
                assert monotonic() - began < changed.request_timeout + 1


async def test_a_commit_in_flight_at_the_deadline_is_reported(own_mongod: Mongod, changed: Settings) -> None:
    async with served(changed) as gateway, connect(changed) as database:
        await indexes.ensure(database)
        course, student = factories.course(), factories.student()
        await stored(database, courses=[course], students=[student])
        given = {"courseId": course_id(course), "idempotencyKey": "k"}
        with own_mongod.blocking("commitTransaction", seconds=5, times=1):
            answer = await gateway.post(operation("enroll"), {"input": given}, as_student(student))
            (error,) = answer["errors"]
            assert error["extensions"] == {"code": "TIMEOUT"}
            assert "idempotencyKey" in error["message"]
            again = asyncio.create_task(gateway.done(as_student(student), "enroll", **given))
            await asyncio.sleep(2.5)
        await again
        assert await database["enrollments"].count_documents({"studentId": student["_id"]}) == 1
        for name in ("courses", "students", "enrollments", "idempotencyKeys"):
            await database[name].delete_many({})


AWAY: dict[str, Any] = {"message": "", "extensions": {"code": "SERVICE_UNAVAILABLE"}}
OTHER: dict[str, Any] = {"message": "", "extensions": {"code": "TIMEOUT"}}


@pytest.mark.parametrize(
    ("wrong", "has_data", "wrote", "expected"),
    [
        ([AWAY], False, False, True),
        ([AWAY, AWAY], False, False, True),
        ([AWAY], False, True, False),  # the first of two mutations was done
        ([AWAY], True, False, False),
        ([AWAY, OTHER], False, False, False),
        ([], True, False, False),
        ([], False, False, False),
        ([OTHER], False, False, False),
    ],
)
def test_nothing_was_done_if_every_error_says_so_and_no_field_has_a_value(
    wrong: list[dict[str, Any]], has_data: bool, wrote: bool, expected: bool
) -> None:
    assert errors.nothing_done(wrong, has_data=has_data, wrote=wrote) is expected


async def test_the_first_of_two_mutations_may_be_done(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the status is not 503, which would invite the client to send both again unchanged."""
    course, student = factories.course(), factories.student()
    await stored(database, courses=[course], students=[student])
    attempt, made = attempts._attempt, []

    async def once(*given: Any) -> Any:
        made.append(given)
        if len(made) > 1:
            raise DatabaseAwayError
        return await attempt(*given)

    monkeypatch.setattr(attempts, "_attempt", once)
    text = operation("enroll")
    two = (
        text.replace("enroll(", "a: enroll(", 1)[:-2]
        + text[text.index("{ enroll") + 1 : -1].replace("enroll(", "b: enroll(", 1)
        + " }"
    )
    variables = {"input": {"courseId": course_id(course)}}
    async with served(settings.model_copy(update={"request_timeout": 0.5})) as gateway:
        answer = await gateway.http.post(
            "/graphql",
            json={"query": two, "variables": variables},
            headers={"authorization": f"Bearer {TOKENS.access(as_student(student)).text}"},
        )
    assert answer.status_code == 200, answer.text
    assert len(made) > 1
    assert code(answer) in {"SERVICE_UNAVAILABLE", "TIMEOUT"}
