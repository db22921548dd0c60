"""The metrics of real gateways with two workers: one page for all, and counters that never decrease."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from app.metrics import SharedMemory
from app.metrics.families import DERIVED, STORED
from app.server import workers
from app.settings import Settings
from loaders.mongo import Database
from tests.metrics.gateways import OPENMETRICS, REQUESTS, Gateway, serving, sum_of
from tests.server.processes import LECTERN, Process, listens, runs
from tests.server.processes import until as eventually
from tests.storm.gateways import environment
from tests.support import missing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture(scope="module")
def shared(
    settings: Settings, indexed_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway for tests that leave its processes alone."""
    with serving(settings, tmp_path_factory.mktemp("gateway") / "log") as gateway:
        yield gateway


@pytest.fixture
def gateway(settings: Settings, indexed_database: Database, log: Path) -> Iterator[Gateway]:
    with serving(settings, log) as gateway:
        yield gateway


async def send(gateway: Gateway, number: int) -> None:
    """Sends requests on their own connections, so that both workers get some."""
    for _ in range(number):
        assert (await asyncio.to_thread(gateway.query)).is_success


async def test_one_page_counts_the_requests_of_all_workers(shared: Gateway) -> None:
    before = shared.page().text
    await send(shared, 40)
    text = shared.page().text

    def increase(name: str, **labels: str) -> float:
        return sum_of(text, name, **labels) - sum_of(before, name, **labels)

    labels = {"http_request_method": "POST", "http_route": "/graphql", "http_response_status_code": "200"}
    assert increase(REQUESTS, **labels) == 40
    assert increase("lectern_operations_total", engine="compiled", reason="") == 40
    assert increase("db_client_operation_duration_seconds_count") == 80
    assert increase("lectern_document_cache_requests_total") == 40
    assert sum_of(text, "lectern_workers", state="serving") == 2
    assert sum_of(text, "lectern_mongodb_up") == 1


async def test_counters_never_decrease_whatever_happens_to_the_processes(gateway: Gateway, log: Path) -> None:
    sent = 0

    async def count() -> None:
        """Sends more requests. All of them are counted, those of processes that have ended, too."""
        nonlocal sent
        await send(gateway, 10)
        sent += 10
        assert gateway.value(REQUESTS) == sent

    await count()
    before = gateway.workers
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: gateway.value("lectern_worker_deaths_total", reason="SIGKILL") == 1)
    eventually(lambda: gateway.value("lectern_workers", state="serving") == 2)
    await count()

    before = gateway.workers
    gateway.process.signal(signal.SIGHUP)
    eventually(lambda: not set(gateway.workers) & set(before) and len(gateway.workers) == 2)
    await count()

    gateway.process.signal(signal.SIGTTIN)
    eventually(lambda: gateway.value("lectern_workers", state="serving") == 3)
    await count()
    gateway.process.signal(signal.SIGTTOU)
    eventually(lambda: len(gateway.workers) == 2)
    await count()

    admin = gateway.process.workers[0]
    os.kill(admin, signal.SIGKILL)
    eventually(lambda: "the admin process died and is being replaced" in log.read_text())
    eventually(lambda: len(gateway.process.workers) == 3)
    await count()
    assert gateway.value("lectern_worker_deaths_total") == 1


def test_a_worker_that_hangs_is_still_counted(shared: Gateway) -> None:
    before = shared.value(REQUESTS)
    shared.query()
    for worker in shared.workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        assert shared.value(REQUESTS) == before + 1
        assert shared.value("lectern_workers", state="serving") == 2
    finally:
        for worker in shared.workers:
            os.kill(worker, signal.SIGCONT)


