"""Graceful shutdown, from the stop signal until the process exits."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import httpx
import orjson
import pytest

from app.settings import Settings
from loaders.mongo.database import Database
from tests.server.load import get, load, post, until
from tests.server.processes import LECTERN, Process, toy
from tests.server.processes import until as eventually
from tests.storm.gateways import environment

SIGN_UP = """mutation($email: String!) {
  signUp(input: {email: $email, password: "correct horse battery", name: "Ada"}) { errors { message } }
}"""
SMALL = {"query": "{ courses(first: 1) { totalCount } }"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.usefixtures("database")
def test_it_is_unready_but_still_answers_until_the_delay_is_over(
    settings: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    server = Process(
        [*LECTERN, "0"], tmp_path / "log", environment(settings) | {"LECTERN_DRAIN_DELAY": "1.5"}
    )
    url = f"http://127.0.0.1:{server.port}"
    with httpx.Client(base_url=url, timeout=20) as kept:
        assert kept.get("/readyz").status_code == 200
        began = time.monotonic()
        server.signal(number)
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        answer = kept.post("/graphql", json=SMALL)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert httpx.post(f"{url}/graphql", json=SMALL).status_code == 200
    assert server.status() == 0
    assert time.monotonic() - began > 1.5
    assert "Traceback" not in server.output


async def test_a_request_whose_body_arrives_during_the_drain_ends_its_connection(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    server = Process([*LECTERN, "0"], tmp_path / "log", environment(settings) | {"LECTERN_DRAIN_DELAY": "2"})
    head, _, body = post(orjson.dumps(SMALL)).partition(b"\r\n\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head + b"\r\n\r\n")
    await asyncio.sleep(0.2)
    server.signal(signal.SIGTERM)
    ready = f"http://127.0.0.1:{server.port}/readyz"
    await asyncio.to_thread(eventually, lambda: httpx.get(ready).status_code == 503)
    writer.write(body)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    assert server.status() == 0
    writer.close()


async def test_writes_in_flight_are_answered(settings: Settings, database: Database, tmp_path: Path) -> None:
    server = Process([*LECTERN, "0"], tmp_path / "log", environment(settings))
    before = await database["accounts"].count_documents({})
    lines = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
    for number, (_, writer) in enumerate(lines):
        variables = {"email": f"ada-{number}@example.org"}
        writer.write(post(orjson.dumps({"query": SIGN_UP, "variables": variables})))
    server.signal(signal.SIGTERM)
    answers = [await reader.read() for reader, _ in lines]
    assert server.status() == 0
    assert all(answer.endswith(b'{"data":{"signUp":{"errors":[]}}}') for answer in answers), answers
    assert any(b"connection: close" in answer for answer in answers)  # requests after the signal
    assert await database["accounts"].count_documents({}) == before + 5
    for _, writer in lines:
        writer.close()


def test_background_work_is_waited_for(tmp_path: Path) -> None:
    with toy(tmp_path / "log") as server:
        assert httpx.get(f"http://127.0.0.1:{server.port}/work").status_code == 200
        server.signal(signal.SIGTERM)
        assert server.status() == 0
        assert "the work is done" in server.output


async def test_slow_requests_are_cut_off_and_logged_in_one_line(tmp_path: Path) -> None:
    with toy(tmp_path / "log", {"LECTERN_DRAIN_SECONDS": "0.5"}) as server:
        async with load(server.port, get("/?seconds=60"), clients=3) as tally:
            await asyncio.sleep(0.5)
            server.signal(signal.SIGTERM)
            await until(tally, lambda tally: tally.refused >= 3)
        assert tally.failed.total() == 3
        assert server.status() == 0
        lines = [line for line in server.output.splitlines() if "cut off" in line]
    assert len(lines) == 1
    assert "requests=3" in lines[0]
    assert "Traceback" not in server.output


@pytest.mark.parametrize("before", [0, 1])
def test_a_connection_just_opened_or_used_can_be_used_once_more(tmp_path: Path, before: int) -> None:
    with toy(tmp_path / "log") as server, socket.create_connection(("127.0.0.1", server.port)) as kept:
        for _ in range(before):
            kept.sendall(get("/"))
            assert kept.recv(1000).startswith(b"HTTP/1.1 200 ")
        server.signal(signal.SIGTERM)
        time.sleep(0.5)
        kept.sendall(get("/"))
        assert b"connection: close" in kept.recv(1000)
        assert server.status() == 0


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_stopping_gateway_fails_no_request(
    settings: Settings, database: Database, tmp_path: Path, workers: int
) -> None:
    command = [*LECTERN, "0", "--workers", str(workers)]
    server = Process(command, tmp_path / "log", environment(settings))
    async with load(server.port, post(), clients=20) as tally:
        await until(tally, lambda tally: tally.good >= 100)
        server.signal(signal.SIGTERM)
        await until(tally, lambda tally: tally.refused >= 20)
    assert tally.bad == 0, tally
    assert server.status() == 0
