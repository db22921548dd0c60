"""Checks the head of a request: its size, and its validity where the parser is too lenient.

The parser accepts some heads that HTTP forbids, or that no client sends on purpose.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import unquote

import httptools

from app.server import rejections
from app.server.connection_limits import ConnectionLimits
from app.server.rejections import Rejection

_VERSIONS = frozenset(("1.0", "1.1"))
_SLASH = ord("/")
_FIELD_OVERHEAD = len(": \r\n")  # bytes in a header field in addition to its name and value
_LONGEST_CACHED = 200  # maximum length of a cached URL, in bytes

_Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
_Scope: TypeAlias = Any  # uvicorn's ASGI scope, whose type is private


def rejection(url: bytes, version: str, headers: _Headers, limits: ConnectionLimits) -> Rejection | None:
    """Returns the refusal for a head that is invalid or too large; None if it is acceptable."""
    names, values = zip(*headers, strict=True) if headers else ((), ())
    size = sum(map(len, names)) + sum(map(len, values)) + _FIELD_OVERHEAD * len(names)
    if len(url) > limits.url or size > limits.head or len(names) > limits.headers:
        return too_large(url, limits)
    if version not in _VERSIONS:
        return rejections.VERSION
    if version == "1.1" and names.count(b"host") != 1:
        return rejections.HOST
    if b"transfer-encoding" in names and not _is_chunked(headers):
        return rejections.TRANSFER
    return None


def too_large(url: bytes, limits: ConnectionLimits) -> Rejection:
    """Returns the refusal for a head that is too large: 414 if its URL is too long, otherwise 431."""
    if len(url) > limits.url:
        return Rejection(414, f"The URL has more than {limits.url} bytes (LECTERN_MAX_URL_BYTES).")
    sizes = f"{limits.head} bytes (LECTERN_MAX_HEAD_BYTES) or {limits.headers} fields (LECTERN_MAX_HEADERS)"
    return Rejection(431, f"The head has more than {sizes}.")


def with_path(url: bytes) -> bytes:
    """Adds the path `/` to an absolute URL without a path (RFC 9112 3.2.2)."""
    if url[0] == _SLASH:
        return url
    parsed = httptools.parse_url(url)
    return url if parsed.path else b"/?" + parsed.query if parsed.query else b"/"


def fill_in(scope: _Scope, method: bytes, version: str, url: bytes) -> None:
    """Sets the method, version, path and query string in the ASGI scope of a request."""
    scope["method"] = method.decode("ascii")
    scope["http_version"] = version
    parse = _cached_parts if len(url) <= _LONGEST_CACHED else _parts
    scope["path"], scope["raw_path"], scope["query_string"] = parse(url)


def _parts(url: bytes) -> tuple[str, bytes, bytes]:
    """Splits a URL into the decoded path, the raw path and the query string."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


_cached_parts = lru_cache(maxsize=64)(_parts)  # cached, because clients keep requesting the same few URLs


def _is_chunked(headers: _Headers) -> bool:
    return all(value.lower() == b"chunked" for name, value in headers if name == b"transfer-encoding")
