"""The supervisor and its workers, as real processes."""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from shutil import which

import httpx
import pytest
import uvloop

from app.server import CannotStartError, bound_socket, make_server
from app.settings import Settings
from tests.http.requests import NO_TLS
from tests.server.load import get, load, until
from tests.server.processes import LECTERN, TOY, Process, listens, runs, toy
from tests.server.processes import until as eventually
from tests.server.toy import toy as application
from tests.storm.processes import free_ports
from tests.support import missing


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seconds", [0, 2])
async def test_a_stop_fails_no_request(log: Path, workers: int, seconds: int) -> None:
    with toy(log, {"LECTERN_DRAIN_DELAY": "0.5"}, workers) as server:
        async with load(server.port, get(f"/?seconds={seconds}"), clients=50) as tally:
            await until(tally, lambda tally: tally.good >= 50)
            server.signal(signal.SIGTERM)
            await until(tally, lambda tally: tally.refused >= 50)
        assert tally.bad == 0, tally
        assert server.status() == 0
    assert "Traceback" not in server.output


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_stop_without_a_delay_fails_no_request(log: Path, workers: int) -> None:
    with toy(log, workers=workers) as server:
        async with load(server.port, get("/?seconds=0"), clients=50) as tally:
            await until(tally, lambda tally: tally.good >= 500)
            server.signal(signal.SIGINT)
            await until(tally, lambda tally: tally.refused >= 50)
        assert tally.bad == 0, tally
        assert server.status() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_hup_replaces_workers_without_a_failed_request(log: Path, workers: int) -> None:
    with toy(log, workers=workers) as server:
        port, before = server.port, server.workers
        async with load(port, get("/?seconds=0.01"), clients=20) as tally:
            await until(tally, lambda tally: tally.good >= 100)
            server.signal(signal.SIGHUP)
            await until(tally, lambda _: not set(server.workers) & set(before))
            so_far = tally.good
            await until(tally, lambda tally: tally.good >= so_far + 100)
        assert (tally.bad, tally.refused) == (0, 0), tally
        assert len(server.workers) == workers
    assert "workers are being replaced" in server.output


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_stays_ready_while_its_workers_are_replaced(log: Path, workers: int) -> None:
    """Otherwise a load balancer would remove the address, although other workers serve it."""
    with toy(log, {"LECTERN_DRAIN_DELAY": "3"}, workers=workers) as server:
        before, statuses = set(server.workers), []
        server.signal(signal.SIGHUP)
        while before & set(server.workers):
            statuses.append(ready(server))
        assert len(statuses) > 20
        assert set(statuses) == {200}
        server.signal(signal.SIGTERM)
        eventually(lambda: ready(server) == 503)


def ready(server: Process) -> int:
    """The status of /readyz on a new connection."""
    return httpx.get(f"http://127.0.0.1:{server.port}/readyz", verify=NO_TLS).status_code


def test_a_killed_worker_is_replaced_and_logged(log: Path) -> None:
    with toy(log, workers=2) as server:
        killed, other = server.workers
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: len(set(server.workers) - {killed}) == 2)
        assert other in server.workers
        eventually(lambda: f"worker={killed}" in server.output)
        assert "a worker died and is being replaced" in server.output
        assert "SIGKILL" in server.output


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_supervisor_leaves_no_worker_and_no_port(log: Path, workers: int) -> None:
    with toy(log, workers=workers) as server:
        port, started = server.port, server.workers
        server.kill()
        eventually(lambda: not any(map(runs, started)), 10)
        assert not listens(port)


def test_a_worker_that_cannot_start_ends_the_server_with_one_line(log: Path) -> None:
    (log.parent / "broken").touch()
    server = Process([*TOY, "2"], log)
    assert server.status() == 1
    lines = set(server.output.splitlines())
    assert 1 <= len(lines) <= 2
    assert all("a worker can't start" in line and "it is broken" in line for line in lines)


def test_of_two_servers_that_have_bound_a_port_the_second_one_says_that_it_is_in_use() -> None:
    """Both can bind the port, because neither listens yet."""
    with bound_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with bound_socket("127.0.0.1", port) as second:
            first.listen()
            server = make_server(lambda: application, Settings())
            with pytest.raises(CannotStartError, match=f"^Can't listen on 127.0.0.1 port {port}: Address"):
                uvloop.run(server.serve([second]))


