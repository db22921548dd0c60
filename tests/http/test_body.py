"""The body of a request: its media type, charset, coding, size and JSON."""

import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.http import body
from tests.http.conftest import MAX_BODY_BYTES
from tests.http.requests import ANSWER, BODY, Serve, client, error, post

GZIP = ("content-encoding", "gzip")


def padded(size: int) -> bytes:
    return BODY.ljust(size)


# -- media type --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; charset=utf8",
        'application/json ; charset="UTF-8"',
        "application/json; charset = UTF8 ;",
        'application/json; profile="charset=utf-16"; charset=utf-8',
    ],
)
async def test_json_in_utf_8_is_accepted(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await post(http, BODY, content_type=content_type)
    assert (answer.status_code, answer.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-16",
        "application/json; charset = utf-16",
        'application/json; charset="utf-16"',
        "application/json; charset=utf-16; note=utf-8",
        "application/json; charset=utf-8; charset=latin1",
        "application/json; charset=",
    ],
)
async def test_other_charsets_are_refused(http: httpx.AsyncClient, content_type: str) -> None:
    status, code, message = error(await post(http, BODY, content_type=content_type))
    assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "charset=utf-8" in message


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/graphql", "application/jsonp", "json"]
)
async def test_other_media_types_are_refused(http: httpx.AsyncClient, content_type: str) -> None:
    status, code, message = error(await post(http, BODY, content_type=content_type))
    assert (status, code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "`Content-Type: application/json`" in message


# -- coding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "GZip", "x-gzip", "identity, gzip"])
async def test_a_gzip_body_is_read(http: httpx.AsyncClient, coding: str) -> None:
    answer = await post(http, gzip.compress(BODY), ("content-encoding", coding))
    assert (answer.status_code, answer.json()) == (200, ANSWER)


@pytest.mark.parametrize("coding", ["", "identity"])
async def test_identity_is_not_a_coding(http: httpx.AsyncClient, coding: str) -> None:
    assert (await post(http, BODY, ("content-encoding", coding))).json() == ANSWER


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip", "br, gzip", "aes128gcm"])
async def test_other_codings_are_refused(http: httpx.AsyncClient, coding: str) -> None:
    answer = await post(http, BODY, ("content-encoding", coding))
    assert error(answer)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept-encoding"] == "gzip"


async def test_two_lines_of_codings_are_a_list(http: httpx.AsyncClient) -> None:
    assert error(await post(http, gzip.compress(BODY), GZIP, GZIP))[0] == 415


WHOLE = gzip.compress(BODY)


@pytest.mark.parametrize(
    "content",
    [
        BODY,
        b"",
        WHOLE[:-1],
        WHOLE + b"x",
        WHOLE + WHOLE,
        WHOLE[:-6] + b"\0" + WHOLE[-5:],
        zlib.compress(BODY),
    ],
    ids=["plain", "empty", "cut", "more", "twice", "wrong checksum", "zlib"],
)
async def test_an_invalid_gzip_body_is_refused(http: httpx.AsyncClient, content: bytes) -> None:
    status, code, message = error(await post(http, content, GZIP))
    assert (status, code) == (400, "BAD_REQUEST")
    assert "gzip" in message


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_is_at_most_max_body_bytes(
    http: httpx.AsyncClient, size: int, status: int, chunked: bool, compressed: bool
) -> None:
    content = gzip.compress(padded(size)) if compressed else padded(size)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    answer = await post(http, parts() if chunked else content, *([GZIP] if compressed else []))
    assert answer.status_code == status
    if status == 413:
        assert error(answer)[1:] == (
            "REQUEST_TOO_LARGE",
            "The body is larger than 1000 bytes (LECTERN_MAX_BODY_BYTES).",
        )


async def test_a_gzip_bomb_ends_at_the_limit(http: httpx.AsyncClient) -> None:
    assert error(await post(http, gzip.compress(b" " * 900_000)[:990], GZIP))[0] == 413


async def test_a_declared_length_is_refused_before_a_body_is_read() -> None:
    async def receive() -> Any:
        raise AssertionError("it was read")

    with pytest.raises(HTTPException, match="larger than 10 bytes"):
        await body.read(receive, {b"content-type": b"application/json", b"content-length": b"11"}, 10)


GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"

#: Eight blocks of a gzip stream that contain only a Huffman table each: the input that takes the most time
#: per byte.
EMPTY_BLOCKS = bytes.fromhex(
    "04c081000000000010ffd524000e040000000080f8af260170200000000000c47f35098003010000000020fe"
    "ab49001c080000000000f15f4d02e040000000000088ff6a120007020000000040fc57930038100000000000"
    "e2bf9a"
)


def pieces_of(content: bytes, size: int = 65_536) -> Receive:
    starts = iter(range(0, len(content), size))

    async def receive() -> Message:
        start = next(starts)
        more = start + size < len(content)
        return {"type": "http.request", "body": content[start : start + size], "more_body": more}

    return receive


@pytest.mark.alone
@pytest.mark.parametrize(
    "stream",
    [gzip.compress(bytes(20_000_000)), GZIP_HEAD + EMPTY_BLOCKS * 11_000],
    ids=["zeros", "empty blocks"],
)
async def test_a_gzip_bomb_takes_little_time(stream: bytes) -> None:
    receive = pieces_of(stream)
    fields = {b"content-type": b"application/json", b"content-encoding": b"gzip"}
    started = time.thread_time()
    with pytest.raises(HTTPException, match="larger than 1000000 bytes"):
        await body.read(receive, fields, 1_000_000)
    assert time.thread_time() - started < 0.15


@pytest.mark.alone
async def test_many_small_pieces_take_linear_time() -> None:
    """A megabyte in pieces of ten bytes: if each piece copied the body, 50 GB would be copied."""
    started = time.thread_time()
    read = await body.read(pieces_of(b"x" * 1_000_000, 10), {b"content-type": b"application/json"}, 1_000_000)
    assert len(read) == 1_000_000
    assert time.thread_time() - started < 1


# -- JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf" + BODY, "byte order mark"),
        (BODY.decode().encode("utf-16"), "invalid UTF-8 at byte 0"),
        (b'{"query": "\xff"}', "invalid UTF-8 at byte 11"),
        (b'{"query": "\xed\xa0\x80"}', "invalid UTF-8 at byte 11"),  # half of a surrogate pair
        (b'{"query": "\\ud800"}', "surrogate"),
        (b"\x1f\x8b\x08", "invalid UTF-8 at byte 1"),
        (b'{"query": NaN}', "column 11"),
        (b'{"query": "{ a }", "variables": {"n": Infinity}}', "expected a JSON value"),
        (b'{"query": "{ a }", "variables": {"n": 1e999}}', "infinity"),
        (b'{"query": "{ a }", "variables": {"n": ' + b"9" * 900 + b"}}", "infinity"),
        (b'{"a":' * 100 + b"1" + b"}" * 100 + b"x", "after document"),
        (b"{'query': '{ a }'}", "expected a string key"),
        (b'{"query": "{ a }",}', "not JSON"),
        (b'"{ a }"', "JSON object"),
        (b"null", "JSON object"),
        (b"1", "JSON object"),
        (b"[]", "batches"),
        (b'[{"query": "{ a }"}]', "batches"),
    ],
)
async def test_the_position_of_invalid_json_is_reported(
    http: httpx.AsyncClient, content: bytes, part: str
) -> None:
    status, code, message = error(await post(http, content))
    assert (status, code) == (400, "BAD_REQUEST")
    assert part in message
    assert len(message) < 200


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({}, "`query` is missing"),
        ({"query": ""}, "`query` is missing or empty"),
        ({"query": None}, "`query` is missing"),
        ({"query": ["{ a }"]}, "`query` is missing"),
        ({"query": "{ a }", "variables": '{"a": 1}'}, "`variables` must be a JSON object"),
        ({"query": "{ a }", "variables": [1]}, "`variables` must be a JSON object"),
        ({"query": "{ a }", "variables": False}, "`variables` must be a JSON object"),
        ({"query": "{ a }", "extensions": "x"}, "`extensions` must be a JSON object"),
        ({"query": "{ a }", "operationName": ["A"]}, "`operationName` must be a string"),
    ],
)
async def test_parameters_of_a_wrong_type_are_refused(
    http: httpx.AsyncClient, parameters: Any, part: str
) -> None:
    status, code, message = error(await post(http, json.dumps(parameters)))
    assert (status, code) == (400, "BAD_REQUEST")
    assert part in message


