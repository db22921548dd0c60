"""A MongoDB that is slow, unresponsive or gone. LECTERN_MONGODB_DRIVER chooses the driver."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from app.settings import Settings
from tests.hostile import mongod, sockets
from tests.hostile.conftest import load, production
from tests.hostile.gateway import JSON, Gateway, Reply, serving
from tests.hostile.mongod import Mongod
from tests.server.processes import until
from tests.storm.storm import settings_of

DEADLINE = 4.0  # seconds that a request has in these tests
SOON = 1.0  # seconds for anything that must not be delayed
READY = 2.0  # seconds until /readyz must answer
SLACK = 1.5  # seconds that a busy machine may add
BLOCKED = 30.0  # seconds that a slow query would take
DATABASE = "away"

SMALL = "{ courses(first: 1) { nodes { title } } }"
SLOW = "{ courses(first: 5) { nodes { reviews(first: 2) { nodes { student { name } } } } } }"
SIGN_UP = """mutation {
  signUp(input: { name: "Somebody", email: "%s@example.org", password: "a long one" }) { errors { code } }
}"""
MEDIA_TYPES = ("application/json", "application/graphql-response+json")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with mongod.running(tmp_path_factory.mktemp("away")) as own:
        yield own


@pytest.fixture(scope="module")
def away(own: Mongod) -> Settings:
    settings = settings_of(own.uri, DATABASE)
    asyncio.run(load(settings))
    return settings


@pytest.fixture(scope="module")
def patient(away: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a deadline of DEADLINE, half of it to find a MongoDB server, as by default."""
    times = {"LECTERN_REQUEST_TIMEOUT": str(DEADLINE), "LECTERN_MONGODB_TIMEOUT": str(DEADLINE / 2)}
    with serving(tmp_path_factory.mktemp("patient"), production(away) | times) as gateway:
        for query in (SMALL, SLOW):
            assert not gateway.ask(query).refused
        yield gateway


def timed(do: Callable[[], Reply]) -> tuple[Reply, float]:
    began = time.monotonic()
    return do(), time.monotonic() - began


@contextmanager
def asking(gateway: Gateway, query: str, clients: int) -> Iterator[Sequence["Future[tuple[Reply, float]]"]]:
    """Sends a query from several clients at once, and yields the futures of their answers."""
    with ThreadPoolExecutor(clients) as pool:
        yield [pool.submit(timed, lambda: gateway.ask(query)) for _ in range(clients)]


def codes(reply: Reply) -> set[str]:
    return {error["extensions"]["code"] for error in reply.json().get("errors", [])}


def nothing_runs(own: Mongod, within: float = SOON) -> bool:
    """Whether MongoDB has no running operation of the gateway by then."""
    deadline = time.monotonic() + within
    while own.running(DATABASE):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_slow_queries_have_a_deadline_and_do_not_delay_others(patient: Gateway, own: Mongod) -> None:
    with own.slow(f"{DATABASE}.students", BLOCKED), asking(patient, SLOW, 10) as clients:
        time.sleep(0.5)
        small = [timed(lambda: patient.ask(SMALL)) for _ in range(5)]
        ready = timed(lambda: patient.get("/readyz"))
        written = timed(lambda: patient.ask(SIGN_UP % time.time_ns()))
        slow = [client.result() for client in clients]
        assert nothing_runs(own)

    assert not any(reply.refused for reply, _ in small)
    assert max(seconds for _, seconds in small) < SOON
    assert ready[0].status == 200
    assert ready[1] < READY
    assert written[0].json() == {"data": {"signUp": {"errors": []}}}
    assert written[1] < DEADLINE
    assert {code for reply, _ in slow for code in codes(reply)} == {"TIMEOUT"}
    assert max(seconds for _, seconds in slow) < DEADLINE + SLACK


def test_no_work_is_done_for_clients_that_left(patient: Gateway, own: Mongod) -> None:
    async def leave() -> None:
        lines = [await sockets.connected(patient.port) for _ in range(20)]
        for _, writer in lines:
            writer.write(sockets.post(SLOW))
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(own.running, DATABASE)
        for _, writer in lines:
            writer.transport.abort()

    with own.slow(f"{DATABASE}.students", BLOCKED):
        asyncio.run(leave())
        assert nothing_runs(own)
        reply, seconds = timed(lambda: patient.ask(SMALL))
    assert not reply.refused
    assert seconds < SOON


def test_an_unresponsive_mongodb_is_waited_for_until_the_deadline(patient: Gateway, own: Mongod) -> None:
    with own.stopped(), asking(patient, SMALL, 10) as clients:
        unready, known = timed(lambda: patient.get("/readyz"))
        answers = [client.result() for client in clients]
    assert unready.status == 503
    assert known < READY + SLACK
    assert str(own.uri.split(":")[2].partition("/")[0]) not in unready.body.decode()
    assert max(seconds for _, seconds in answers) < DEADLINE + SLACK
    assert {code for reply, _ in answers for code in codes(reply)} <= {"TIMEOUT", "SERVICE_UNAVAILABLE"}
    assert all(codes(reply) for reply, _ in answers), answers
    recovers(patient)


def recovers(gateway: Gateway, within: float = 15) -> None:
    """Asserts that the gateway recovers without a restart."""
    deadline = time.monotonic() + within
    while gateway.ask(SMALL).refused or gateway.get("/readyz").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_requests_fail_fast_while_mongodb_is_gone_and_the_log_stays_short(
    patient: Gateway, own: Mongod
) -> None:
    log = len(patient.log.read_text())
    own.kill()
    try:
        with asking(patient, SMALL, 20) as clients:
            answers = [client.result() for client in clients]
        later = [timed(lambda kind=kind: asked(patient, kind)) for kind in MEDIA_TYPES * 20]  # type: ignore[misc] # binds the loop variable
        write, seconds = timed(lambda: patient.ask(SIGN_UP % time.time_ns()))
        unready = patient.get("/readyz")
        until(lambda: "MongoDB is not responding" in patient.log.read_text()[log:])  # written in background
        added = patient.log.read_text()[log:]
    finally:
        own.start()

    assert {reply.status for reply, _ in answers + later} == {503}, [reply for reply, _ in answers + later]
    assert all(int(reply.headers["retry-after"]) > 0 for reply, _ in answers + later)
    assert {code for reply, _ in answers + later for code in codes(reply)} == {"SERVICE_UNAVAILABLE"}
    assert max(seconds for _, seconds in answers) < DEADLINE + SLACK
    assert sum(seconds for _, seconds in later) < 20 * SOON, "all are quick, except one that retries"
    assert write.status == 503
    assert seconds < DEADLINE + SLACK
    assert unready.status == 503
    assert "127.0.0.1" not in unready.body.decode()
    assert "Traceback" not in added
    others = [line for line in added.splitlines() if "[info" not in line]  # each request has a line too
    assert 1 <= len(others) <= 10, added
    recovers(patient)


def asked(gateway: Gateway, media_type: str) -> Reply:
    body = b'{"query": "{ courses(first: 1) { nodes { title } } }"}'
    return gateway.request("POST", "/graphql", body, {**JSON, "accept": media_type})
