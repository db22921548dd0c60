"""The manifests of operations, as the clients' tools write them, and those that are refused."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.persisted.manifests import MAX_BYTES, MAX_ID, ManifestError, read_manifest

TEXT = "query A { __typename }"
APOLLO = {"format": "apollo-persisted-query-manifest", "version": 1}


def apollo(*operations: Any, **changed: Any) -> bytes:
    return json.dumps(APOLLO | {"operations": operations} | changed).encode()


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": "query A { __typename }"}',
        b'\xef\xbb\xbf{"a": "query A { __typename }"}',
        apollo({"id": "a", "name": "A", "type": "query", "body": TEXT}),
    ],
    ids=["map", "map with a byte order mark", "Apollo"],
)
def test_each_format_is_read(data: bytes) -> None:
    assert read_manifest(data) == [("a", TEXT)]


@pytest.mark.parametrize("id", ["sha256:" + "a" * 64, "a" * 40, "7", "x" * MAX_ID, "ü/~"])
def test_an_id_is_taken_as_it_is(id: str) -> None:
    assert read_manifest(json.dumps({id: TEXT}).encode())[0].id == id


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}", "no operations"),
        (b"[]", "not a list"),
        (b"null", "not null"),
        (b"1", "not a number"),
        (b"1" * 5_000, "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'"a"', "not a string"),
        ('{"a": "b"}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": "x", "a": "y"}', "`a` more than once"),
        (b'{"a": 1}', "`a` must be the text of an operation, not a number"),
        (b'{"a": {"b": "c"}}', "not an object"),
        (b'{"": "x"}', "printable"),
        (b'{"a\\n": "x"}', "printable"),
        (json.dumps({"x" * (MAX_ID + 1): "x"}).encode(), "printable"),
        (b'{"a": " "}', "empty"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (apollo(), "no operations"),
        (apollo(version=2), '"version": 1'),
        (apollo(version=True), '"version": 1'),
        (apollo(format="x"), '"format"'),
        (apollo(operations={}), "`operations` must be a list"),
        (apollo(1), "Operation 1 must be an object"),
        (apollo({"id": 1, "body": "x"}), "Operation 1: `id` must be a string"),
        (apollo({"id": "a"}), "`body` must be a string; it is missing"),
        (apollo({"id": "a", "body": "x"}, {"id": "a", "body": "y"}), "`a` more than once"),
    ],
)
def test_anything_else_is_refused_with_a_reason(data: bytes, part: str) -> None:
    with pytest.raises(ManifestError, match=re.escape(part)):
        read_manifest(data)


def test_the_size_is_limited() -> None:
    text = b"x" * (MAX_BYTES - len(b'{"a": ""}'))
    assert len(read_manifest(b'{"a": "%s"}' % text)) == 1
    with pytest.raises(ManifestError, match=r"the maximum is"):
        read_manifest(b'{"a": "%sx"}' % text)


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_content_causes_another_error(data: bytes) -> None:
    with suppress(ManifestError):
        assert read_manifest(data)