def test_exemplars_name_the_sampled_traces(shared: Gateway) -> None:
    for trace, flags in ((TRACE, "01"), ("1" * 32, "00")):
        shared.query(traceparent=f"00-{trace}-00f067aa0ba902b7-{flags}")
    answer = shared.page(headers=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    found = [
        (sample.name, sample.exemplar.labels)
        for family in _open_families(answer.text)
        for sample in family.samples
        if sample.exemplar
    ]
    histograms = ("http_server_request_duration_seconds_bucket", "lectern_operation_duration_seconds_bucket")
    assert found == [(name, {"trace_id": TRACE}) for name in histograms]
    plain = shared.page()
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert TRACE not in plain.text


def _open_families(text: str) -> list[Metric]:
    return list(openmetrics_families(text))  # type: ignore[no-untyped-call]


def test_both_formats_are_valid_and_have_every_metric(shared: Gateway) -> None:
    shared.query()
    plain, open_ = shared.page().text, shared.page(headers=OPENMETRICS).text
    expected = {family.prometheus_name for family in (*STORED, *DERIVED)}
    assert {family.name for family in text_string_to_metric_families(plain)} == expected
    assert {family.name for family in _open_families(open_)} == expected
    if not which("promtool"):
        missing("promtool is not installed (Debian's prometheus)")
    checked = subprocess.run(["promtool", "check", "metrics"], input=plain, capture_output=True, text=True)
    # OpenTelemetry's name ends like a part of a histogram.
    lint = 'db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix'
    assert [line for line in (checked.stdout + checked.stderr).splitlines() if line != lint] == []


def test_ready_means_that_a_worker_serves_and_mongodb_answers(shared: Gateway) -> None:
    eventually(lambda: shared.page("/readyz").status_code == 200)
    assert shared.page("/readyz").json() == {"status": "ok"}
    assert shared.page("/healthz").json() == {"status": "ok"}


def test_what_the_server_refuses_is_counted(shared: Gateway) -> None:
    port = shared.process.port
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")  # without a Host
        assert client.recv(100).startswith(b"HTTP/1.1 400")
        eventually(lambda: shared.value("lectern_rejections_total", http_response_status_code="400") == 1)
    with socket.create_connection(("127.0.0.1", port)):
        eventually(lambda: shared.value("lectern_connections", state="active") >= 1)


def test_a_scraper_that_does_not_read_holds_up_nobody(shared: Gateway) -> None:
    host, port = shared.admin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as lazy:
        lazy.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
        assert shared.page().is_success


def test_draining_is_shown_to_the_end(settings: Settings, indexed_database: Database, log: Path) -> None:
    with serving(settings, log, {"LECTERN_DRAIN_DELAY": "2"}) as gateway:
        gateway.query()
        workers = gateway.workers
        for child in gateway.process.workers:  # a terminal sends Ctrl-C to all processes
            os.kill(child, signal.SIGINT)
        gateway.process.signal(signal.SIGINT)
        eventually(lambda: gateway.page("/readyz").status_code == 503)
        seen = 0
        while any(map(runs, workers)):
            assert gateway.page("/readyz").json() == {"status": "draining"}
            assert gateway.value(REQUESTS) == 1
            seen += 1
        assert seen > 5
        assert gateway.process.status() == 0
    assert "Traceback" not in log.read_text()


def test_the_admin_process_ends_with_a_killed_supervisor(gateway: Gateway) -> None:
    children = gateway.process.workers
    port = int(gateway.admin.rpartition(":")[2])
    gateway.process.kill()
    eventually(lambda: not any(map(runs, children)))
    eventually(lambda: not listens(port))


def test_the_public_port_has_the_metrics_of_all_workers_if_wanted(
    settings: Settings, indexed_database: Database, log: Path
) -> None:
    with serving(settings, log, {"LECTERN_METRICS": "true", "LECTERN_ADMIN_PORT": "0"}) as gateway:
        for _ in range(20):
            gateway.query()
        counted = {sum_of(httpx.get(f"{gateway.url}/metrics").text, REQUESTS) for _ in range(10)}
        assert counted == {20}
        assert len(gateway.process.workers) == 2  # there is no admin process


def test_the_admin_port_is_another_one(settings: Settings, log: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    process = Process([*LECTERN, port], log, {**environment(settings), "LECTERN_ADMIN_PORT": port})
    assert process.status() == 1
    assert process.output == f"LECTERN_ADMIN_PORT and --port are both {port}: choose another one of them.\n"


def test_a_port_in_use_is_reported_first(settings: Settings, log: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = Process([*LECTERN, "0"], log, {**environment(settings), "LECTERN_ADMIN_PORT": str(port)})
        assert process.status() == 1
    message = f"Can't listen on 127.0.0.1 port {port}: Address already in use."
    assert re.sub(r"\s+", " ", process.output).startswith(message)
    assert "LECTERN_ADMIN_HOST and LECTERN_ADMIN_PORT" in process.output


def test_no_more_workers_are_added_than_have_room_for_their_successors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = SharedMemory(20)  # with the supervisor's own, 21 slots
    application = workers._Application(lambda: None, {"workers": 9}, memory)  # type: ignore[arg-type,return-value]
    with socket.socket() as listening, capture_logs() as logged:
        supervisor = workers._Supervisor(application, listening, lambda: None, memory, None)
        monkeypatch.setattr(supervisor, "manage_workers", lambda: None)
        counts = []
        for _ in range(3):
            supervisor.handle_ttin()
            counts.append(supervisor.num_workers)
    assert counts == [10, 10, 10]
    assert [line["workers"] for line in logged] == [10, 10]
