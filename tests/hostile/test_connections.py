"""Hostile use of connections: endless heads, unread answers, stalled requests, too many connections."""

import asyncio
import time
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from shutil import which

import pytest

from app.settings import Settings
from tests.hostile import sockets
from tests.hostile.conftest import production
from tests.hostile.gateway import Gateway, serving
from tests.hostile.test_rows import LEFT, MEMORY, REFUSAL
from tests.support import missing

SHORT = 1.0  # seconds of a client's timeouts in these tests
LATE = 6.0  # seconds until a client must have been cut off: the machine may be busy
TIMES = {
    name: str(SHORT)
    for name in (
        "LECTERN_HEAD_TIMEOUT",
        "LECTERN_BODY_TIMEOUT",
        "LECTERN_STALL_TIMEOUT",
        "LECTERN_KEEP_ALIVE_TIMEOUT",
    )
}
SMALL = "{ courses(first: 1) { nodes { title } } }"
LARGE = "{ courses(first: 100) { nodes { reviews(first: 50) { nodes { id title body } } } } }"
MB = 1_000_000
BUFFERED = 25.0  # MB that the server may hold for clients that don't read
SETTLED = 6.0  # seconds until slow readers have unread answers


@pytest.fixture(scope="module")
def hasty(sample: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with short timeouts."""
    with serving(tmp_path_factory.mktemp("hasty"), production(sample) | TIMES) as gateway:
        for _ in range(3):
            assert not gateway.ask(LARGE).refused
        yield gateway


@pytest.fixture(scope="module")
def patient(sample: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with default settings that has already answered large queries."""
    with serving(tmp_path_factory.mktemp("patient"), production(sample)) as gateway:
        for _ in range(3):
            assert not gateway.ask(LARGE).refused
        yield gateway


HEAD = b"GET /graphql HTTP/1.1\r\nhost: localhost\r\n"


@pytest.mark.parametrize(
    ("start", "size", "status"),
    [
        (HEAD + b"x-a: ", 100 * MB, 431),
        (HEAD + b"accept: ", 8 * MB, 431),
        (b"GET /graphql?query=", 100 * MB, 414),
        (b"GET /", 100 * MB, 414),
        (HEAD + b"x", 100 * MB, 431),
    ],
    ids=["a header", "Accept", "a query", "a path", "a header's name"],
)
def test_a_head_without_an_end_is_refused_at_its_limit(
    hasty: Gateway, start: bytes, size: int, status: int
) -> None:
    pieces = chain([start], repeat(b"a" * 65_536, size // 65_536))
    before = hasty.resident()
    end, spent = hasty.measured(lambda: asyncio.run(sockets.sent(hasty.port, pieces, 10)))

    assert end.status == status, end
    assert spent.cpu < REFUSAL, spent
    assert spent.peak - before < 10, spent


def test_too_many_header_fields_are_refused(hasty: Gateway) -> None:
    fields = (b"x-%d: a\r\n" % number for number in range(5_000))
    end, spent = hasty.measured(
        lambda: asyncio.run(sockets.sent(hasty.port, chain([HEAD], fields, [b"\r\n"]), 10))
    )
    assert end.status == 431, end
    assert spent.cpu < REFUSAL, spent


def test_a_client_that_pipelines_but_does_not_read_is_cut_off_and_costs_no_memory(hasty: Gateway) -> None:
    before = hasty.resident()
    _, spent = hasty.measured(lambda: asyncio.run(_unread(hasty.port, clients=1, requests=60)))
    assert spent.peak - before < BUFFERED, spent
    assert hasty.settled(before + LEFT) < before + LEFT


def test_clients_that_do_not_read_are_cut_off_and_cost_little_memory(hasty: Gateway) -> None:
    before = hasty.resident()
    _, spent = hasty.measured(lambda: asyncio.run(_unread(hasty.port, clients=6, requests=20)))
    assert spent.peak - before < 2 * BUFFERED, spent
    assert hasty.settled(before + LEFT) < before + LEFT


@pytest.mark.parametrize(
    ("clients", "aliases"), [(44, 99), (300, 10), (1_500, 2)], ids=["large", "medium", "small"]
)
def test_slow_readers_cost_little_memory_and_hold_up_nobody(
    patient: Gateway, clients: int, aliases: int
) -> None:
    before = patient.resident()
    statuses, spent = patient.measured(lambda: asyncio.run(_beside_readers(patient, clients, aliases)))
    assert set(statuses) == {200}
    assert spent.peak - before < MEMORY, spent
    assert patient.settled(before + LEFT) < before + LEFT


@pytest.mark.parametrize("token", ["", "authorization: Bearer wrong\r\n"], ids=["read", "unread"])
def test_idle_connections_hold_no_body(patient: Gateway, token: str) -> None:
    before = patient.resident()
    held, spent = patient.measured(lambda: asyncio.run(_held_after(patient, 300, token)))
    assert held - before < BUFFERED, (held - before, spent)
    assert patient.settled(before + LEFT) < before + LEFT


async def _held_after(gateway: Gateway, clients: int, token: str) -> float:
    """MB resident while a number of connections are idle, each after a request of 240 kB."""
    padded = sockets.post("{ __typename }" + " " * 49_000 + "#" * 190_000 if not token else "#" * 240_000)
    request = padded.replace(b"host: localhost\r\n", b"host: localhost\r\n" + token.encode())
    lines = []
    for _ in range(clients):
        reader, writer = await sockets.connected(gateway.port)
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        lines.append(writer)
    await asyncio.sleep(SETTLED)
    held = gateway.resident()
    for writer in lines:
        writer.close()
    return held


def test_a_body_that_is_too_large_closes_the_connection(patient: Gateway) -> None:
    """A client that waits for `100 Continue` doesn't send the body: the next request would be read as one."""
    head = sockets.post_head(10 * MB).replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n")
    end = asyncio.run(sockets.sent(patient.port, iter([head, sockets.post(SMALL)]), LATE))
    assert (end.status, end.received.count(b"HTTP/1.1")) == (413, 1), end
    assert b"\r\nconnection: close\r\n" in end.received
    assert end.received.endswith(b"}]}")


async def _beside_readers(gateway: Gateway, clients: int, aliases: int) -> list[int]:
    """The statuses of successive expensive queries while other clients read their answers at 1.8 kB/s."""
    sockets.many_files()
    request = sockets.post(described(aliases))
    slow = [asyncio.create_task(sockets.sipped(gateway.port, request, 1_800)) for _ in range(clients)]
    await asyncio.sleep(SETTLED)
    statuses = []
    for _ in range(20):
        statuses.append((await asyncio.to_thread(gateway.ask, LARGE)).status)
        await asyncio.sleep(0.2)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    return statuses


def described(aliases: int) -> str:
    """A query whose answer has about 54 kB for each alias."""
    fields = " ".join(f"a{number}: description" for number in range(aliases))
    return f"{{ courses(first: 100) {{ nodes {{ {fields} }} }} }}"


async def _unread(port: int, clients: int, requests: int) -> None:
    """Pipelines requests without reading the answers, until the server cuts the connections off."""
    request = sockets.post(LARGE)
    lines = [await sockets.connected(port) for _ in range(clients)]
    for _, writer in lines:
        writer.write(request * requests)
    deadline = time.monotonic() + 2 * LATE
    for _, writer in lines:
        while not writer.transport.is_closing():
            assert time.monotonic() < deadline, "it was not cut off"
            await asyncio.sleep(0.1)
            writer.write(b"\r\n")  # so that this side notices the end


@pytest.mark.parametrize(
    "data",
    [b"", b"POST ", HEAD + b"x-a: b", sockets.post_head(100), sockets.post_head(100) + b'{"query":'],
    ids=["nothing", "a method", "half a head", "no body", "half a body"],
)
def test_a_client_that_stalls_is_cut_off(hasty: Gateway, data: bytes) -> None:
    async def wait() -> list[sockets.End | None]:
        sockets.many_files()
        lines = [await sockets.connected(hasty.port) for _ in range(800)]
        for _, writer in lines:
            writer.write(data)
        return await asyncio.gather(*(sockets.waited(*line, LATE) for line in lines))

    ends = asyncio.run(wait())

    assert all(end is not None for end in ends), f"{ends.count(None)} are open"
    assert {end.status for end in ends if end} <= {None, 408}
    assert not hasty.ask(SMALL).refused


def test_a_client_that_sends_slowly_is_cut_off(hasty: Gateway) -> None:
    """A byte at a time does not extend the timeout."""

    async def drip(data: bytes) -> float:
        reader, writer = await sockets.connected(hasty.port)
        began = time.monotonic()
        ended = asyncio.create_task(sockets.waited(reader, writer, 3 * LATE))
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            await asyncio.sleep(0.2)
            if ended.done():
                break
        assert await ended
        return time.monotonic() - began

    assert asyncio.run(drip(HEAD * 10)) < LATE
    assert asyncio.run(drip(sockets.post_head(1_000) + b" " * 1_000)) < LATE


def test_more_connections_than_files_are_refused_and_logged(sample: Settings, tmp_path: Path) -> None:
    if not which("prlimit"):
        missing("prlimit is not installed (util-linux, on Linux)")
    limited = ("prlimit", "--nofile=1024:1024")
    times = {"LECTERN_HEAD_TIMEOUT": "30", "LECTERN_KEEP_ALIVE_TIMEOUT": "30"}
    with serving(tmp_path, production(sample) | times, *limited) as gateway:
        ends = asyncio.run(_open_many(gateway, 1_100))
        assert not gateway.ask(SMALL).refused  # the other connections are closed
        log = gateway.log.read_text()

    ended = [end for end in ends if end]
    refused = [end for end in ended if end.status]
    assert len(ended) >= 1_100 - 1_024  # an idle one may have been closed for a new one
    assert {end.status for end in refused} == {503}
    assert all(b"retry-after" in end.received.lower() for end in refused)
    logged = [line for line in log.splitlines() if "connection" in line.lower()]
    assert 1 <= len(logged) <= 5, log


async def _open_many(gateway: Gateway, count: int) -> list[sockets.End | None]:
    """Opens connections that send nothing, and checks that an earlier connection is still served."""
    sockets.many_files()
    reader, writer = await sockets.connected(gateway.port)
    lines = [await sockets.connected(gateway.port) for _ in range(count)]
    ends = await asyncio.gather(*(sockets.waited(*line, 2) for line in lines))
    writer.write(sockets.post(SMALL))
    assert b"200 OK" in await asyncio.wait_for(reader.readline(), LATE)
    writer.transport.abort()
    return ends
