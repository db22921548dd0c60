"""`lectern migrate`, in processes of its own: what it prints, its exit status, and `kill -9` under load."""

import asyncio
import os
import re
import signal
import socket
import sys
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo import MongoClient

from app.settings import Settings
from loaders.collections import COLLECTIONS, derived
from loaders.migrations import MIGRATIONS
from loaders.migrations.lease import held_lease
from loaders.mongo import Document
from loaders.mongo.database import Database
from resolvers.relay import encode_id
from tests import factories
from tests.app.test_cli import output_of_serve, running
from tests.command import LECTERN, lectern
from tests.factories import outdated, store
from tests.storm.gateways import environment, serving
from tests.storm.processes import start
from tests.support import TOKENS
from tests.writes.support import STAFF

# If a shell started the tests in the background, they and their children ignore Ctrl-C.
INTERRUPTIBLE = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from app.cli import main; main()",
]
PENDING = f"Migrations are pending: run `{LECTERN} migrate up`.\n"


@pytest.fixture
def own(settings: Settings) -> dict[str, str]:
    return environment(settings)


async def test_status_and_up_say_what_is_done(database: Database, own: dict[str, str]) -> None:
    await database["courses"].insert_many(
        [outdated("courses", factories.course()), {"_id": "odd", "title": 5}]
    )
    before = lectern("migrate", "status", **own)
    names = [f"{migration.number}  {{:7}}  {migration.description}" for migration in MIGRATIONS]
    assert before.returncode == 3
    assert before.stdout.splitlines() == [name.format("pending") for name in names]
    up = lectern("migrate", "up", **own)
    counted = "1 document changed, 1 left unchanged because a required value is missing: odd"
    assert up.returncode == 0
    assert done(up.stderr) == [migration.number for migration in MIGRATIONS]
    assert without_progress(up.stderr)[0] == f"Migration 1 is done: {counted}"
    after = lectern("migrate", "status", **own)
    assert after.returncode == 0
    first, *_ = lines = after.stdout.splitlines()
    for name, line in zip(names, lines, strict=True):
        assert re.match(re.escape(name.format("done")) + r": \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, ", line)
    assert first.endswith(f" UTC, {counted}")
    again = lectern("migrate", "up", **own)
    assert (again.returncode, again.stderr) == (0, "Nothing to do: all migrations are done.\n")
    checked = lectern("migrate", "up", "--again", **own)
    assert (checked.returncode, without_progress(checked.stderr)) == (0, without_progress(up.stderr))


def without_progress(output: str) -> list[str]:
    """Returns the lines of an output but those that slow migrations print while they run."""
    return [line for line in output.splitlines() if " of about " not in line]


def done(output: str) -> list[int]:
    """Returns the numbers of the migrations that an output reports as done."""
    return [int(number) for number in re.findall(r"^Migration (\d+) is done: ", output, re.MULTILINE)]


async def test_serve_says_if_migrations_are_pending_and_is_ready(
    database: Database, own: dict[str, str]
) -> None:
    await store(database, courses=[factories.course()])
    assert output_of_serve(own).count(PENDING) == 1
    with running("serve", **own) as (_, url):
        assert httpx.get(f"{url}/readyz").json() == {"status": "ok"}
    lectern("migrate", "up", **own)
    assert PENDING not in output_of_serve(own)


@pytest.mark.usefixtures("database")
async def test_a_new_database_needs_no_migration(own: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("id,title\n1,A\n")
    assert lectern("import", "courses", str(file), "--source", "s", **own).returncode == 0
    assert lectern("migrate", "status", **own).returncode == 0
    assert PENDING not in output_of_serve(own)


async def test_dev_runs_the_migrations(tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path)]
    for changes in (True, False):
        with running("dev", *data) as (process, _):
            assert process.stderr is not None
            told = "".join(line for line, _ in zip(process.stderr, range(3), strict=False))
            uri = re.search(r"MongoDB +(\S+)", told)
            assert uri
            with MongoClient[Document](uri[1]) as client:
                database = client["lectern"]
                assert database["courses"].count_documents({"sortTitle": "?"}) == 0
                if changes:
                    database["migrations"].delete_many({})
                    database["courses"].update_many({}, {"$set": {"sortTitle": "?"}})
            process.send_signal(signal.SIGINT)
            process.wait(15)


