"""The log's line for each request: what it says, and what it never says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from bson import ObjectId
from structlog.testing import capture_logs

from app import main
from app.main import create_app
from app.observing import Listener, Record, RequestLog, logs, request_log
from app.observing.redaction import traceback_of
from app.observing.request_line import console_line
from app.settings import Settings
from loaders.mongo import Database
from resolvers.context import Viewer
from tests.server.processes import listens, until
from tests.storm.processes import free_ports
from tests.support import SECRET, TOKENS

QUERY = """
query Page($search: String) {
  courses(filter: { search: $search }, first: 2) { nodes { title category { name } } }
}
"""
MARKER = "Grace Hopper <grace@example.org>"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


SLOW = {"LECTERN_SLOW_OPERATION": "0.0001"}  # every operation is slow


class Gateway:
    """A running `lectern serve`, and the lines of its log."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path, port: int) -> None:
        self._process, self._log = process, log
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def query(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
        body = {"query": query, "variables": variables}
        return self.http.post("/graphql", json=body, headers=headers)

    def stop(self) -> str:
        """Stops the gateway. Returns its log."""
        self.http.close()
        self._process.terminate()
        assert self._process.wait(30) == 0
        return self._log.read_text()


@contextmanager
def running(
    settings: Settings, directory: Path, environment: dict[str, str] | None = None, stderr: int | None = None
) -> Iterator[Gateway]:
    """A gateway with two workers. stderr: where its log goes; by default to a file in the directory."""
    (port,) = free_ports(1)
    log = directory / "log"
    variables = {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
        "LECTERN_SECRET": SECRET,
        "LECTERN_LOG_FORMAT": "json",
    }
    command = [str(Path(sys.executable).with_name("lectern")), "serve", "--port", str(port), "--workers", "2"]
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, env=os.environ | variables | (environment or {}), stderr=stderr or file, text=True
        ) as it,
    ):
        try:
            until(lambda: listens(port) or it.poll() is not None)
            assert it.poll() is None, log.read_text()
            yield Gateway(it, log, port)
        finally:
            it.kill()


def requests_of(log: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [line for line in lines if line["event"] == "request"]


def test_each_request_has_one_line_of_json_in_every_worker(sample: Settings, tmp_path: Path) -> None:
    with running(sample, tmp_path) as gateway:
        for number in range(50):
            with httpx.Client() as fresh:  # a new connection, so that both workers get some
                url = f"{gateway.http.base_url}/graphql"
                fresh.post(url, json={"query": "{ __typename }"}, headers={"x-request-id": f"r-{number}"})
        log = gateway.stop()
    lines = requests_of(log)
    assert sorted(line["request_id"] for line in lines) == sorted(f"r-{number}" for number in range(50))
    assert all("event" in json.loads(line) and "timestamp" in json.loads(line) for line in log.splitlines())


def test_a_line_says_what_an_operator_asks(sample: Settings, tmp_path: Path) -> None:
    headers = {
        "x-request-id": "r-1",
        "traceparent": TRACEPARENT,
        "apollographql-client-name": "web",
        "apollographql-client-version": "1.4.2",
    }
    with running(sample, tmp_path) as gateway:
        answer = gateway.query(QUERY, headers)
        gateway.query("{ nothing }")
        gateway.http.post("/graphql", content=b"{", headers={"content-type": "application/json"})
        for path in ("/healthz", "/readyz", "/nowhere", "/"):  # these have no line
            gateway.http.get(path, headers={"accept": "text/html"})
        log = gateway.stop()
    assert answer.headers["x-request-id"] == "r-1"
    line, invalid, undecoded = requests_of(log)
    phases = ["receive_ms", "prepare_ms", "wait_ms", "run_ms", "encode_ms"]
    assert sum(line[phase] for phase in phases) == pytest.approx(line["ms"], abs=0.01)
    assert line["mongo_ms"] > 0
    expected = {
        "level": "info", "request_id": "r-1", "trace_id": TRACE_ID, "operation": "Page", "kind": "query",
        "client": "web", "client_version": "1.4.2", "viewer": "public", "status": 200, "engine": "compiled",
        "cached": False, "commands": 2, "bytes": len(answer.content),
    }  # fmt: skip
    assert expected.items() <= line.items()
    assert line["hash"] == sha256(QUERY.encode()).hexdigest()[:16]
    assert line["price"] > 2
    assert "code" not in line
    assert (invalid["status"], invalid["code"], invalid["errors"]) == (200, "GRAPHQL_VALIDATION_FAILED", 1)
    assert len(invalid["hash"]) == 16
    assert "operation" not in invalid
    assert (undecoded["status"], undecoded["code"]) == (400, "BAD_REQUEST")


def test_no_line_has_personal_data_unless_a_setting_asks_for_it(sample: Settings, tmp_path: Path) -> None:
    search = {"search": MARKER}
    sign_up = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken errors { message } } }"
    person = {"name": MARKER, "email": "grace@example.org", "password": "a long enough password"}
    for asked in ("false", "true"):
        directory = tmp_path / asked
        directory.mkdir()
        settings = {
            "LECTERN_LOG_PERSONAL_DATA": asked,
            "LECTERN_SLOW_OPERATION": "0.0001",
            "LECTERN_LOG_LEVEL": "debug",
        }
        with running(sample, directory, settings) as gateway:
            gateway.query(QUERY, {"x-forwarded-for": "203.0.113.7"}, **search)
            gateway.query(sign_up, input=person)
            gateway.query('{ course(slug: "grace@example.org") { title } }')
            gateway.query('{ courses(first: "grace@example.org") { totalCount } }')
            log = gateway.stop()
        shown = asked == "true"
        assert ("203.0.113.7" in log) is shown
        assert ("Grace Hopper" in log) is shown
        assert "slow operation" in log
        assert "password" not in log
        if not shown:
            assert "grace" not in log
            assert "127.0.0.1" not in log.replace(
                f"http://127.0.0.1:{gateway.http.base_url.port}/graphql", ""
            )


