"""The command `lectern`, in processes of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO

import httpx
import pytest

from app.embedded import find_mongod
from app.settings import Settings
from loaders.mongo.database import Database
from tests import factories
from tests.app.test_embedded import mongods, wait_until_none
from tests.command import LECTERN, lectern
from tests.factories import store
from tests.storm.processes import free_ports

QUERY = {"query": "{ courses { totalCount } }"}


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has printed its address. It is killed at the end if it still runs."""
    command = [str(LECTERN), *arguments, "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    ) as process:
        assert process.stderr is not None
        try:
            yield process, _address(process.stderr)
        finally:
            process.kill()


def _address(told: IO[str]) -> str:
    lines = []
    for line in told:
        lines.append(line)
        if match := re.search(r"(http://\S+)/graphql$", line.strip()):
            return match[1]
    raise AssertionError("".join(lines))


def ask(url: str) -> int:
    return int(httpx.post(f"{url}/graphql", json=QUERY).json()["data"]["courses"]["totalCount"])


def until_it_answers(url: str) -> int:
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask(url)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_dev_serves_sample_data_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    with running("dev", "--data-dir", str(tmp_path)) as (process, url):
        assert until_it_answers(url) > 100
        assert httpx.get(f"{url}/readyz").json() == {"status": "ok"}
        preflight = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
        allowed = httpx.options(f"{url}/graphql", headers=preflight).headers
        assert allowed["access-control-allow-origin"] == "http://localhost:5173"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr is not None
        told = process.stderr.read()
    assert "curl" in told
    assert "Traceback" not in told
    assert mongods(tmp_path) == []


def test_dev_is_for_development_whatever_the_environment_says(tmp_path: Path) -> None:
    with running("dev", "--data-dir", str(tmp_path), "--empty", LECTERN_ENV="production") as (_, url):
        until_it_answers(url)
        query = {"query": "{ __schema { queryType { name } } }"}
        answer = httpx.post(f"{url}/graphql", json=query).json()
        assert answer == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


def test_dev_waits_for_requests_until_ctrl_c_comes_again(tmp_path: Path) -> None:
    with running("dev", "--data-dir", str(tmp_path), "--empty") as (process, url):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as half:
            half.sendall(b"POST /graphql HTTP/1.1\r\n")
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            process.send_signal(signal.SIGINT)
            assert process.wait(5) == 128 + signal.SIGINT
        wait_until_none(tmp_path)


def test_dev_killed_leaves_no_mongod_and_starts_again(tmp_path: Path) -> None:
    with running("dev", "--data-dir", str(tmp_path), "--empty") as (process, url):
        assert until_it_answers(url) == 0
        assert len(mongods(tmp_path)) == 1
        process.kill()
    wait_until_none(tmp_path)
    with running("dev", "--data-dir", str(tmp_path), "--empty") as (_, url):
        assert until_it_answers(url) == 0
    wait_until_none(tmp_path)


def test_dev_ends_if_its_mongod_dies(tmp_path: Path) -> None:
    with running("dev", "--data-dir", str(tmp_path), "--empty") as (process, url):
        until_it_answers(url)
        (mongod,) = mongods(tmp_path)
        os.kill(mongod, signal.SIGKILL)
        assert process.wait(30) == 1
        assert process.stderr is not None
        said = process.stderr.read().splitlines()
    assert [line for line in said if "[" not in line][-2:] == [
        "The embedded MongoDB has died, so the gateway has stopped. Start it again.",
        f"The data is in {tmp_path}, and MongoDB's log in {tmp_path}/mongod.log.",
    ]


def test_hints_name_the_command_as_it_was_called(tmp_path: Path) -> None:
    """By its name if it is on the PATH, otherwise by the path that was used."""
    folder = LECTERN.parent
    arguments = ["schema", "check", str(tmp_path / "none.graphql")]

    def hint(command: str, path: str) -> str:
        environment = os.environ | {"PATH": f"{path}:/usr/bin:/bin"}
        done = subprocess.run(
            [command, *arguments], capture_output=True, text=True, env=environment, cwd=folder
        )
        return done.stderr.partition("To create it: ")[2].partition(" schema")[0]

    assert hint(str(LECTERN), "/nowhere") == str(LECTERN)
    assert hint("./lectern", "/nowhere") == "./lectern"
    assert hint(str(LECTERN), str(folder)) == "lectern"


def test_dev_keeps_cursors_valid_over_a_restart(tmp_path: Path) -> None:
    page = (
        "query($after: String) { courses(first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }"
    )
    after, seen = None, set()
    for _ in range(2):
        with running("dev", "--data-dir", str(tmp_path)) as (_, url):
            until_it_answers(url)
            body = {"query": page, "variables": {"after": after}}
            courses = httpx.post(f"{url}/graphql", json=body).json()["data"]["courses"]
            seen.add(courses["nodes"][0]["id"])
            after = courses["pageInfo"]["endCursor"]
        wait_until_none(tmp_path)
    assert len(seen) == 2


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_a_port_in_use_is_reported(command: str, mongo_uri: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        data_dir = ["--data-dir", str(tmp_path)] if command == "dev" else []
        done = lectern(command, "--port", port, *data_dir, LECTERN_MONGODB_URI=mongo_uri)
    assert done.returncode == 1
    assert f"Can't listen on 127.0.0.1 port {port}" in done.stderr
    assert "Choose another address with --host and --port." in done.stderr


def test_serve_reports_an_unreachable_mongodb_without_the_password() -> None:
    uri = "mongodb://ann:hunter2@127.0.0.1:1/"
    done = lectern("serve", "--port", "0", LECTERN_MONGODB_URI=uri, LECTERN_MONGODB_TIMEOUT="0.2")
    assert done.returncode == 1
    assert done.stderr.startswith("LECTERN_MONGODB_URI: MongoDB does not answer: 127.0.0.1:1")
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_serve_requires_a_mongodb_with_transactions(tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    standalone = [str(find_mongod()), "--dbpath", str(tmp_path), "--port", port, "--bind_ip", "127.0.0.1"]
    with subprocess.Popen([*standalone, "--nounixsocket"], stdout=subprocess.DEVNULL) as mongod:
        try:
            done = lectern(
                "serve",
                "--port",
                "0",
                LECTERN_MONGODB_URI=f"mongodb://127.0.0.1:{port}/",
                LECTERN_MONGODB_TIMEOUT="30",
            )
        finally:
            mongod.kill()
    assert done.returncode == 1
    assert "is a standalone server, which doesn't support transactions" in done.stderr
    assert "mongod --replSet rs0" in done.stderr


def test_serve_warns_of_missing_indexes(mongo_uri: str) -> None:
    environment = {"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_MONGODB_DATABASE": f"unindexed_{os.getpid()}"}
    assert f"Indexes are missing: run `{LECTERN} indexes apply`." in output_of_serve(environment)
    lectern("indexes", "apply", **environment)
    assert "missing" not in output_of_serve(environment)


def test_serve_without_a_secret_says_what_ends_with_it(mongo_uri: str) -> None:
    told = output_of_serve({"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_SECRET": ""})
    warning = "LECTERN_SECRET is not set: sessions and cursors will be valid only until this process ends."
    assert warning in told
    assert "LECTERN_SECRET" not in output_of_serve(
        {"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_SECRET": "x" * 32}
    )


def test_serve_warns_of_a_budget_that_is_too_small(mongo_uri: str) -> None:
    environment = {"LECTERN_MONGODB_URI": mongo_uri, "LECTERN_BUDGETS": "public=50:200,staff=unlimited"}
    assert "The budget public=50:200 is too small for a sign-in" in output_of_serve(environment)


NO_EFFECT = "LECTERN_OPERATIONS_REPORT has no effect"
ALL_REFUSED = "All operations are refused, because none is trusted yet: see `"


@pytest.mark.parametrize(
    ("mode", "reports", "warning"),
    [
        ("any", "true", NO_EFFECT),
        ("any", "false", None),
        ("persisted", "false", None),
        ("trusted", "false", ALL_REFUSED),
        ("trusted", "true", None),
    ],
)
def test_serve_warns_of_a_mode_that_refuses_everything_or_reports_nothing(
    mongo_uri: str, mode: str, reports: str, warning: str | None
) -> None:
    output = output_of_serve(
        {
            "LECTERN_MONGODB_URI": mongo_uri,
            "LECTERN_MONGODB_DATABASE": "nothing_pushed",
            "LECTERN_OPERATIONS": mode,
            "LECTERN_OPERATIONS_REPORT": reports,
            "LECTERN_LOG_FORMAT": "console",
        }
    )
    assert [text for text in (NO_EFFECT, ALL_REFUSED) if text in output] == ([warning] if warning else [])


def output_of_serve(environment: dict[str, str]) -> str:
    """What `lectern serve` prints before it serves."""
    command = [str(LECTERN), "serve", "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    ) as process:
        assert process.stderr is not None
        lines = list(takewhile(lambda line: not line.startswith("Lectern is serving"), process.stderr))
        process.kill()
    return "".join(lines)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {"LECTERN_MONGODB_DRIVER": "mango"},
            "LECTERN_MONGODB_DRIVER must be motor or pymongo, not 'mango'.",
        ),
        (
            {"LECTERN_MAX_BODY_BYTES": "-1"},
            "LECTERN_MAX_BODY_BYTES must be a whole number greater than 0, not '-1'.",
        ),
        ({"LECTERN_SECRET": "short"}, "LECTERN_SECRET must have at least 32 characters"),
        ({"LECTERN_ENV": "production", "LECTERN_SECRET": ""}, "LECTERN_SECRET is required in production"),
        ({"LECTERN_MONGODB_URI": "http://h/"}, "LECTERN_MONGODB_URI can't be used: "),
        ({"LECTERN_MONGODB_URI": "mongodb://ann:p@ss@h/"}, "LECTERN_MONGODB_URI can't be used: "),
    ],
)
def test_an_invalid_setting_is_named(environment: dict[str, str], told: str) -> None:
    done = lectern("serve", "--port", "0", **environment)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "p@ss" not in done.stderr


def test_a_command_does_not_wait_for_graphql_to_be_imported() -> None:
    """`lectern import`, for one, doesn't need it, and it takes as long to import as everything else."""
    code = "import sys, app.cli; print([name for name in ('graphql', 'strawberry') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


async def test_workers_accept_each_others_cursors(settings: Settings, database: Database) -> None:
    await store(database, courses=[factories.course() for _ in range(2)])
    environment = {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_SECRET": "",
    }
    page = "query($after: String) { courses(first: 1, after: $after) { pageInfo { endCursor } } }"
    with running("serve", "--workers", "2", **environment) as (process, url):
        assert until_it_answers(url) == 2
        first = httpx.post(f"{url}/graphql", json={"query": page}).json()["data"]
        body = {"query": page, "variables": {"after": first["courses"]["pageInfo"]["endCursor"]}}
        answers = [httpx.post(f"{url}/graphql", json=body).json() for _ in range(20)]  # a connection for each
        assert all("errors" not in answer for answer in answers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_the_script_prints_the_same_each_time_and_nothing_else() -> None:
    done = [subprocess.run([LECTERN, "schema", "print"], capture_output=True, text=True) for _ in range(2)]
    forked = lectern("schema", "print")
    assert [(one.returncode, one.stderr) for one in (*done, forked)] == [(0, "")] * 3
    assert done[0].stdout == done[1].stdout == forked.stdout


def test_schema_check_reports_drift(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    missing = lectern("schema", "check", str(file))
    assert (missing.returncode, f"{LECTERN} schema write" in missing.stderr) == (1, True)
    assert lectern("schema", "write", str(file)).returncode == 0
    assert lectern("schema", "check", str(file)).returncode == 0
    assert file.read_text() == lectern("schema", "print").stdout
    file.write_text(file.read_text().replace("totalCount: Int!", "totalCount: Int"))
    drifted = lectern("schema", "check", str(file))
    assert drifted.returncode == 1
    assert "-  totalCount: Int @cost" in drifted.stdout
    assert "+  totalCount: Int! @cost" in drifted.stdout