async def test_an_unreachable_database_is_reported_in_a_sentence() -> None:
    uri = "mongodb://ann:hunter2@127.0.0.1:1/?directConnection=true"
    for command in ("status", "up"):
        done = lectern("migrate", command, LECTERN_MONGODB_URI=uri, LECTERN_MONGODB_TIMEOUT="0.2")
        assert done.returncode == 1
        assert done.stderr.startswith("LECTERN_MONGODB_URI: MongoDB does not answer: 127.0.0.1:1")
        assert "hunter2" not in done.stderr + done.stdout


async def test_a_second_process_says_who_runs_the_migrations(database: Database, own: dict[str, str]) -> None:
    await database["courses"].insert_one(factories.course())
    async with held_lease(database, lambda _: None):
        second = await asyncio.to_thread(lectern, "migrate", "up", **own)
    assert second.returncode == 3
    waiting, held = second.stderr.splitlines()
    holder = rf"since \d{{4}}-\S+ \S+ UTC: {re.escape(socket.gethostname())} \(process {os.getpid()}\)\. "
    assert re.search(holder + r"Waiting to see whether it is still alive\.$", waiting)
    assert re.search(holder + rf"`{LECTERN} migrate status` shows how far it has got\.$", held)


@pytest.mark.usefixtures("documents")
async def test_it_can_be_interrupted_and_resumes_at_once(
    database: Database, own: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "up.log"
    process = start([*INTERRUPTIBLE, "migrate", "up"], log, own)
    await examined(database, 100)
    process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(process.wait, 15) == 130
    assert log.read_text() == "Interrupted. Run the same command again: it resumes where it stopped.\n"
    status = await asyncio.to_thread(lectern, "migrate", "status", **own)
    assert "lectern migrate up` resumes it" in status.stdout
    assert await database["migrations"].find_one({"_id": "lease"}) is None


# -- Under load


COURSES, STUDENTS, WRITERS, READERS = 2_000, 3_000, 3, 2


class Load:
    """Clients of a gateway that read, and that change the titles of courses, until stopped.

    One client writes the keys of the earlier version. titles: the last acknowledged title of each course.
    answers: how many requests were answered.
    """

    def __init__(self, url: str, database: Database, ids: list[ObjectId]) -> None:
        self.titles: dict[ObjectId, str] = {}
        self.answers = 0
        self._url, self._database, self._ids = url, database, ids
        self._numbers = count()
        self._stopped = asyncio.Event()
        self._token = {"authorization": f"Bearer {TOKENS.access(STAFF).text}"}

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=30) as http, asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(self._write(http, self._ids[number :: WRITERS + 1], Random(number)))
            group.create_task(self._write_earlier(self._ids[WRITERS :: WRITERS + 1], Random(9)))
            for number in range(READERS):
                group.create_task(self._read(http, Random(number)))

    async def _write(self, http: httpx.AsyncClient, ids: list[ObjectId], random: Random) -> None:
        text = "mutation W($input: UpdateCourseInput!) { updateCourse(input: $input) { errors { code } } }"
        while not self._stopped.is_set():
            id_, title = random.choice(ids), f"New Title {next(self._numbers)}"
            values = {"courseId": encode_id("Course", {"_id": id_}), "title": title}
            answer = await self._post(http, text, {"input": values})
            assert answer == {"updateCourse": {"errors": []}}
            self.titles[id_] = title

    async def _write_earlier(self, ids: list[ObjectId], random: Random) -> None:
        while not self._stopped.is_set():
            id_, title = random.choice(ids), f"Earlier Title {next(self._numbers)}"
            update = {"$set": {"title": title, "sortTitle": title}}
            await self._database["courses"].update_one({"_id": id_}, update)
            self.titles[id_] = title
            await asyncio.sleep(0.01)

    async def _read(self, http: httpx.AsyncClient, random: Random) -> None:
        text = "query($slug: String!) { course(slug: $slug) { title } courses(first: 5) { totalCount } }"
        while not self._stopped.is_set():
            data = await self._post(http, text, {"slug": f"course-slug-{random.randrange(COURSES)}"})
            assert data["course"]
            assert data["courses"]["totalCount"] == COURSES

    async def _post(self, http: httpx.AsyncClient, text: str, variables: Document) -> Any:
        body = {"query": text, "variables": variables}
        answer = (await http.post("/graphql", json=body, headers=self._token)).json()
        assert "errors" not in answer, answer
        self.answers += 1
        return answer["data"]


