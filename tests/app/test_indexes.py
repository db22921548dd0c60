"""`lectern indexes`: what it prints, its exit statuses, and builds beside a serving gateway."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from app.database import connect
from app.embedded import find_mongod
from loaders import indexes
from loaders.mongo import APP_NAME, Document
from resolvers.relay import encode_id
from tests import factories
from tests.app.test_cli import output_of_serve, running
from tests.app.test_migrate import INTERRUPTIBLE
from tests.command import LECTERN, lectern
from tests.loaders.mongod import Mongod, own_mongod
from tests.server.processes import until
from tests.storm.gateways import environment
from tests.storm.processes import free_ports
from tests.support import TOKENS
from tests.writes.support import STAFF

__all__ = ["own_mongod"]

BUILT = "reviews.courseId_1_rating_-1__id_1"
COURSE = factories.course("Web")
REVIEW = factories.review(COURSE, factories.student())
WRITE = """mutation($input: ModerateReviewInput!) {
    moderateReview(input: $input) { errors { code } review { status } }
}"""
QUERY = "query($id: ID!) { node(id: $id) { ... on Review { body course { title } } } }"
READ = {"query": QUERY, "variables": {"id": encode_id("Review", REVIEW)}}


@pytest.fixture
def own(mongo_uri: str, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment for a database of the test's own."""
    name = f"{request.node.name[5:40]}_{os.getpid()}"
    yield {"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_MONGODB_DATABASE": name}
    with MongoClient[Document](mongo_uri) as client:
        client.drop_database(name)


@pytest.fixture
def collections(own: dict[str, str]) -> Iterator[Any]:
    """That database, with all indexes."""
    lectern("indexes", "apply", **own)
    with MongoClient[Document](own["LECTERN_MONGODB_URI"]) as client:
        yield client[own["LECTERN_MONGODB_DATABASE"]]


def test_indexes_are_built_once(own: dict[str, str]) -> None:
    first = lectern("indexes", "apply", **own)
    lines = first.stderr.splitlines()
    assert (first.returncode, lines[0]) == (0, "Building 2 indexes of categories")
    assert lines[-1].startswith("84 created: categories.externalId.source_1_externalId.id_1, ")
    again = lectern("indexes", "apply", **own)
    assert (again.returncode, again.stderr) == (0, "All indexes exist.\n")


def test_without_a_subcommand_it_applies_and_says_so(own: dict[str, str]) -> None:
    note = (
        "`lectern indexes` without a subcommand runs `lectern indexes apply`, which a later version will not"
        " do."
    )
    done = lectern("indexes", **own)
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, note)
    assert lectern("indexes", **own).stderr == f"{note}\nAll indexes exist.\n"


def test_check_says_what_to_do_and_fails(own: dict[str, str], collections: Any) -> None:
    good = lectern("indexes", "check", **own)
    assert (good.returncode, good.stdout) == (0, "All 84 declared indexes exist.\n")
    collections.courses.create_index("level")
    harmless = lectern("indexes", "check", **own)
    assert (harmless.returncode, "courses.level_1 is not one of Lectern's" in harmless.stdout) == (0, True)
    collections.courses.drop_index("level_1")
    collections.sessions.drop_index("accountId_1")
    collections.idempotencyKeys.drop_index("at_1")
    collections.idempotencyKeys.create_index("at", expireAfterSeconds=3600)
    bad = lectern("indexes", "check", **own)
    assert (bad.returncode, bad.stdout.splitlines()) == (
        3,
        [
            "sessions.accountId_1 is missing. To build it, run `lectern indexes apply`.",
            "idempotencyKeys.at_1 deletes documents after 3600 s. To change that, run `lectern indexes"
            " apply`.",
        ],
    )
    assert "expireAfterSeconds" in collections.idempotencyKeys.index_information()["at_1"]
    applied = lectern("indexes", "apply", **own)
    assert applied.stderr.splitlines()[1:] == [
        "1 created: sessions.accountId_1", "Lifetime changed: idempotencyKeys.at_1",
    ]  # fmt: skip
    assert lectern("indexes", "check", **own).returncode == 0


def test_an_index_that_differs_is_reported_and_kept(own: dict[str, str], collections: Any) -> None:
    collections.courses.drop_index("slug_1")
    collections.courses.create_index("slug")
    done = lectern("indexes", "apply", **own)
    assert "slug_1" in collections.courses.index_information()
    problem = (
        'courses.slug_1 is not unique. To replace it, run db.courses.dropIndex("slug_1") in mongosh, then'
        " `lectern indexes apply`."
    )
    assert (done.returncode, done.stderr.splitlines()) == (3, [problem])
    assert problem in output_of_serve(own)