def test_gateways_that_start_together_on_a_port_leave_one_that_serves(
    settings: Settings, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    own = {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
    }
    both = [Process([*LECTERN, str(port)], tmp_path / name, own) for name in ("one", "other")]
    try:
        eventually(lambda: any("is serving" in gateway.output for gateway in both))
        _, refused = sorted(both, key=lambda gateway: "is serving" not in gateway.output)
        assert refused.status() == 1
        assert "is serving" not in refused.output
        assert f"Can't listen on 127.0.0.1 port {port}: Address already in use." in refused.output
        assert "Traceback" not in refused.output
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    finally:
        for gateway in both:
            gateway.kill()


def test_a_successor_that_cannot_start_leaves_the_others_alone(log: Path) -> None:
    with toy(log, workers=2) as server:
        before = server.workers
        (log.parent / "broken").touch()
        server.signal(signal.SIGHUP)
        eventually(lambda: "a worker did not start" in server.output)
        eventually(lambda: server.workers == before)
        assert httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 200


def test_successors_that_could_not_start_are_tried_again(log: Path) -> None:
    with toy(log, workers=2) as server:
        before = set(server.workers)
        (log.parent / "broken").touch()
        server.signal(signal.SIGHUP)
        eventually(lambda: server.output.count("a worker did not start") >= 2)
        (log.parent / "broken").unlink()
        eventually(lambda: len(server.workers) == 2 and not before & set(server.workers))
        assert httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 200


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_while_the_server_starts(log: Path, stop: signal.Signals) -> None:
    """SIGHUP has no effect yet. A signal to stop ends the process with status 0, as it does later."""
    away = {"LECTERN_MONGODB_URI": "mongodb://127.0.0.1:1", "LECTERN_WAIT_FOR_MONGODB": "60"}
    server = Process([*LECTERN, "0"], log, away)
    eventually(lambda: "Waiting for MongoDB" in server.output)
    server.signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        server.status(1)
    server.signal(stop)
    assert server.status(10) == 0
    assert server.output == "Waiting for MongoDB, for up to 60 seconds.\n"


def test_responses_have_the_current_date_until_the_process_ends(log: Path) -> None:
    with toy(log, {"LECTERN_DRAIN_DELAY": "9"}) as server:
        url = f"http://127.0.0.1:{server.port}"
        dates = {httpx.get(url).headers["date"]}

        def are_several() -> bool:
            dates.add(httpx.get(url).headers["date"])
            return len(dates) > 3

        server.signal(signal.SIGTERM)
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        eventually(are_several, 9)


def test_a_second_ctrl_c_ends_the_server_at_once(log: Path) -> None:
    with toy(log, {"LECTERN_DRAIN_DELAY": "30"}) as server:
        server.signal(signal.SIGINT)
        eventually(lambda: "draining" in server.output)
        assert server.process.poll() is None
        server.signal(signal.SIGINT)
        server.status(10)


def test_workers_are_added_and_taken_away(log: Path) -> None:
    with toy(log) as server:
        server.signal(signal.SIGTTIN)
        eventually(lambda: len(server.workers) == 2)
        server.signal(signal.SIGTTOU)
        eventually(lambda: len(server.workers) == 1)


def test_a_worker_holds_as_many_connections_as_it_may_open_files(log: Path) -> None:
    if not which("prlimit"):
        missing("prlimit is not installed (util-linux, on Linux)")
    server = Process(["prlimit", "--nofile=100:600", *TOY, "1"], log, {"LECTERN_MAX_CONNECTIONS": "400"})
    assert server.port
    limits = Path(f"/proc/{server.workers[0]}/limits").read_text()
    server.kill()
    assert re.search(r"Max open files +600 +600 ", limits)
    assert re.search("fewer connections than LECTERN_MAX_CONNECTIONS.*connections=344", server.output)


def test_ctrl_c_sent_to_all_processes_of_a_terminal_drains(log: Path) -> None:
    with toy(log, workers=2) as server:
        for pid in server.workers:
            os.kill(pid, signal.SIGINT)
        server.signal(signal.SIGINT)
        assert server.status() == 0


@pytest.mark.alone
def test_it_listens_only_once_it_can_answer(log: Path) -> None:
    with toy(log, workers=2) as server:
        port = server.port
        server.signal(signal.SIGTERM)
        server.status()
        again = Process([*TOY, "2", str(port)], log.with_name("again"))
        eventually(lambda: _answers(port))
        again.kill()


def _answers(port: int) -> bool:
    """Whether the server accepts a connection. If it does, it must answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
            sock.sendall(get("/"))
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
    except ConnectionRefusedError:
        return False
    return True
