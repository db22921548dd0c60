"""The limits and timeouts of connections, tested byte by byte over sockets."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.processes import Process, toy, until
from tests.server.wire import BODY, CHUNKS, END, GET, POST, UPGRADE, answers, connected, received, sent

SIZES = {
    "LECTERN_MAX_HEAD_BYTES": "2000",
    "LECTERN_MAX_HEADERS": "10",
    "LECTERN_MAX_URL_BYTES": "500",
}
TIME = 0.6  # seconds of a timeout
TIMES = {
    "LECTERN_HEAD_TIMEOUT": str(TIME),
    "LECTERN_BODY_TIMEOUT": str(TIME),
    "LECTERN_STALL_TIMEOUT": str(TIME),
    "LECTERN_KEEP_ALIVE_TIMEOUT": str(2 * TIME),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with toy(tmp_path_factory.mktemp("toy") / "log", SIZES) as process:
        yield process


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with toy(tmp_path_factory.mktemp("hasty") / "log", TIMES) as process:
        yield process


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Process]:
    """A server that holds at most 1 MB of unread answers."""
    with toy(tmp_path / "log", {"LECTERN_MAX_UNREAD_BYTES": "1000000"}) as process:
        yield process


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Process]:
    """A server that holds at most 20 connections."""
    with toy(tmp_path / "log", {"LECTERN_MAX_CONNECTIONS": "20"}) as process:
        yield process


def field(size: int) -> bytes:
    """A header field of some bytes."""
    return b"X: " + b"a" * (size - 5) + END


HOST = len(b"Host: a\r\n")


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (GET + field(2000 - HOST) + END, [200]),
        (GET + field(2001 - HOST) + END, [431]),
        (GET + field(1000) + field(1000 - HOST) + END, [200]),
        (GET + field(1000) + field(1001 - HOST) + END, [431]),
        (GET + b"X: a\r\n" * 9 + END, [200]),
        (GET + b"X: a\r\n" * 10 + END, [431]),
        (b"GET /" + b"a" * 499 + b" HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
        (b"GET /" + b"a" * 500 + b" HTTP/1.1\r\nHost: a\r\n\r\n", [414]),
        (GET + END + GET + field(2001) + END, [200, 431]),
    ],
)
@pytest.mark.parametrize("piece", [None, 100])
def test_a_head_has_a_size_limit(
    server: Process, data: bytes, statuses: list[int], piece: int | None
) -> None:
    got = sent(server, data, piece, len(statuses))
    assert got.statuses == statuses
    assert got.is_open is (statuses[-1] == 200)
    assert got.is_open or got.code in {"HEAD_TOO_LARGE", "URL_TOO_LONG"}


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (GET + b"X: ", 431),
        (GET + b"X", 431),
        (b"GET /", 414),
        (b"\r\n" * 1000, 431),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", 431),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", 431),
    ],
    ids=["value", "name", "URL", "empty lines", "chunk extension", "trailer"],
)
def test_endless_input_is_refused_soon(server: Process, start: bytes, status: int) -> None:
    with connected(server) as sock:
        sock.sendall(start)
        sock.settimeout(0.02)
        for _ in range(64):
            sock.sendall(start[:2] * 500 if start.startswith(END) else b"a" * 1000)
            try:
                head = sock.recv(1000)
                break
            except TimeoutError:
                continue
        assert int(head[9:12]) == status


def test_trailer_fields_are_not_part_of_the_head(server: Process) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
    assert sent(server, chunked + b"X: a\r\n\r\n").statuses == [200]
    assert sent(server, chunked + b"Host: b\r\n\r\n" + GET + END, count=2).statuses == [200, 200]


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", None), (b"GE", 408), (GET, 408), (POST + b"Content-Length: 5\r\n\r\nhell", 408)],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_a_request_has_a_timeout(hasty: Process, data: bytes, status: int | None) -> None:
    with connected(hasty) as sock:
        began = time.monotonic()
        sock.sendall(data)
        got = answers(sock, 2)
        assert TIME * 0.9 < time.monotonic() - began < 10 * TIME
    assert got.statuses == ([status] if status else [])
    assert not got.is_open
    assert status is None or got.code == "REQUEST_TIMEOUT"


@pytest.mark.parametrize("data", [GET + b"X: a\r\n" * 50, POST + b"Content-Length: 500\r\n\r\n" + b"a" * 500])
def test_a_byte_at_a_time_does_not_extend_the_timeout(hasty: Process, data: bytes) -> None:
    with connected(hasty) as sock:
        began = time.monotonic()
        sock.settimeout(0.01)
        for start in range(len(data)):
            sock.sendall(data[start : start + 1])
            try:
                head = sock.recv(1000)
                break
            except TimeoutError:
                continue
        assert head.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 10 * TIME


def test_each_request_has_its_own_timeout(hasty: Process) -> None:
    with connected(hasty) as sock:
        for _ in range(3):
            sock.sendall(POST + b"Content-Length: 5\r\n\r\n")
            time.sleep(TIME / 2)
            sock.sendall(b"hello" + GET)
            time.sleep(TIME / 2)
            sock.sendall(END)
        assert answers(sock, 6).statuses == [200] * 6


def test_a_slow_answer_does_not_time_out_the_client(hasty: Process) -> None:
    with connected(hasty) as sock:
        sock.sendall(b"GET /?seconds=%f HTTP/1.1\r\nHost: a\r\n\r\n" % (2.5 * TIME))
        assert answers(sock, 1).statuses == [200]


def test_the_timeout_stops_while_the_server_does_not_read(hasty: Process) -> None:
    size = 3_000_000  # more than all buffers hold
    request = b"POST /?seconds=%f HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (2 * TIME, size)
    with connected(hasty) as sock:
        sock.sendall(request + b"a" * size)
        assert answers(sock, 1).last == b"a" * size


def test_an_idle_connection_is_closed(hasty: Process) -> None:
    with connected(hasty) as sock:
        sock.sendall(GET + END)
        began = time.monotonic()
        got = answers(sock, 2)
        assert 2 * TIME * 0.9 < time.monotonic() - began < 10 * TIME
    assert (got.statuses, got.is_open) == ([200], False)


def unread(server: Process, data: bytes) -> socket.socket:
    """A connection that has sent data, with a small receive buffer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(data)
    return sock