def test_a_slow_operation_is_logged_with_its_plan_and_not_repeated(sample: Settings, tmp_path: Path) -> None:
    with running(sample, tmp_path, {**SLOW, "LECTERN_LOG_LEVEL": "warning"}) as gateway:
        for _ in range(6):
            gateway.query(QUERY, {"x-request-id": "r-1"})
        log = gateway.stop()
    assert not requests_of(log)
    lines = [json.loads(line) for line in log.splitlines() if "slow operation" in line]
    assert 1 <= len(lines) <= 2  # one per worker
    for line in lines:
        assert [*line][:4] == ["event", "level", "timestamp", "request_id"]
        assert (line["operation"], line["level"]) == ("Page", "warning")
        first, second = line["plan"]
        assert re.fullmatch(
            r"1  Query.courses for 1 parent \d+\.\d ms: aggregate courses 2 documents \d+\.\d ms", first
        ) or first.startswith("1  Query.courses for 1 parent")
        assert re.match(r"2  Course.category for 2 parents \d+\.\d ms: find categories \d documents ", second)


def test_a_log_that_nobody_reads_holds_up_no_request(sample: Settings, tmp_path: Path) -> None:
    """Its pipe is full after about 150 lines."""
    read, write = os.pipe()
    with running(sample, tmp_path, stderr=write) as gateway:
        os.close(write)
        for _ in range(1_000):
            assert gateway.query("{ __typename }").status_code == 200
        gateway.stop()
    os.close(read)


async def _records(world: Settings, *requests: dict[str, Any], **options: Any) -> list[Record]:
    """The records of requests that are sent to a gateway in this process."""
    records: list[Record] = []

    class Recorder(Listener):
        def request_ended(self, record: Record) -> None:
            records.append(record)

    app = create_app(world, Recorder())
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
        for request in requests:
            await client.post("http://lectern/graphql", **request, **options)
    return records


