"""Compressed answers: for which clients, from which size, how, and without blocking the event loop."""

import asyncio
import gzip
import multiprocessing
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor

import httpx
import orjson
import pytest

from app.http import compression
from app.http.reply import Reply
from tests.http.requests import QUERY, Serve, client, post

BIG = {"query": "{ " + " ".join(f"alias_{n:050}: __typename" for n in range(45)) + " }"}


def reply(size: int) -> Reply:
    return Reply([b"x" * size], 200, "application/json")


@pytest.fixture
def url(serve: Serve) -> str:
    return serve()


async def ask(url: str, accept_encoding: str | None, body: object = BIG) -> tuple[httpx.Response, bytes]:
    """The answer, and its bytes as they were sent."""
    async with client(url) as http:
        http.headers.clear()
        lines = {"content-type": "application/json"} | (
            {} if accept_encoding is None else {"accept-encoding": accept_encoding}
        )
        async with http.stream("POST", "/graphql", content=orjson.dumps(body), headers=lines) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
    return answer, raw


@pytest.mark.parametrize("accepted", ["gzip", "gzip, br, zstd", "br;q=1.0, gzip;q=0.5, *;q=0", "*"])
async def test_answers_are_compressed_for_clients_that_accept_it(url: str, accepted: str) -> None:
    plain, whole = await ask(url, None)
    answer, raw = await ask(url, accepted)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(raw) < len(whole) / 3
    assert gzip.decompress(raw) == whole
    assert "content-encoding" not in plain.headers
    assert answer.headers["vary"] == plain.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize("accepted", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.1, identity"])
async def test_answers_are_not_compressed_for_other_clients(url: str, accepted: str | None) -> None:
    answer, raw = await ask(url, accepted)
    assert "content-encoding" not in answer.headers
    assert orjson.loads(raw)["data"][f"alias_{44:050}"] == "Query"


async def test_refusals_and_short_answers_are_not_compressed(url: str) -> None:
    bodies: list[object] = [{"query": QUERY}, {"query": "{ x }"}, []]
    for body in bodies:
        answer, raw = await ask(url, "gzip", body)
        assert "content-encoding" not in answer.headers
        assert orjson.loads(raw)


async def test_compression_can_be_turned_off(serve: Serve) -> None:
    answer, raw = await ask(serve(compression=False), "gzip")
    assert "content-encoding" not in answer.headers
    assert orjson.loads(raw)


async def test_head_has_the_length_of_what_get_would_send(url: str) -> None:
    async with client(url) as http:
        get = await http.get("/graphql", params=BIG)
        head = await http.head("/graphql", params=BIG)
    assert get.headers["content-encoding"] == head.headers["content-encoding"] == "gzip"
    assert get.headers["content-length"] == head.headers["content-length"]


async def test_compressed_and_plain_answers_share_a_connection(url: str) -> None:
    async with client(url) as http:
        for _ in range(3):
            assert (await post(http, orjson.dumps(BIG))).json()["data"][f"alias_{0:050}"] == "Query"
            assert (await post(http, orjson.dumps({"query": QUERY}))).status_code == 200


@pytest.mark.parametrize(("size", "is_compressed"), [(1399, False), (1400, True)])
async def test_answers_are_compressed_from_the_size_of_a_packet(size: int, is_compressed: bool) -> None:
    assert reply(size).may_be_compressed({b"accept-encoding": b"gzip"}) is is_compressed
    assert not reply(size).may_be_compressed({})


@pytest.mark.parametrize("size", [2_000, compression.INLINE, compression.INLINE + 1, 400_000])
@pytest.mark.parametrize("parts", [1, 3])
async def test_all_parts_form_one_stream(size: int, parts: int) -> None:
    body = [bytes([65 + n]) * size for n in range(parts)]
    done = await Reply(body, 200, "application/json", {"x": "y"}).compressed()
    assert gzip.decompress(b"".join(done.body)) == b"".join(body)
    assert done.headers == {"x": "y", "content-encoding": "gzip"}
    assert done.status == 200


def long_answer() -> list[bytes]:
    """Ten megabytes, in parts like those of an encoded answer."""
    text = orjson.dumps([{"id": n, "title": f"course {n * 7919}"} for n in range(250_000)])
    return [text[start : start + 131_072] for start in range(0, len(text), 131_072)]


def peak_of_compressing() -> tuple[int, int, int]:
    """Bytes: the peak of memory while a long answer is compressed, the compressed size, the original size."""
    parts = long_answer()
    tracemalloc.start()
    done = asyncio.run(compression.compressed(parts))
    _, peak = tracemalloc.get_traced_memory()
    return peak, sum(map(len, done)), sum(map(len, parts))


def test_the_whole_answer_is_never_copied() -> None:
    """Measured in a separate process: tracemalloc counts all threads, including those of a gateway."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        peak, compressed, whole = alone.submit(peak_of_compressing).result()
    # the compressed answer, zlib's 256 kB, and a part
    assert peak < 1.2 * compressed < 0.5 * whole


@pytest.mark.alone
async def test_large_answers_do_not_block_the_loop() -> None:
    """Compressing ten megabytes takes over a tenth of a second. The loop is never blocked for a tenth of
    that.
    """
    parts = long_answer()
    longest, ended = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not ended:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    watching = asyncio.create_task(watch())
    done = await compression.compressed(parts)
    ended = True
    await watching
    assert gzip.decompress(b"".join(done)) == b"".join(parts)
    assert longest < 0.01


async def test_the_size_of_a_real_answer_is_near_the_default_of_gzip(gateway_url: str) -> None:
    """The default is level 6, whose result is at most 8 % smaller."""
    query = """{ courses(first: 50) { nodes { id slug title summary description tags rating { average count }
        reviews(first: 10) { nodes { id body rating createdAt student { name } } } } } }"""
    answer, raw = await ask(gateway_url, "gzip", {"query": query})
    whole = gzip.decompress(raw)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(whole) > 100_000
    assert len(raw) < len(gzip.compress(whole, 6)) * 1.08