def resident(server: Process) -> float:
    """Resident memory of the worker, in MB."""
    status = Path(f"/proc/{server.workers[0]}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


MANY = b"GET /?bytes=10000000 HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_client_that_does_not_read_is_cut_off_and_costs_one_answer(hasty: Process) -> None:
    before = resident(hasty)
    with unread(hasty, MANY * 20) as sock:
        time.sleep(TIME / 2)
        assert resident(hasty) < before + 25
        time.sleep(5 * TIME)
        assert received(sock) < 10_000_000
    until(lambda: resident(hasty) < before + 5, 5)


def test_a_client_that_does_not_read_the_last_answer_is_cut_off(hasty: Process) -> None:
    with unread(hasty, MANY[:-2] + b"Connection: close\r\n\r\n") as sock:
        time.sleep(5 * TIME)
        assert received(sock) < 10_000_000


def test_a_slow_reader_is_not_cut_off(hasty: Process) -> None:
    with unread(hasty, MANY[:-2] + b"Connection: close\r\n\r\n") as sock:
        began, got = time.monotonic(), 0
        while time.monotonic() - began < 3 * TIME:
            got += len(sock.recv(20_000))
            time.sleep(0.05)
        assert got + received(sock) > 10_000_000


PART = b"GET /?bytes=220000 HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("end", [END, b"Connection: close\r\n\r\n"])
def test_the_slowest_reader_is_cut_off_at_the_limit(cramped: Process, end: bytes) -> None:
    with ExitStack() as stack:
        first, second, third = [stack.enter_context(unread(cramped, PART + end)) for _ in range(3)]
        got = [0, 0]
        for _ in range(60):
            time.sleep(0.02)
            got[0] += len(first.recv(500))
            got[1] += len(third.recv(500))
        with unread(cramped, PART + end) as newest:
            until(lambda: "unread responses exceed their limit" in cramped.output)
            assert received(second) < 220_000
            for sock in (first, third, newest):
                sock.settimeout(1)
            assert min(got[0] + received(first), got[1] + received(third), received(newest)) > 220_000


def test_an_answer_alone_may_exceed_the_limit(cramped: Process) -> None:
    with unread(cramped, MANY[:-2] + b"Connection: close\r\n\r\n") as sock:
        time.sleep(0.1)
        assert received(sock) > 10_000_000


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
@pytest.mark.parametrize("size", [5, 5_000_000])
def test_an_answer_before_the_end_of_the_body_closes_the_connection(
    server: Process, size: int, expects: bytes
) -> None:
    with connected(server) as sock:
        sock.sendall(b"POST /client HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n" % (expects, size))
        time.sleep(0.1)
        sock.sendall(
            (GET + END).ljust(size)[:size]
        )  # the server doesn't read it, but must not reset the connection
        sock.settimeout(20)
        head = sock.recv(1_000)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in head
        assert received(sock) == 0


def test_an_answer_after_a_slow_body_keeps_the_connection_open(server: Process) -> None:
    with connected(server) as sock:
        sock.sendall(POST + b"Content-Length: 5\r\n\r\nhe")
        time.sleep(0.1)
        sock.sendall(b"llo" + GET + END)
        got = answers(sock, 2)
    assert (got.statuses, got.is_open) == ([200, 200], True)


def test_pipelined_requests_are_answered_in_order_up_to_a_limit(server: Process) -> None:
    def numbered(count: int) -> bytes:
        return b"".join(b"GET /?bytes=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(count))

    assert sent(server, numbered(9), count=9).statuses == [200] * 9
    got = sent(server, numbered(40), count=40)
    assert (len(got.statuses), got.last, got.is_open) == (9, b"x" * 8, False)


@pytest.mark.parametrize(
    "pipelined",
    [b"", GET + END, 7 * (POST + BODY), 8 * (GET + END)],
    ids=["nothing", "a GET", "POSTs", "8 GETs"],
)
def test_a_disconnect_is_noticed_despite_pipelined_requests(tmp_path: Path, pipelined: bytes) -> None:
    with toy(tmp_path / "log") as server:
        with connected(server) as sock:
            sock.sendall(b"GET /until-gone HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.1)
            sock.sendall(pipelined)
            time.sleep(0.1)
            assert "the client is gone" not in server.log.read_text()
        until(lambda: "the client is gone" in server.log.read_text())


def test_the_number_of_connections_is_limited_and_logged(small: Process) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(small))
        refused = [sent(small, GET + END) for _ in range(3)]
        assert {got.code for got in refused} == {"SERVICE_UNAVAILABLE"}
        with connected(small) as sock:
            head, _, _ = sock.recv(10_000).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nretry-after: 1\r\n" in head
    assert head.endswith(b"\r\nconnection: close")
    until(lambda: sent(small, GET + END).statuses == [200])
    assert small.output.count("connection limit reached") == 1


def test_the_longest_idle_connection_is_closed_for_a_new_one(small: Process) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(connected(small)) for _ in range(20)]
        for sock in idle:
            sock.sendall(GET + END)
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert sent(small, GET + END).statuses == [200]
        assert not answers(idle[0], 0).is_open
        assert all(answers(sock, 0).is_open for sock in idle[1:])


@pytest.mark.parametrize("piece", [None, 7])
@pytest.mark.parametrize(
    ("data", "bodies"),
    [
        (POST + UPGRADE + BODY, 1),
        (POST + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, 1),
        (POST + UPGRADE + BODY + POST + BODY, 2),
        (POST + BODY + POST + UPGRADE + BODY + POST + UPGRADE + BODY, 3),
        (POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + BODY, 1),
        (POST + b"Expect: 100-continue\r\n" + UPGRADE + BODY, 1),
    ],
)
def test_an_upgrade_is_ignored(server: Process, data: bytes, bodies: int, piece: int | None) -> None:
    got = sent(server, data, piece, bodies + (b"100-continue" in data))
    assert [status for status in got.statuses if status != 100] == [200] * bodies
    assert (got.last, got.is_open) == (b"hello", True)


def test_the_body_of_an_upgrade_is_not_a_request(server: Process) -> None:
    """Even if it arrives later than the head."""
    smuggled = GET + END
    with connected(server) as sock:
        sock.sendall(POST + UPGRADE + b"Content-Length: %d\r\n\r\n" % len(smuggled))
        time.sleep(0.1)
        sock.sendall(smuggled)
        got = answers(sock, 1)
    assert (got.statuses, got.last) == ([200], smuggled)


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 5\r\n" + CHUNKED + END + CHUNKS,
        POST + CHUNKED + b"Content-Length: 5\r\n\r\n" + CHUNKS,
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        POST + b"Content-Length: +5\r\n\r\nhello",
        POST + b"Content-Length: 5, 5\r\n\r\nhello",
        POST + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
        POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
        POST + CHUNKED + b"\r\nFFFFFFFFFFFFFFFF1\r\n",
        POST + CHUNKED + b"\r\n5\nhello\n0\n\n",
        GET + b"X: a\r\n b\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\n\r\n",
        GET + b"Host: b\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
@pytest.mark.parametrize("piece", [None, 7])
def test_ambiguous_messages_are_refused(server: Process, data: bytes, piece: int | None) -> None:
    got = sent(server, data, piece)
    assert (got.statuses, got.code, got.is_open) == ([400], "BAD_REQUEST", False)


@pytest.mark.parametrize(
    ("data", "statuses", "is_open"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", [200], False),
        (b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", [200], True),
        (b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", [200], True),
        (b"GET http://a?bytes=3 HTTP/1.1\r\nHost: a\r\n\r\n", [200], True),
        (POST + CHUNKED + END + CHUNKS, [200], True),
        (POST + b"Expect: 100-continue\r\n" + BODY, [100, 200], True),
        (GET + END + b"\x00\x01 no request", [200, 400], False),
        (GET + b"Connection: close\r\n\r\n" + GET + END, [200], False),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + GET + END, [405], False),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", [405], False),
    ],
)
@pytest.mark.parametrize("piece", [None, 7])
def test_other_forms_of_requests(
    server: Process, data: bytes, statuses: list[int], is_open: bool, piece: int | None
) -> None:
    got = sent(server, data, piece, len(statuses))
    assert (got.statuses, got.is_open) == (statuses, is_open)


def test_a_refusal_follows_the_earlier_answers(hasty: Process) -> None:
    slow = b"GET /?seconds=0.1 HTTP/1.1\r\nHost: a\r\n\r\n"
    half = POST + b"Content-Length: 5\r\n\r\nhel"
    with connected(hasty) as sock:
        sock.sendall(slow + half)
        assert answers(sock, 2).statuses == [200, 408]


def test_invalid_requests_do_not_fill_the_log(server: Process) -> None:
    assert "Traceback" not in server.output
    assert "Invalid HTTP" not in server.output


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("*", "192.0.2.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.0/8", "192.0.2.1", "127.0.0.1"),
    ],
)
def test_the_client_address_behind_a_proxy(tmp_path: Path, trusted: str, forwarded: str, client: str) -> None:
    with toy(tmp_path / "log", {"LECTERN_FORWARDED_ALLOW_IPS": trusted}) as server:
        head = f"GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {forwarded}\r\n\r\n"
        assert sent(server, head.encode()).last == client.encode()