def test_duplicates_that_prevent_an_index_are_named(own: dict[str, str]) -> None:
    with MongoClient[Document](own["LECTERN_MONGODB_URI"]) as client:
        client[own["LECTERN_MONGODB_DATABASE"]]["accounts"].insert_many(
            [{"_id": n, "email": "a@b.org"} for n in range(2)]
        )
    done = lectern("indexes", "apply", **own)
    assert done.returncode == 3
    *_, created, problem = done.stderr.splitlines()
    assert "courses.slug_1" in created
    assert "accounts.email_1" not in created
    assert problem == (
        "accounts.email_1 can't be created, because several documents have the same values"
        " ('a@b.org': 0, 1). Delete the duplicates or change their values, then run `lectern indexes apply`."
    )


def test_show_has_a_line_for_each_index(own: dict[str, str], collections: Any) -> None:
    collections.courses.drop_index("slug_1")
    collections.courses.create_index("slug", unique=True, name="by_slug")
    collections.courses.create_index([("search.t", 1), ("status", 1)])
    collections.auditLog.create_index("at", expireAfterSeconds=90 * 86_400)
    collections.students.drop_index("country_1")
    list(collections.courses.find({"slug": "web"}))
    today = f"since {datetime.now(UTC):%Y-%m-%d}"
    done = lectern("indexes", "show", **own)
    lines = {line.split()[0]: " ".join(line.split()) for line in done.stdout.splitlines()}
    assert len(lines) == 86
    assert f"accounts.email_1 present unique 0.0 MB 0 uses {today} signing in" in lines.values()
    assert lines["courses.by_slug"] == (
        f"courses.by_slug other name unique 0.0 MB 1 uses {today} (slug: 1): courses by slug"
    )
    assert lines["students.country_1"] == "students.country_1 missing - - - lists of students of a country"
    assert "obsolete - 0.0 MB 0 uses" in lines["courses.search.t_1_status_1"]
    assert "obsolete TTL 90 days 0.0 MB 0 uses" in lines["auditLog.at_1"]


def test_show_fits_into_80_columns_of_a_terminal(own: dict[str, str], collections: Any) -> None:
    collections.courses.drop_index("slug_1")
    collections.courses.create_index("slug")
    done = lectern("indexes", "show", **own, FORCE_COLOR="1", TERM="dumb", COLUMNS="80", NO_COLOR="1")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].strip() == "categories"
    assert lines[1].split() == ["index", "state", "MB", "uses", "since"]
    assert [line.split()[:2] for line in lines if line.startswith("slug_1 ")] == [
        ["slug_1", "present"], ["slug_1", "present"], ["slug_1", "differs"],
    ]  # fmt: skip
    assert "courses.slug_1 is not unique. To replace it, run" in done.stdout


def test_show_in_json(own: dict[str, str], collections: Any) -> None:
    collections.accounts.drop_index("email_1")
    rows = {f"{row['collection']}.{row['name']}": row for row in json.loads(
        lectern("indexes", "show", "--json", **own, LECTERN_AUDIT_RETENTION_DAYS="30").stdout
    )}  # fmt: skip
    assert rows["accounts.email_1"] == {
        "collection": "accounts", "name": "email_1", "state": "missing", "keys": {"email": 1},
        "options": {"unique": True}, "bytes": None, "uses": None, "since": None, "serves": "signing in",
        "problem": "accounts.email_1 is missing. To build it, run `lectern indexes apply`.",
    }  # fmt: skip
    assert rows["auditLog.at_1"]["options"] == {"expireAfterSeconds": 30 * 86_400}
    assert rows["courses.slug_1"]["bytes"] > 0
    assert rows["courses.slug_1"]["uses"] == 0


def test_a_gateway_that_starts_says_that_the_retention_time_is_not_applied(
    own: dict[str, str], collections: Any
) -> None:
    changed = own | {"LECTERN_AUDIT_RETENTION_DAYS": "30"}
    assert f"Indexes are missing: run `{LECTERN} indexes apply`." in output_of_serve(changed)
    assert lectern("indexes", "apply", **changed).returncode == 0
    assert "Indexes" not in output_of_serve(changed)
    assert "auditLog.at_1 deletes documents after 30 days, but" in output_of_serve(own)


