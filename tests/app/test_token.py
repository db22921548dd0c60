"""`lectern token`, and gateways that accept its tokens."""

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from bson import ObjectId

from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.relay import ids
from tests import factories
from tests.app.test_cli import running, until_it_answers
from tests.app.test_embedded import mongods, wait_until_none
from tests.command import LECTERN, lectern
from tests.factories import store
from tests.support import SECRET, TOKENS

VIEWER = "{ viewer { roles student { id enrollments { totalCount } } instructor { id } } }"


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """The environment of a gateway on the test's database."""
    return {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_SECRET": SECRET,
    }


def viewer(url: str, token: str) -> dict[str, Any]:
    answer = httpx.post(
        f"{url}/graphql", json={"query": VIEWER}, headers={"authorization": f"Bearer {token}"}
    )
    found: dict[str, Any] = answer.json()["data"]["viewer"]
    return found


def printed(done: subprocess.CompletedProcess[str]) -> str:
    """The token, which is the whole standard output."""
    assert done.returncode == 0, done.stderr
    token = done.stdout.removesuffix("\n")
    assert len(token.split()) == 1
    return token


async def test_a_gateway_accepts_the_token(environment: dict[str, str], database: Database) -> None:
    ada, idle, busy = factories.instructor("Ada"), factories.student("Idle"), factories.student("Busy")
    course = factories.course(instructorIds=[ada["_id"]])
    await store(
        database,
        courses=[factories.course(), course],
        instructors=[factories.instructor("Nobody's"), ada],
        students=[idle, busy],
        enrollments=[
            factories.enrollment(course, idle, status="CANCELLED"),
            factories.enrollment(course, busy),
        ],
    )
    with running("serve", **environment) as (_, url):
        until_it_answers(url)
        student = lectern("token", **environment)
        holder = f"STUDENT Busy ({ids.encode_id('Student', busy)})"
        assert student.stderr.startswith(f"Token for {holder}, valid for 12 h:")
        assert viewer(url, printed(student)) == {
            "roles": ["STUDENT"],
            "student": {"id": ids.encode_id("Student", busy), "enrollments": {"totalCount": 1}},
            "instructor": None,
        }
        both = lectern("token", "--role", "instructor", "--role", "STAFF", **environment)
        assert viewer(url, printed(both)) == {
            "roles": ["INSTRUCTOR", "STAFF"],
            "student": None,
            "instructor": {"id": ids.encode_id("Instructor", ada)},
        }
        given = lectern("token", "--student", ids.encode_id("Student", idle), **environment)
        assert viewer(url, printed(given))["student"]["id"] == ids.encode_id("Student", idle)


def test_the_printed_example_works(environment: dict[str, str]) -> None:
    with running("serve", **environment) as (_, url):
        until_it_answers(url)
        done = lectern("token", "--role", "STAFF", **environment)
        curl = done.stderr[done.stderr.index("curl http") :]
        curl = curl.replace("http://localhost:8000", url).replace(
            f"$({LECTERN} token --role STAFF)", printed(done)
        )
        answer = subprocess.run(["sh", "-c", curl], capture_output=True, text=True)
    assert answer.stdout == '{"data":{"viewer":{"roles":["STAFF"]}}}'


def test_dev_accepts_the_token_with_its_own_secret(tmp_path: Path) -> None:
    with running("dev", "--data-dir", str(tmp_path)) as (process, url):
        assert process.stderr is not None
        welcome = "".join(process.stderr.readline() for _ in range(5))
        assert f"{LECTERN} token --data-dir {tmp_path}" in welcome
        assert f"/?directConnection=true' {LECTERN} import courses FILE --dry-run" in welcome
        until_it_answers(url)
        for role, key in (("STUDENT", "student"), ("INSTRUCTOR", "instructor")):
            found = viewer(url, printed(lectern("token", "--data-dir", str(tmp_path), "--role", role)))
            assert (found["roles"], found[key] is not None) == ([role], True)
        hint = lectern("token", "--data-dir", str(tmp_path), "--role", "STAFF").stderr
        assert f"$({LECTERN} token --data-dir {tmp_path} --role STAFF)" in hint
        assert f"curl {url}/graphql" in hint
        assert len(mongods(tmp_path)) == 1
        assert until_it_answers(url) > 100
    wait_until_none(tmp_path)


def test_a_token_is_valid_for_the_given_time(environment: dict[str, str]) -> None:
    token = printed(lectern("token", "--role", "STAFF", "--hours", "2", **environment))
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 2 * 60 * 60
    assert TOKENS.viewer(token).roles == {"STAFF"}
    assert TOKENS.viewer(token).subject


def test_production_refuses_to_issue_a_token(environment: dict[str, str]) -> None:
    production = environment | {"LECTERN_ENV": "production"}
    done = lectern("token", "--role", "STAFF", **production)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("`lectern token` is not available when LECTERN_ENV is production: ")


async def test_a_missing_person_is_reported(environment: dict[str, str], database: Database) -> None:
    nobody = ids.encode_id("Student", {"_id": ObjectId()})
    told = lectern("token", "--student", nobody, **environment).stderr
    assert told == "--student: there is no student with this ID.\n"
    assert lectern("token", **environment).stderr.startswith("No student takes a course in this database")
    told = lectern("token", "--role", "INSTRUCTOR", **environment).stderr
    assert told.startswith("No instructor teaches a course in this database")


def test_a_directory_without_a_gateway_is_left_unchanged(tmp_path: Path) -> None:
    directory = tmp_path / "dev"
    environment = {name: "" for name in ("LECTERN_SECRET",) if name in os.environ}
    done = lectern("token", "--data-dir", str(directory), **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"`lectern dev` has not run in {directory}.\nStart it first, or add the --data-dir"
    )
    assert not directory.exists()