async def test_an_unexpected_error_has_the_same_id_in_the_line_the_log_and_the_response(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its traceback is logged once, and repetitions are counted."""
    marker = "ada@example.org"

    async def failing(*_: object, **__: object) -> None:
        raise ValueError(marker)

    monkeypatch.setattr("app.http.body.read", failing)
    with capture_logs() as logged:
        records = await _records(settings, *[{"json": {"query": "{ __typename }"}}] * 3)
    assert [record.status for record in records] == [500] * 3
    assert len({record.error_id for record in records}) == 3
    (line,) = [line for line in logged if line["event"] == "request failed"]
    assert line["error_id"] == records[0].error_id
    assert marker not in traceback_of(line["exc_info"])


@pytest.mark.parametrize(
    ("roles", "viewer"),
    [
        (None, "public"),
        ([], "none"),
        (["STUDENT"], "student"),
        (["STUDENT", "INSTRUCTOR"], "instructor"),
        (["STAFF", "STUDENT"], "staff"),
    ],
)
async def test_the_viewer_is_the_highest_role(
    database: Database, settings: Settings, roles: list[str] | None, viewer: str
) -> None:
    headers = {}
    if roles is not None:
        token = TOKENS.access(Viewer(frozenset(roles), subject=str(ObjectId()))).text
        headers = {"authorization": f"Bearer {token}"}
    (record,) = await _records(settings, {"json": {"query": "{ __typename }"}}, headers=headers)
    assert record.viewer == viewer


@pytest.mark.parametrize("sent", [b"a\x1b[31m", b"a\x9b31m", b"a\x85", b"a\t"])
async def test_a_client_can_t_send_control_characters_to_a_terminal(
    settings: Settings, sent: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {b"apollographql-client-name": sent + b"b", b"apollographql-client-version": sent}
    (record,) = await _records(settings, {"json": {"query": "{ __typename }"}}, headers=headers)
    assert record.client.name.startswith("a\ufffd")
    RequestLog(0.0, with_requests=False).request_ended(record)
    for text in (console_line(record).decode().rstrip("\n"), capsys.readouterr().out):
        assert "\x1b[31m" not in text.replace("\x1b[0m", "")
        assert not {"\x9b", "\x85", "\t"} & {*text}


async def test_people_read_the_plan_of_a_slow_operation_line_by_line(settings: Settings) -> None:
    (record,) = await _records(settings, {"json": {"query": "{ courses(first: 1) { nodes { id } } }"}})
    with capture_logs() as logged:
        RequestLog(0.0, with_requests=False).request_ended(record)
    render = logs._for_people(structlog.dev.ConsoleRenderer(colors=False))
    first, *plan = str(render(None, "warning", logged[0])).splitlines()
    assert "slow operation" in first
    assert plan == [f"    {line}" for line in request_log.plan_lines(record)]
    assert len(plan) == 1


async def test_a_slow_operation_is_logged_every_ten_seconds_with_a_count(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(request_log, "monotonic", lambda: now)
    listener = RequestLog(0.0, with_requests=False)
    (record,) = await _records(settings, {"json": {"query": "{ __typename }"}})
    with capture_logs() as logged:
        for seconds in (0.0, 1.0, 8.0, 1.5, 20.0):
            now += seconds
            listener.request_ended(record)
    assert [line.get("repeated") for line in logged] == [None, 2, None]


async def test_the_slow_operations_that_are_counted_are_bounded(settings: Settings) -> None:
    listener = RequestLog(0.0, with_requests=False)
    (record,) = await _records(settings, {"json": {"query": "{ __typename }"}})
    with capture_logs() as logged:
        for number in range(1_000):
            record.hash = str(number)
            listener.request_ended(record)
    assert len(logged) == 1_000
    assert len(listener._warned) == 200


@pytest.mark.parametrize(("level", "observed"), [("info", True), ("warning", True), ("error", False)])
def test_nothing_is_observed_for_a_log_that_shows_neither_requests_nor_warnings(
    level: str, observed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setenv("LECTERN_LOG_LEVEL", level)
    monkeypatch.setattr(main, "create_app", lambda _, *listeners, **__: made.append(listeners))
    monkeypatch.setattr("app.memory.settle", lambda: None)
    main.from_environment()
    logs.Log.output.close()
    assert [[type(listener) for listener in listeners] for listeners in made] == [[RequestLog] * observed]