@pytest.fixture
def reviews(own_mongod: Mongod) -> Iterator[dict[str, str]]:
    """The environment for a database that lacks an index of 100,000 reviews."""
    environment_ = environment(own_mongod.settings())
    lectern("indexes", "apply", **environment_)
    collection = own_mongod.client["own"]["reviews"]
    collection.drop_index(BUILT.partition(".")[2])
    collection.insert_many([{"_id": n, "rating": n % 5, "body": "Good."} for n in range(100_000)])
    collection.insert_one(REVIEW)
    own_mongod.client["own"]["courses"].insert_one(COURSE)
    yield environment_
    for name in ("reviews", "courses"):
        own_mongod.client["own"][name].delete_many({})


@contextmanager
def held_build(mongod: Mongod) -> Iterator[None]:
    """Makes MongoDB stop in an index build, once it has read the documents, until the end."""
    name = "hangAfterStartingIndexBuild"
    mongod.client.admin.command({"configureFailPoint": name, "mode": "alwaysOn"})
    try:
        yield
    finally:
        mongod.client.admin.command({"configureFailPoint": name, "mode": "off"})


HELD = indexes.BuildProgress("scanning collection", 100_001, 100_001)


async def until_it_builds(mongod: Mongod) -> None:
    """Waits until a build is held."""
    async with connect(mongod.settings()) as database, asyncio.timeout(60):
        while await indexes.build_progress(database, "reviews") != HELD:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@contextmanager
