"""`lectern export --all` and `lectern restore`, beside a running gateway that people write through."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo import MongoClient
from typer.testing import CliRunner, Result

from app.cli import app
from app.commands import CommandError
from app.settings import Settings
from loaders import indexes, migrations
from loaders.backup import restore_backup, write_backup
from loaders.model import Document
from loaders.mongo import Database
from loaders.problems import misfits
from loaders.recounting import recount
from resolvers.relay import encode_id
from tests import factories
from tests.app.test_cli import output_of_serve
from tests.backup.conftest import Pair, SettingsPair
from tests.backup.contents import all_indexes, documents
from tests.command import LECTERN, lectern
from tests.factories import store
from tests.storm.gateways import environment, serving
from tests.writes.support import SOON

GUIDE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text("utf-8")
PASSWORD = "correct horse battery"


class Campus:
    """People who sign up, enrol, and write reviews and votes through a gateway."""

    def __init__(self, http: httpx.Client, course: ObjectId, run: ObjectId) -> None:
        self._http = http
        self._course = encode_id("Course", {"_id": course})
        self._run = encode_id("CourseRun", {"_id": run})
        self._numbers = count(1)
        self._review: str | None = None

    def write(self) -> None:
        """One more student does everything that a student does."""
        number = next(self._numbers)
        person = {"name": "Ada", "email": email(number), "password": PASSWORD}
        token = post(self._http, "signUp", "accessToken", **person)["accessToken"]
        course = {"courseId": self._course}
        place = {**course, "runId": self._run, "idempotencyKey": "enrol once"}
        post(self._http, "enroll", "enrollment { id }", token, **place)
        post(self._http, "addToWishlist", "clientMutationId", token, **course)
        if self._review:
            post(self._http, "markReviewHelpful", "review { id }", token, reviewId=self._review)
        review = post(self._http, "createReview", "review { id }", token, **course, rating=4, body="Good.")
        self._review = review["review"]["id"]


def post(http: httpx.Client, name: str, selected: str, token: str = "", /, **values: Any) -> Any:
    """Runs a mutation that must succeed, and returns its payload."""
    type_name = {"addToWishlist": "WishlistInput"}.get(name, f"{name[0].upper()}{name[1:]}Input")
    query = f"mutation($i: {type_name}!) {{ it: {name}(input: $i) {{ {selected} errors {{ code }} }} }}"
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = {"query": query, "variables": {"i": values}}
    answer = http.post("/graphql", json=body, headers=headers).json()
    assert "errors" not in answer, answer
    assert answer["data"]["it"]["errors"] == [], answer
    return answer["data"]["it"]


def email(number: int) -> str:
    return f"student{number}@example.org"


@pytest.fixture
async def campus(two: SettingsPair, databases: Pair, tmp_path: Path) -> AsyncIterator[Campus]:
    """A gateway on the source, with a course."""
    course = factories.course("Learn Go")
    run = factories.course_run(course, seats=100, startsAt=SOON)
    await migrations.baseline(databases.source)
    await store(databases.source, courses=[course], courseRuns=[run])
    await indexes.ensure(databases.source)
    assert [difference async for difference in recount(databases.source, fix=True)]
    with serving(two.source, tmp_path / "gateway.log") as gateway:
        await gateway.ready()
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}", timeout=60) as http:
            yield Campus(http, course["_id"], run["_id"])


def without_values(text: str) -> str:
    """Numbers, and the name of the database, as placeholders."""
    return re.sub(r"database \w+ \(", "database X (", re.sub(r"[\d,]+(?= )|\d+", "N", text))


def counts(found: dict[str, list[bytes]]) -> dict[str, int]:
    return {name: len(own) for name, own in found.items()}


async def test_the_commands_bring_everything_back_and_people_sign_in(
    two: SettingsPair, databases: Pair, campus: Campus, tmp_path: Path
) -> None:
    for _ in range(3):
        await asyncio.to_thread(campus.write)
    backup = tmp_path / "backup"
    source, target = environment(two.source), environment(two.target)
    exported = await asyncio.to_thread(lectern, "export", "--all", str(backup), **source)
    before = await documents(databases.source)
    assert before.pop("sessions")
    assert before.pop("attempts")
    written = {"accounts": 3, "auditLog": 14, "courses": 1, "courseRuns": 1, "enrollments": 3, "students": 3}
    written |= {
        "idempotencyKeys": 3,
        "migrations": len(migrations.MIGRATIONS),
        "reviews": 3,
        "votes": 2,
        "wishlists": 3,
    }
    assert counts(before) == written
    total = f"{sum(written.values())} documents in 22 collections"
    assert (exported.returncode, exported.stderr) == (0, f"{total} backed up to {backup}\n")
    restored = await asyncio.to_thread(lectern, "restore", str(backup), **target)
    assert restored.returncode == 0, restored.stderr
    first, second = restored.stderr.splitlines()
    assert first.startswith(f"{total} restored, as they were at 2")
    assert first.endswith(f" UTC in the database {databases.source.name} (Lectern 0.2.0)")
    assert second == "Sessions are not restored: everybody has to sign in again."
    assert f"{without_values(first)}\n{second}\n" in without_values(GUIDE)
    assert await documents(databases.target) == before
    assert await all_indexes(databases.target) == await all_indexes(databases.source)
    await nothing_is_wrong(databases.target)
    with serving(two.target, tmp_path / "restored.log") as gateway:
        await gateway.ready()
        with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}", timeout=60) as http:
            who = "viewer { student { email } }"
            session = await asyncio.to_thread(post, http, "signIn", who, email=email(2), password=PASSWORD)
        assert session["viewer"]["student"]["email"] == email(2)
    assert "run `lectern" not in (tmp_path / "restored.log").read_text()


async def test_a_backup_that_others_write_during_is_of_one_moment(
    databases: Pair, campus: Campus, tmp_path: Path
) -> None:
    def write(collection: str) -> None:
        if collection in ("categories", "courses", "enrollments", "votes", "auditLog"):
            campus.write()

    await asyncio.to_thread(campus.write)
    manifest = await write_backup(databases.source, tmp_path / "b", "0.2.0", write)
    # MongoDB chose the moment at the first read, after one more student had written.
    found = {name: manifest.collections[name].documents for name in ("students", "reviews", "votes")}
    assert found == {"students": 2, "reviews": 2, "votes": 1}
    assert await databases.source["reviews"].count_documents({}) == 6
    await restore_backup(databases.target, tmp_path / "b", "0.2.0")
    await nothing_is_wrong(databases.target)


async def nothing_is_wrong(database: Database) -> None:
    assert [difference async for difference in recount(database, fix=False)] == []
    assert [misfit async for misfit in misfits(database)] == []


Run = Callable[..., Result]


@pytest.fixture
def run(two: SettingsPair, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, on the target if it is `restore`, otherwise on the source."""

    def invoke(*arguments: str) -> Result:
        for name, value in environment(two.target if arguments[0] == "restore" else two.source).items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, arguments)

    return invoke


