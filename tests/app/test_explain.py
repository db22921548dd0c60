"""`lectern explain`, and the same plan in an answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.relay import encode_id
from tests import factories
from tests.app.test_http import GRAPHQL, client, post
from tests.command import lectern
from tests.factories import store

QUERY = "query ($n: Int!) { courses(first: $n) { nodes { title reviews(first: 2) { nodes { rating } } } } }"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "query.graphql"
    path.write_text(QUERY)
    return str(path)


def test_a_plan_is_printed_without_a_database(file: str) -> None:
    done = lectern("explain", file, "--variables", '{"n": 3}', LECTERN_MONGODB_URI="mongodb://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    assert "commands     2" in done.stdout
    assert " 2    Course.reviews(first: 2): ReviewConnection!  [1 command]" in done.stdout
    assert "(LECTERN_MAX_COST): 13 objects" in done.stdout


def test_a_long_name_of_a_collection_is_followed_by_a_space(tmp_path: Path) -> None:
    """`instructors` is as long as the column used to be wide."""
    path = tmp_path / "query.graphql"
    path.write_text("{ courses { nodes { instructors { name } } } }")
    fetched = lectern("explain", str(path)).stdout.partition("fetched:\n")[2].splitlines()
    assert [line.split(maxsplit=1)[0] for line in fetched] == ["courses", "instructors"]
    assert len({line.index("_id") for line in fetched}) == 1


async def test_an_operation_can_be_run(
    file: str, tmp_path: Path, settings: Settings, database: Database
) -> None:
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course)])
    (tmp_path / "variables.json").write_text('{"n": 3}')
    done = lectern(
        "explain", file, "--variables", f"@{tmp_path}/variables.json", "--run",
        LECTERN_MONGODB_URI=settings.mongodb_uri.get_secret_value(),
        LECTERN_MONGODB_DATABASE=settings.mongodb_database,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[1 command, 1 parent, " in done.stdout
    assert "by the plan: 2 commands in" in done.stdout


async def test_a_failure_in_a_run_is_logged_and_printed(
    file: str, settings: Settings, database: Database
) -> None:
    name = f"{settings.mongodb_database}_failing"
    failing = database.client[name]
    await failing["everything"].insert_one({"zero": 0, "status": "PUBLISHED"})
    await failing.create_collection(
        "courses", viewOn="everything", pipeline=[{"$match": {"$expr": {"$divide": [1, "$zero"]}}}]
    )
    done = lectern(
        "explain", file, "--variables", '{"n": 3}', "--run",
        LECTERN_MONGODB_URI=settings.mongodb_uri.get_secret_value(), LECTERN_MONGODB_DATABASE=name,
    )  # fmt: skip
    await database.client.drop_database(name)
    assert done.returncode == 0, done.stderr
    assert "1 errors\n  courses: " in done.stdout
    assert "field failed" in done.stderr
    assert "field failed" not in done.stdout


async def test_a_run_that_does_not_start_is_reported(
    tmp_path: Path, settings: Settings, database: Database
) -> None:
    (tmp_path / "query.graphql").write_text(
        "query ($no: Boolean = false) { courses @skip(if: $no) { totalCount } }"
    )
    done = lectern(
        "explain", str(tmp_path / "query.graphql"), "--variables", '{"no": null}', "--run",
        LECTERN_MONGODB_URI=settings.mongodb_uri.get_secret_value(),
        LECTERN_MONGODB_DATABASE=settings.mongodb_database,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 errors\n  1:" in done.stdout


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ("{", "--variables is not JSON"),
        ("[]", "--variables takes a JSON object"),
        ("@nowhere.json", "--variables: nowhere.json can't be read"),
        ("nowhere.json", "--variables: nowhere.json can't be read"),
        ("{}", "Variable '$n' has invalid value"),
        ("{}", "Pass the values with --variables"),
    ],
)
def test_an_error_is_reported_in_a_sentence(file: str, variables: str, told: str) -> None:
    done = lectern("explain", file, "--variables", variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_invalid_operation_is_reported_with_its_position(tmp_path: Path) -> None:
    (tmp_path / "query.graphql").write_text("{ nothing }")
    done = lectern("explain", str(tmp_path / "query.graphql"))
    assert done.returncode == 1
    assert done.stderr.startswith("1:3 Cannot query field 'nothing'")


async def lectern_extension(settings: Settings, **changed: Any) -> Mapping[str, Any]:
    """The extension `lectern` of an answer whose plan was requested."""
    async with client(settings.model_copy(update=changed)) as http:
        question = {"query": QUERY, "variables": {"n": 3}}
        answer = await post(http, question, GRAPHQL | {"x-lectern-trace": "plan"})
        told: Mapping[str, Any] = answer.json()["extensions"]["lectern"]
        return told


async def test_an_answer_has_its_plan_if_that_is_allowed(settings: Settings, database: Database) -> None:
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course)])
    told = await lectern_extension(settings, trace_plan=True)
    assert [level["field"] for level in told["plan"]["levels"]] == ["Query.courses", "Course.reviews"]
    assert [level["parents"] for level in told["plan"]["levels"]] == [1, 1]
    assert told["mongo"]["commands"] == told["plan"]["commands"] == 2
    assert "plan" not in await lectern_extension(settings, trace_plan=False)
    told = await lectern_extension(settings, trace_plan=True, trace_commands=False)
    assert told["mongo"]["commands"] == told["plan"]["commands"] == 2


@pytest.mark.parametrize("asked", ["1", "plan"])
async def test_without_traces_the_header_is_ignored(settings: Settings, asked: str) -> None:
    async with client(settings.model_copy(update={"trace_commands": False})) as http:
        answer = await post(http, {"query": "{ __typename }"}, GRAPHQL | {"x-lectern-trace": asked})
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_level_is_timed_even_if_its_first_place_gets_no_parents(
    settings: Settings, database: Database
) -> None:
    course = factories.course()
    await store(database, courses=[course], reviews=[factories.review(course)])
    query = """query($id: ID!) { a: course(slug: "none") { ...R } b: course(id: $id) { ...R } }
        fragment R on Course { reviews { nodes { rating } } }"""
    body = {"query": query, "variables": {"id": encode_id("Course", course)}}
    async with client(settings.model_copy(update={"trace_plan": True})) as http:
        answer = await post(http, body, GRAPHQL | {"x-lectern-trace": "plan"})
    levels = answer.json()["extensions"]["lectern"]["plan"]["levels"]
    shared = next(level for level in levels if level["field"] == "Course.reviews")
    assert len(shared["keys"]) == 2
    assert shared["parents"] == 1
    assert shared["ms"] >= 0


@pytest.mark.parametrize("metrics", [True, False])
async def test_operations_are_counted_by_engine(
    settings: Settings, database: Database, metrics: bool
) -> None:
    async with client(settings.model_copy(update={"metrics": metrics})) as http:
        before = await counted(http)
        await post(http, {"query": "{ courses { totalCount } }"})
        await post(http, {"query": "{ __schema { queryType { name } } }"})
        after = await counted(http)
    if not metrics:
        assert before is after is None
        return
    assert before is not None
    assert after is not None
    for labels in ('engine="compiled",reason=""', 'engine="reference",reason="introspection"'):
        line = f"lectern_operations_total{{{labels}}}"
        assert after[line] == before.get(line, 0) + 1


async def counted(http: httpx.AsyncClient) -> dict[str, float] | None:
    """The counters at /metrics; None if there is no such page."""
    answer = await http.get("/metrics")
    if answer.status_code == 404:
        return None
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    done = lectern("explain", str(tmp_path / "image.png"))
    assert done.returncode == 1
    assert "image.png is not text" in done.stderr


def test_an_operation_of_several_is_chosen_by_name(tmp_path: Path) -> None:
    (tmp_path / "two.graphql").write_text("query A { __typename } query B { __typename }")
    done = lectern("explain", str(tmp_path / "two.graphql"))
    assert done.returncode == 1
    assert "--operation" in done.stderr