@pytest.fixture
async def documents(database: Database) -> dict[str, list[Document]]:
    made = {
        "courses": [
            factories.course(f"Title {n}", slug=f"course-slug-{n}", description="words " * 20)
            for n in range(COURSES)
        ],
        "students": [factories.student(f"Zoë {n}") for n in range(STUDENTS)],
    }
    for collection, stored in made.items():
        await database[collection].insert_many([outdated(collection, document) for document in stored])
    return made


async def examined(database: Database, least: int) -> None:
    """Waits until a migration has examined some documents."""
    async with asyncio.timeout(60):
        while not await database["migrations"].find_one({"_id": 1, "examined": {"$gte": least}}):  # noqa: ASYNC110 # another process writes it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("moment", [600, COURSES + STUDENTS + 700], ids=["first pass", "last pass"])
async def test_a_migration_killed_under_load_resumes_and_loses_no_write(
    settings: Settings,
    database: Database,
    documents: dict[str, list[Document]],
    own: dict[str, str],
    tmp_path: Path,
    moment: int,
) -> None:
    log, up = tmp_path / "up.log", [str(LECTERN), "migrate", "up"]
    with serving(settings, tmp_path / "gateway.log") as gateway:
        await gateway.ready()
        load = Load(f"http://127.0.0.1:{gateway.port}", database, [c["_id"] for c in documents["courses"]])
        loading = asyncio.create_task(load.run())
        killed = start(up, log, own)
        await examined(database, moment)
        killed.kill()
        killed.wait()
        status = await asyncio.to_thread(lectern, "migrate", "status", **own)
        # As if the killed process had just renewed its lease: a slow machine may start the next one late.
        until = [{"$set": {"expiresAt": {"$add": ["$$NOW", 15_000]}}}]
        await database["migrations"].update_one({"_id": "lease"}, until)
        resumed = start(up, log, own)
        await asyncio.to_thread(resumed.wait, 120)
        load.stop()
        await loading
    assert status.returncode == 3
    assert status.stdout.startswith("1  running  ")
    told = log.read_text()
    assert resumed.returncode == 0, told
    assert f"(process {killed.pid}). Waiting to see whether it is still alive.\n" in told
    assert "\nMigration 1 is done: " in told
    assert load.answers > 200
    again = await asyncio.to_thread(lectern, "migrate", "up", "--again", **own)
    assert again.returncode == 0
    await check(database, documents, load.titles)
    record = await database["migrations"].find_one({"_id": 1})
    assert record is not None
    assert record["examined"] == COURSES + STUDENTS
    assert await database["auditLog"].count_documents({"action": "migrate up"}) == 2 * len(MIGRATIONS)


async def check(
    database: Database, documents: dict[str, list[Document]], titles: dict[ObjectId, str]
) -> None:
    """Every title is the last that was written, and every key as it is computed from the document."""
    changing = COLLECTIONS["courses"].derived | {"title", "updatedAt"}
    found = {course["_id"]: course async for course in database["courses"].find()}
    assert len(found) == COURSES
    for course in documents["courses"]:
        stored = found[course["_id"]]
        assert stored["title"] == titles.get(course["_id"], course["title"])
        assert derived("courses", stored).items() <= stored.items()
        assert {k: v for k, v in stored.items() if k not in changing} == {
            k: v for k, v in course.items() if k not in changing
        }
    students = [student async for student in database["students"].find(sort=[("_id", 1)])]
    assert students == documents["students"]
