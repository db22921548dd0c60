"""Settings of a supervisor and its workers: files that change, and warnings that aren't repeated."""

import signal
from pathlib import Path

import httpx
import pytest

from app.auth.session_tokens import SessionTokens
from app.settings import Settings
from resolvers.context import PUBLIC
from tests.server.processes import LECTERN, Process, until
from tests.storm.gateways import environment

OLD, NEW = ("the secret before, for a test of", "the secret afterwards, for a test")
VIEWER = {"query": "{ viewer { roles } }"}


@pytest.mark.usefixtures("database")
def test_sighup_makes_new_workers_read_a_secret_from_its_file_again(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{OLD}\n")
    given = environment(settings) | {"LECTERN_SECRET": "", "LECTERN_SECRET_FILE": str(file)}
    server = Process([*LECTERN, "0"], tmp_path / "log", given)
    try:
        assert _accepts(server, OLD)
        assert not _accepts(server, NEW)
        before = set(server.workers)
        file.write_text(f"{NEW}\n")
        server.signal(signal.SIGHUP)
        until(lambda: _accepts(server, NEW))
        until(lambda: not before & set(server.workers))  # until then, the old ones can answer too
        file.write_text("")
        server.signal(signal.SIGHUP)
        until(lambda: "that LECTERN_SECRET_FILE names: it is empty." in server.output)
        assert _accepts(server, NEW)
    finally:
        server.kill()


@pytest.mark.usefixtures("database")
def test_warnings_about_names_are_printed_once_for_all_workers(settings: Settings, tmp_path: Path) -> None:
    given = environment(settings) | {"MAX_DEPTH": "30", "LECTERN_MAX_COSTS": "1"}
    server = Process([*LECTERN, "0", "--workers", "2"], tmp_path / "log", given)
    try:
        assert server.port
        until(lambda: len(server.workers) == 2)
        before = set(server.workers)
        server.signal(signal.SIGHUP)
        until(lambda: len(server.workers) == 2 and not before & set(server.workers))
    finally:
        server.kill()
    assert server.output.count("MAX_DEPTH to LECTERN_MAX_DEPTH") == 1
    assert server.output.count("LECTERN_MAX_COSTS is not a setting") == 1


def _accepts(server: Process, secret: str) -> bool:
    """Whether the gateway accepts a token that is signed with the secret."""
    token = SessionTokens(secret.encode()).access(PUBLIC).text
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.post(f"http://127.0.0.1:{server.port}/graphql", json=VIEWER, headers=headers)
    return answer.status_code == 200
