"""`lectern operations`, in processes of its own."""

import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.commands import CommandError
from app.observing import Client
from app.persisted.text_samples import sample_of
from app.persisted.unknown_operations import UnknownOperations
from app.settings import Settings
from loaders.mongo import Database, now
from loaders.persisted import Sighting, VersionKey, add_sightings, load, mark_used
from tests.command import lectern
from tests.persisted.conftest import WEB, trust

#: An environment in which the output is for a terminal, without colours.
TERMINAL = {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "600", "LINES": "50"}

Run: TypeAlias = Callable[..., "Done"]

MANIFEST = {
    "a": "query A { categories { slug } }",
    "sha256:b": "query B($first: Int!) { courses(first: $first) { nodes { id } } }",
}
PUSH = ("--client", "web", "--version", "1")


class Done(NamedTuple):
    """How a command ended, as its process would show it."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(settings: Settings, database: Database) -> Run:
    """`run("push", …)`: runs a command in a thread, because it has an event loop of its own."""

    def operations(*arguments: Any, **environment: str) -> Done:
        with ThreadPoolExecutor(1) as thread:
            result = thread.submit(invoke, *arguments, **connection(settings), **environment).result()
        if isinstance(result.exception, CommandError):  # which `cli.main` prints
            return Done(1, result.stdout, str(result.exception))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return operations


def invoke(*arguments: Any, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(cli.app, ["operations", *map(str, arguments)])


def connection(settings: Settings) -> dict[str, str]:
    return {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
    }


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    return path


async def stored(database: Database) -> dict[str, str]:
    found = await load(database, 100)
    return {one.id: one.text for one in found.operations} if found else {}


async def test_a_manifest_is_pushed_once(run: Run, manifest: Path, database: Database) -> None:
    tried = run("push", manifest, *PUSH, "--dry-run")
    assert (tried.returncode, tried.stderr) == (0, "2 operations are valid. Nothing was stored.\n")
    assert await stored(database) == {}
    assert run("push", manifest, *PUSH).stderr == "web 1 has 2 operations; 2 new.\n"
    assert run("push", manifest, *PUSH).stderr == "web 1 already has these 2 operations.\n"
    assert await stored(database) == MANIFEST
    (first, second) = json.loads(run("list", "--json").stdout)
    assert (first["id"], first["name"], first["clients"], first["versions"]) == ("a", "A", ["web"], 1)
    assert first["price"] > 0
    assert second["price"] > 0  # though its variable has no value
    assert run("versions").stdout.split()[:3] == ["web", "1", "2"]


async def test_all_problems_are_listed_and_nothing_is_stored(
    run: Run, manifest: Path, database: Database
) -> None:
    invalid = {
        "1": "query Nope { nope }",
        "2": "query Broken {",
        "3": "query X { __typename } query Y { __typename }",
        "4": "query Dear { courses(first: 100) { nodes { reviews(first: 100) { nodes { id body } } } } }",
        "5": "subscription S { a }",
    }
    manifest.write_text(json.dumps(MANIFEST | invalid))  # noqa: ASYNC240 # a small file
    done = run("push", manifest, *PUSH, LECTERN_MAX_COST="5000")
    assert done.returncode == 1
    for part in (
        "Nope (1): line 1, column 14: Cannot query field 'nope'",
        "Broken (2): line 1, column 15: Syntax Error",
        "X (3): it has several operations",
        "Dear (4): The operation costs up to",
        "S (5): ",
        "Correct the operations in the client",
    ):
        assert part in done.stderr
    assert "A (a)" not in done.stderr
    assert await stored(database) == {}


@pytest.mark.parametrize("command", [["operations", "push", *PUSH], ["cost"], ["explain"]])
def test_introspection_is_refused_as_the_gateway_refuses_it(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "a.graphql"
    content = "query A { __schema { types { name } } }"
    path.write_text(json.dumps({"a": content}) if command[0] == "operations" else content)
    done = CliRunner(env={"LECTERN_INTROSPECTION": "false"}).invoke(cli.app, [*command, str(path)])
    assert done.exit_code == 1
    expected = "Introspection is off (LECTERN_INTROSPECTION), so `__schema` can't be asked for."
    assert done.output.count(expected) + str(done.exception).count(expected) == 1


async def test_a_conflict_names_the_versions(run: Run, manifest: Path, database: Database) -> None:
    await trust(database, {"a": "{ other }"}, VersionKey("app", "7"))
    done = run("push", manifest, *PUSH)
    assert done.returncode == 1
    assert "a: used by app 7" in done.stderr
    assert await stored(database) == {"a": "{ other }"}


@pytest.mark.parametrize("setting", ["LECTERN_MAX_TRUSTED_OPERATIONS=1", "LECTERN_MAX_TRUSTED_BYTES=10"])
def test_a_limit_is_named(run: Run, manifest: Path, setting: str) -> None:
    name, _, value = setting.partition("=")
    done = run("push", manifest, *PUSH, **{name: value})
    assert done.returncode == 1
    assert name in done.stderr


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "No such file"), (b"{", "is not JSON"), (b"[1]", "not a list"), (b"\xff\xfe{\x00", "not UTF-8")],
)
def test_a_file_that_is_no_manifest_is_refused(
    run: Run, tmp_path: Path, content: bytes | None, part: str
) -> None:
    path = tmp_path / "m.json"
    if content is not None:
        path.write_bytes(content)
    done = run("push", path, *PUSH)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert part in done.stderr


@pytest.mark.parametrize("name", ["", "x" * 65, "ü", "a\nb"])
def test_the_name_of_a_client_must_fit_a_header(run: Run, manifest: Path, name: str) -> None:
    assert run("push", manifest, "--client", name, "--version", "1").returncode == 2
    assert run("push", manifest, "--client", "x" * 64, "--version", "1", "--dry-run").returncode == 0


async def test_unused_versions_are_removed(run: Run, database: Database) -> None:
    old, older = VersionKey("web", "0.9"), VersionKey("web", "0.8")
    await trust(database, {"a": "{ a }"}, WEB)
    await trust(database, {"a": "{ a }", "b": "{ b }"}, old)
    await trust(database, {"c": "{ c }"}, older)
    long_ago = now() - timedelta(days=31)
    await database["trustedVersions"].update_many({}, {"$set": {"pushedAt": long_ago}})
    await mark_used(database, [WEB], now())
    await mark_used(database, [older], now() - timedelta(days=29))
    tried = run("remove", "--unused-for", 30, "--dry-run")
    assert tried.stderr == "Would remove web 0.9.\n1 version would be removed. Nothing was changed.\n"
    assert set(await stored(database)) == {"a", "b", "c"}
    removed = "Removed web 0.9.\n1 version and 1 operation removed.\n"
    assert run("remove", "--unused-for", 30).stderr == removed
    assert set(await stored(database)) == {"a", "c"}
    assert run("remove", "--client", "web", "--version", "0.8").returncode == 0
    done = run("remove", "--client", "web", "--version", "0.8")
    assert done.returncode == 1
    assert done.stderr.startswith("The client `web` has no version `0.8`: see `")
    assert set(await stored(database)) == {"a"}


async def test_a_version_that_was_never_used_counts_from_its_push(run: Run, database: Database) -> None:
    for version, days in (("1", 31), ("2", 29)):
        key = VersionKey("web", version)
        await trust(database, {version: "{ a }"}, key)
        own = {"_id": {"client": key.client, "version": key.version}}
        pushed = {"pushedAt": now() - timedelta(days=days)}
        await database["trustedVersions"].update_one(own, {"$set": pushed})
    assert run("remove", "--unused-for", 30).stderr.startswith("Removed web 1.\n1 version and 1 operation")
    assert set(await stored(database)) == {"2"}


@pytest.mark.parametrize("days", [0, 36_501, 800_000])
def test_the_number_of_days_is_bounded(run: Run, days: int) -> None:
    done = run("remove", "--unused-for", days)
    assert done.returncode == 2
    assert "'--unused-for'" in done.stderr
    assert ("36500" in done.stderr) is (days > 1)
    assert run("remove", "--unused-for", 36_500).stderr == "0 versions and 0 operations removed.\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["--client", "a"], ["--version", "1"], ["--client", "a", "--version", "1", "--unused-for", "3"],
     ["--unused-for", "0"], ["--unused-for", "3", "--version", "1"]],
)  # fmt: skip
def test_a_removal_says_what(run: Run, arguments: list[str]) -> None:
    assert run("remove", *arguments).returncode == 2


def test_a_pipe_is_no_manifest(run: Run, manifest: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert run("push", pipe, *PUSH).stderr == f"{pipe}: it is not a regular file"
    done = run("push", manifest, *PUSH, "--tools", pipe)
    assert done.stderr == f"{pipe}: it can't be read: it is not a regular file."


async def test_unknown_operations_are_listed(run: Run, database: Database) -> None:
    assert "No unknown operations" in run("unknown").stderr
    await add_sightings(database, [Sighting("f" * 64, "web", "", "text", "{ a[0] }", 3, now())])
    (line,) = run("unknown").stdout.splitlines()
    assert line.split()[:5] == ["f" * 64, "web", "-", "text", "3"]
    assert line.endswith("{ a[0] }")
    (found,) = json.loads(run("unknown", "--json").stdout)
    assert list(found) == ["id", "client", "version", "sent", "times", "lastSeen", "text"]
    assert (found["times"], found["text"]) == (3, "{ a[0] }")
    assert run("forget").stderr == "1 unknown operation deleted.\n"
    assert "No unknown operations" in run("unknown").stderr


EVIL = "a\x1b]52;c;cm0=\x07\r\nfake line\x00\u202e\u2066[b]"
SHOWN = r"a\x1b]52;c;cm0=\x07\r\nfake line\x00\u202e\u2066[b]"


@pytest.mark.parametrize("environment", [{}, TERMINAL], ids=["pipe", "terminal"])
async def test_control_characters_are_escaped_and_brackets_are_shown(
    run: Run, database: Database, environment: dict[str, str]
) -> None:
    await add_sightings(database, [Sighting(EVIL, EVIL, EVIL, "id", EVIL, 3, now())])
    await trust(database, {EVIL: "{ a }"}, VersionKey(EVIL, EVIL))
    for command, times in (("unknown", 4), ("list", 2), ("versions", 2)):
        printed = run(command, **environment).stdout
        assert printed.count(SHOWN) == times
        assert all(c.isprintable() for c in printed if c != "\n")


OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
AT = datetime(2026, 11, 28, 9, 15)


async def test_the_documentation_shows_what_the_commands_print(
    run: Run, manifest: Path, database: Database
) -> None:
    course = "query Course($slug: String!) { course(slug: $slug) { title description } }"
    search = "query Search($words: String!) { courses(filter: {search: $words}) { nodes { title } } }"
    for (client, version), texts in (
        (("web", "1.4.2"), {"b2a4": course, "f09c": search}),
        (("ios", "7"), {"b2a4": course}),
    ):
        manifest.write_text(json.dumps(texts))  # noqa: ASYNC240 # a small file
        assert run("push", manifest, "--client", client, "--version", version).returncode == 0
    await database["trustedVersions"].update_many({}, {"$set": {"pushedAt": AT}})
    await mark_used(database, [VersionKey("web", "1.4.2")], AT + timedelta(days=2))
    sample = sample_of('query Search { courses(filter: {search: "Ada"}) { nodes { title } } }')
    await add_sightings(database, [Sighting("8e1f", "web", "1.3.0", "text", sample, 41, AT + timedelta(1))])
    pattern = re.compile(r"^\$ lectern operations (\w+)\n(.*?)\n(?=\n|```)", re.MULTILINE | re.DOTALL)
    shown = dict(pattern.findall(OPERATIONS.read_text()))
    assert shown.keys() == {"list", "versions", "unknown"}
    for name, lines in shown.items():
        printed = run(name, **TERMINAL).stdout.splitlines()
        assert [line.rstrip() for line in printed] == lines.splitlines()


def test_a_process_prints_errors_without_a_stack_trace(settings: Settings, tmp_path: Path) -> None:
    done = lectern("operations", "push", str(tmp_path / "none"), *PUSH, **connection(settings))
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/none: No such file or directory\n")
    done = lectern("operations", "versions", LECTERN_MONGODB_URI="mongodb://127.0.0.1:1/")
    assert (done.returncode, "MongoDB" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_the_name_of_an_operation_is_not_taken_from_a_comment_or_a_string(run: Run, tmp_path: Path) -> None:
    texts = {
        "1": "# the query for a course page\nquery Page { __typename }",
        "2": '{ courses(filter: {search: "mutation testing"}) { nodes { id } } }',
        "3": "fragment query on Query { __typename } query Real { ...query }",
        "4": "# a query first\nquery Broken {",
        "5": "#" * 200 + "\nfragment F on {",  # a pattern that backtracks would take for ever
    }
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(texts))
    assert "Broken (4): line" in run("push", manifest, *PUSH).stderr
    del texts["4"], texts["5"]
    manifest.write_text(json.dumps(texts))
    assert run("push", manifest, *PUSH).returncode == 0
    assert [one["name"] for one in json.loads(run("list", "--json").stdout)] == ["Page", "", "Real"]


def test_a_push_tells_how_many_operations_the_version_has_now(run: Run, manifest: Path) -> None:
    assert run("push", manifest, *PUSH).returncode == 0
    manifest.write_text(json.dumps({"another": "{ __typename }"}))
    assert run("push", manifest, *PUSH).stderr == "web 1 has 3 operations; 1 new.\n"


async def test_it_is_told_if_there_are_more_unknown_operations(run: Run, database: Database) -> None:
    unknown = UnknownOperations(lambda: database)
    for number in range(3):
        unknown.add(str(number), Client("web", "1"), "text", "{ a }")
    await unknown.flush()
    some, every = run("unknown", "--most", "2"), run("unknown", "--most", "3")
    assert (len(some.stdout.splitlines()), some.stderr) == (
        2,
        "There are more than these 2: to list more, use --most.\n",
    )
    assert (len(every.stdout.splitlines()), every.stderr) == (3, "")