def error(result: Result, error_class: type[Exception] = CommandError) -> str:
    """The message of a command that failed, which is a line."""
    assert isinstance(result.exception, error_class)
    message = str(result.exception)
    assert "\n" not in message
    return message


def insert(settings: Settings, collection: str, document: Document) -> None:
    with MongoClient[Document](settings.mongodb_uri.get_secret_value()) as client:
        client[settings.mongodb_database][collection].insert_one(document)


def test_mistakes_are_told_in_a_line(two: SettingsPair, run: Run, tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    assert run("export", "--all", backup).exit_code == 0
    again = error(run("export", "--all", backup))
    assert again == f"{backup} already exists. A backup needs a new directory."
    assert error(run("export", "--all", f"{backup}/no/b")) == f"{backup}/no: No such file or directory"
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    linked = error(run("export", "--all", f"{tmp_path}/link"))
    assert linked == f"{tmp_path}/link already exists. A backup needs a new directory."
    assert error(run("restore", f"{backup}2")) == f"{backup}2 does not exist."
    insert(two.target, "courses", {"_id": 1})
    assert error(run("restore", backup)).startswith(f"The database {two.target.mongodb_database} isn't empty")


def test_a_full_disk_is_told_and_leaves_nothing(two: SettingsPair, tmp_path: Path) -> None:
    insert(two.source, "courses", {"_id": 1, "title": os.urandom(100_000)})
    limited = ["sh", "-c", 'ulimit -f 100; exec "$0" "$@"', str(LECTERN), "export", "--all"]
    limited.append(str(tmp_path / "backup"))
    done = subprocess.run(limited, env=os.environ | environment(two.source), capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (1, "A file cannot be read or written: File too large")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("courses", "-", "--all", "x"), ("courses",), ()])
def test_export_takes_a_collection_and_a_file_or_all(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("export", *arguments).exit_code == 2


def test_restore_says_if_migrations_are_pending(two: SettingsPair, run: Run, tmp_path: Path) -> None:
    insert(two.source, "courses", factories.course())
    run("export", "--all", str(tmp_path / "b"))
    restored = run("restore", str(tmp_path / "b"))
    assert restored.exit_code == 0
    assert "Migrations are pending: run `lectern migrate up`.\n" in restored.stderr


def test_an_unfinished_restore_is_neither_served_silently_nor_backed_up(
    two: SettingsPair, tmp_path: Path
) -> None:
    insert(two.target, "restores", {"_id": "restore", "backup": "another"})
    incomplete = "The database is incomplete: run the interrupted `lectern restore` again first.\n"
    assert incomplete in output_of_serve(environment(two.target))
    command = [str(LECTERN), "export", "--all", str(tmp_path / "backup")]
    variables = os.environ | environment(two.target)
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert (done.returncode, done.stderr) == (1, incomplete)
    assert not (tmp_path / "backup").exists()


def test_the_daily_script_of_the_guide_runs(two: SettingsPair, tmp_path: Path) -> None:
    (script,) = re.findall(r"^#!/bin/sh\n.*?(?=^```)", GUIDE, re.DOTALL | re.MULTILINE)
    backups = tmp_path / "backups"
    (backups / "old").mkdir(parents=True)
    os.utime(backups / "old", (0, 0))
    own = environment(two.source)
    (tmp_path / "mongodb-uri").write_text(own.pop("LECTERN_MONGODB_URI"))
    script = script.replace("/var/backups/lectern", str(backups)).replace("/etc/lectern/", f"{tmp_path}/")
    (tmp_path / "script").write_text(script)
    variables = os.environ | own | {"PATH": f"{LECTERN.parent}:{os.environ['PATH']}"}
    command = ["sh", str(tmp_path / "script")]
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    (made,) = backups.iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made.name)
    assert (made / "manifest.json").is_file()
    assert subprocess.run(command, capture_output=True, env=variables).returncode == 1