@pytest.mark.parametrize(
    "more",
    [{"operationName": ""}, {"operationName": None}, {"variables": None}, {"extensions": {}}, {"more": 1}],
)
async def test_empty_and_unknown_parameters_are_ignored(
    http: httpx.AsyncClient, more: dict[str, Any]
) -> None:
    answer = await post(http, json.dumps({"query": "query A { __typename }"} | more))
    assert (answer.status_code, answer.json()) == (200, ANSWER)


DEEP = "[" * 490 + "]" * 490
USES = {
    "Int": "courses(first: $v) { totalCount }",
    "Float": "courses(filter: { minRating: $v }) { totalCount }",
    "ID": "node(id: $v) { id }",
    "[ID!]": "nodes(ids: $v) { id }",
    "String": "course(slug: $v) { id }",
    "CourseFilter": "courses(filter: $v) { totalCount }",
}


@pytest.mark.parametrize(
    "value",
    ["18446744073709551616", "-9223372036854775809", "1e308", "9" * 300, DEEP, '{"a":' * 90 + "1" + "}" * 90],
)
@pytest.mark.parametrize("type_", USES)
async def test_extreme_values_cause_no_server_error(serve: Serve, value: str, type_: str) -> None:
    query = f"query($v: {type_}{'!' if 'ID' in type_ else ''}) {{ {USES[type_]} }}"
    content = f'{{"query": "{query}", "variables": {{"v": {value}}}}}'
    async with client(serve()) as http:
        answer = await post(http, content)
    assert answer.status_code == 200
    codes = {told["extensions"]["code"] for told in answer.json().get("errors", ())}
    assert codes <= {"BAD_USER_INPUT", "INVALID", "OPERATION_TOO_LARGE"}, answer.text
    assert len(answer.content) < 3_000


async def test_json_that_is_nested_too_deeply_is_refused(serve: Serve) -> None:
    async with client(serve()) as http:
        for depth in (1_500, 100_000):
            content = b'{"query": "{ a }", "variables": {"v": ' + b"[" * depth + b"]" * depth + b"}}"
            assert error(await post(http, content))[:2] == (400, "BAD_REQUEST")
