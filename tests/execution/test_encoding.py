"""An answer as JSON: equal in slices and in one piece, limited in bytes and in memory."""

import tracemalloc
from datetime import datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.execution.encoding import ResponseTooLargeError, encode_bounded, encoded, slices

MOMENTS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | text | st.datetimes()
payloads = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=40,
)


@given(payloads, st.integers(1, 200))
def test_slices_equal_what_orjson_writes(payload: object, size: int) -> None:
    assert b"".join(slices(payload, size)) == orjson.dumps(payload, option=MOMENTS)


@pytest.mark.parametrize("size", [1, 100, 10_000])
@pytest.mark.parametrize("depth", [250, 260, 400, 1_200])
def test_an_answer_may_be_nested_deeply(depth: int, size: int) -> None:
    answer: object = {"at": datetime(2026, 7, 1), "é": 1.5}
    for level in range(depth):
        answer = [answer, 1] if level % 2 else {"a": answer, "b": []}
    expected = b'{"at":"2026-07-01T00:00:00Z","\xc3\xa9":1.5}'
    for level in range(depth):
        expected = b"[" + expected + b",1]" if level % 2 else b'{"a":' + expected + b',"b":[]}'
    assert encoded(answer) == expected
    assert b"".join(slices(answer, size)) == expected


@pytest.mark.parametrize("value", [2**64, {1, 2}, "\ud800"])
def test_a_value_that_json_cant_hold_raises(value: object) -> None:
    for size in (1, 1_000):
        with pytest.raises(TypeError):
            list(slices([[value]], size))


async def test_an_answer_over_the_limit_raises() -> None:
    payload = {"data": [{"body": "x" * 1_000}] * 1_000}
    whole = encoded(payload)
    made = await encode_bounded(payload, len(whole))
    assert b"".join(made) == whole
    assert max(map(len, made)) < 300_000
    with pytest.raises(ResponseTooLargeError):
        await encode_bounded(payload, len(whole) - 1)


async def test_an_answer_that_is_far_too_large_takes_little_memory() -> None:
    body = "ä" * 100_000
    payload = {"data": [{f"a{n}": body for n in range(600)} for _ in range(10)]}  # 1.2 GB
    tracemalloc.start()
    with pytest.raises(ResponseTooLargeError):
        await encode_bounded(payload, 5_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