def applying(environment_: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A running `lectern indexes apply`, which Ctrl-C can interrupt."""
    command = [*INTERRUPTIBLE, "indexes", "apply"]
    with subprocess.Popen(
        command, env=os.environ | environment_, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_a_gateway_serves_while_an_index_is_built(own_mongod: Mongod, reviews: dict[str, str]) -> None:
    """No request fails, `/readyz` returns 200, and a request that exceeds its deadline aborts no build."""
    with running("serve", **reviews, LECTERN_REQUEST_TIMEOUT="5") as (_, url), applying(reviews) as process:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            with held_build(own_mongod):
                await until_it_builds(own_mongod)
                await ask_and_write(http)
                own_mongod._fail(mode={"times": 1}, data=SLOW)
                late = (await http.post("/graphql", json=READ)).json()
                assert late["errors"][0]["extensions"]["code"] == "TIMEOUT"
                await until_it_builds(own_mongod)
            while process.poll() is None:
                await ask_and_write(http)
            await ask_and_write(http)
        _, told = process.communicate()
    assert (process.returncode, told.splitlines()[-1]) == (0, f"1 created: {BUILT}")
    assert BUILT.partition(".")[2] in own_mongod.client["own"]["reviews"].index_information()


#: Makes MongoDB take longer for a gateway's read of the collection than the gateway's deadline.
SLOW = {
    "failCommands": ["find", "aggregate"], "namespace": "own.reviews", "appName": APP_NAME,
    "blockConnection": True, "blockTimeMS": 6_000,
}  # fmt: skip


async def ask_and_write(http: httpx.AsyncClient) -> None:
    """Sends 10 queries and 10 writes to the collection, and asks whether the gateway is ready."""
    variables = {"input": {"reviewId": encode_id("Review", REVIEW), "status": "PUBLISHED"}}
    headers = {"authorization": f"Bearer {TOKENS.access(STAFF).text}"}
    for _ in range(10):
        ready = await http.get("/readyz")
        read = await http.post("/graphql", json=READ)
        written = await http.post("/graphql", json={"query": WRITE, "variables": variables}, headers=headers)
        assert (ready.status_code, ready.json()["status"]) == (200, "ok")
        assert read.json() == {"data": {"node": {"body": REVIEW["body"], "course": {"title": "Web"}}}}
        assert written.json() == {
            "data": {"moderateReview": {"errors": [], "review": {"status": "PUBLISHED"}}}
        }


async def test_ctrl_c_ends_the_command_and_not_the_build(own_mongod: Mongod, reviews: dict[str, str]) -> None:
    with held_build(own_mongod), applying(reviews) as process:
        await until_it_builds(own_mongod)
        # Polls, because once in a while MongoDB doesn't say how far it has got.
        until(lambda: _shown(reviews) == ["building", "100%"])
        checked = lectern("indexes", "check", **reviews)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 130
    assert told.splitlines()[-1] == (
        f"Interrupted. MongoDB goes on building {BUILT}: `lectern indexes show` shows how far it has got. Run"
        " the same command again to wait for it and build the others."
    )
    assert (checked.returncode, checked.stdout) == (
        3,
        f"{BUILT} is being built. To wait for it, run `lectern indexes apply`.\n",
    )
    again = lectern("indexes", "apply", **reviews)  # waits for the build, unless it has ended already
    assert again.returncode == 0
    assert lectern("indexes", "check", **reviews).returncode == 0


def _shown(environment_: dict[str, str]) -> list[str]:
    """What `lectern indexes show` says of the index that is being built."""
    shown = lectern("indexes", "show", **environment_).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith(BUILT)]
    return line.split()[1:3]


async def test_the_progress_of_a_build_is_shown(own_mongod: Mongod, reviews: dict[str, str]) -> None:
    """Without a terminal, a line every five seconds."""
    with held_build(own_mongod), applying(reviews) as process:
        assert process.stderr is not None
        first, second = [await asyncio.to_thread(process.stderr.readline) for _ in range(2)]
    assert first == "Building 1 index of reviews\n"
    assert second == "Building 1 index of reviews: scanning collection (100,001 of 100,001)\n"


async def test_mongodb_deletes_audit_entries_after_the_retention_time(own_mongod: Mongod) -> None:
    log, client = own_mongod.client["own"]["auditLog"], own_mongod.client
    now = datetime.now(UTC)
    log.insert_many([{"_id": days, "at": now - timedelta(days=days)} for days in (1, 29, 31, 400)])
    settings = environment(own_mongod.settings())
    client.admin.command({"setParameter": 1, "ttlMonitorSleepSecs": 1})
    assert lectern("indexes", "apply", **settings, LECTERN_AUDIT_RETENTION_DAYS="30").returncode == 0
    async with asyncio.timeout(60):
        while log.count_documents({}) > 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert [entry["_id"] for entry in log.find().sort("_id")] == [1, 29]
    log.drop()


PASSWORD = "secret"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[dict[str, dict[str, str]]]:
    """The environments of MongoDB users with different roles, on a mongod that checks them."""
    (port,) = free_ports(1)
    command = [str(find_mongod()), "--quiet", "--nounixsocket", "--auth", "--bind_ip=127.0.0.1"]
    command += [f"--port={port}", f"--dbpath={tmp_path}"]
    roles = {"reader": ["read"], "writer": ["readWrite"], "owner": ["readWrite", "dbAdmin"]}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as mongod:
        try:
            with MongoClient[Document]("127.0.0.1", port) as client:
                client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
            with MongoClient[Document]("127.0.0.1", port, username="root", password=PASSWORD) as client:
                for name, own_roles in roles.items():
                    granted = [{"role": role, "db": "guarded"} for role in own_roles]
                    client.admin.command("createUser", name, pwd=PASSWORD, roles=granted)
            uris = {name: f"mongodb://{name}:{PASSWORD}@127.0.0.1:{port}/" for name in roles}
            yield {
                name: {"LECTERN_MONGODB_URI": uri, "LECTERN_MONGODB_DATABASE": "guarded"}
                for name, uri in uris.items()
            }
        finally:
            mongod.kill()


def test_a_mongodb_user_without_rights_is_told_which_it_needs(guarded: dict[str, dict[str, str]]) -> None:
    refused = lectern("indexes", "apply", **guarded["reader"])
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        1,
        "The MongoDB user in LECTERN_MONGODB_URI may not do that. `show` and `check` need the role read on"
        " guarded, `apply` needs readWrite, and also dbAdmin to change a lifetime.",
    )
    assert lectern("indexes", "check", **guarded["reader"]).returncode == 3
    built = guarded["writer"] | {"LECTERN_AUDIT_RETENTION_DAYS": "30"}
    assert lectern("indexes", "apply", **built).returncode == 0
    assert lectern("indexes", "check", **guarded["reader"], LECTERN_AUDIT_RETENTION_DAYS="30").returncode == 0
    changed = lectern("indexes", "apply", **guarded["writer"], LECTERN_AUDIT_RETENTION_DAYS="60")
    assert (changed.returncode, changed.stderr) == (
        3,
        "auditLog.at_1 deletes documents after 30 days. The MongoDB user may not change that: grant it the"
        " role dbAdmin on guarded, then run `lectern indexes apply`.\n",
    )
    changed = lectern("indexes", "apply", **guarded["owner"], LECTERN_AUDIT_RETENTION_DAYS="60")
    assert (changed.returncode, changed.stderr) == (0, "Lifetime changed: auditLog.at_1\n")
    shown = lectern("indexes", "show", **guarded["writer"], FORCE_COLOR="1", TERM="dumb", NO_COLOR="1")
    assert "The use is unknown: the MongoDB user needs the role clusterMonitor to see it." in shown.stdout
