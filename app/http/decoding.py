"""Decodes a GraphQL request over HTTP, from its head and body to an Operation.

A request that can't be decoded raises Starlette's HTTPException, with a status and a message that says what
to change.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.error_codes import PERSISTED_QUERY_NOT_SUPPORTED
from app.execution import JsonObject, Operation
from app.http.accept import preferred
from app.request import Client, new_id

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

#: The header fields of a request by their names in lower case.
Headers: TypeAlias = Mapping[bytes, bytes]

_Json: TypeAlias = Any  # a parsed JSON value, before its type is checked

#: Bytes. The result of parsing a header field is cached if the field is no longer than this: clients send the
#: same few over and over.
LONGEST_CACHED = 200

_LONGEST_ID = 64  # bytes of a request's id, and of a client's name and version
_ID_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:"
# what Apollo's clients send
_CLIENT_NAME, _CLIENT_VERSION = b"apollographql-client-name", b"apollographql-client-version"
_UNNAMED = Client()

_OBJECT_OR_NONE = (dict, type(None))

_PARAMETERS = ("query", "operationName", "variables", "extensions")
_OFFERED = (JSON, GRAPHQL_RESPONSE)
_WITH_PAGES = (*_OFFERED, HTML)


def headers(scope: Scope) -> Headers:
    """The header fields of a request. Several lines of one name are joined (RFC 9110, section 5.3).

    That includes fields that take one value only: two values, joined, are then not a valid one.
    """
    lines = scope["headers"]
    fields = dict(lines)
    if len(fields) == len(lines):
        return fields
    values: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        values.setdefault(name, []).append(value)
    return {name: b", ".join(lines) for name, lines in values.items()}


class NotPersistedError(HTTPException):
    """The client sent only the hash of a query. The code makes Apollo's link send texts from now on."""

    code = PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__(400, "PersistedQueryNotSupported")


def request_id(headers: Headers) -> str:
    """The client's own `X-Request-Id`, if it is short and plain; otherwise a random one."""
    sent = headers.get(b"x-request-id")
    if sent and len(sent) <= _LONGEST_ID and not sent.translate(None, _ID_CHARACTERS):
        return sent.decode()
    return new_id()


def client(headers: Headers) -> Client:
    """The name and version that a client gives itself, cut to a length that suits a log."""
    if _CLIENT_NAME not in headers:
        return _UNNAMED
    name, version = headers[_CLIENT_NAME], headers.get(_CLIENT_VERSION, b"")
    return Client(name[:_LONGEST_ID].decode("latin-1"), version[:_LONGEST_ID].decode("latin-1"))


def is_query_only(method: str) -> bool:
    """Whether a method allows queries only. HEAD is GET without the body of the answer.

    Raises HTTPException (405) for any other method.
    """
    if method not in {"GET", "HEAD", "POST"}:
        raise HTTPException(405, "Use GET or POST.", {"allow": "GET, HEAD, POST"})
    return method != "POST"


def media_type(method: str, headers: Headers, *, html: bool) -> str | None:
    """The media type of the answer; None if the client accepts none. html: whether GraphiQL is served."""
    accept = headers.get(b"accept", b"")
    offered = _WITH_PAGES if html and method in {"GET", "HEAD"} else _OFFERED
    choose = _cached_choice if len(accept) <= LONGEST_CACHED else _choice
    return choose(accept, offered)


def _choice(accept: bytes, offered: tuple[str, ...]) -> str | None:
    return preferred(accept.decode("latin-1"), offered)


_cached_choice = lru_cache(maxsize=64)(_choice)


def is_for_a_page(scope: Scope) -> bool:
    """Whether a request that accepts HTML is for GraphiQL: its URL has no query."""
    return not any(name == "query" for name, _ in parse_qsl(scope["query_string"].decode("latin-1")))


def from_body(body: bytes) -> Operation:
    """The operation in the body of a POST."""
    parameters = _json(body, "The body")
    if isinstance(parameters, list):
        raise HTTPException(400, "The body must be one JSON object: batches are not supported.")
    return _operation(parameters, len(body))


def from_query(scope: Scope) -> Operation:
    """The operation in the URL of a GET."""
    try:
        pairs = parse_qsl(scope["query_string"].decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise HTTPException(400, "The query string of the URL is not UTF-8.") from None
    names = [name for name, _ in pairs]
    for name in _PARAMETERS:
        if names.count(name) > 1:
            raise HTTPException(400, f"The URL has `{name}` more than once.")
    parameters: JsonObject = dict(pairs)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _json(parameters[name].encode(), f"`{name}`")
        else:
            parameters.pop(name, None)
    return _operation(parameters, len(scope["query_string"]))


def _json(text: bytes, name: str) -> _Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"{name} is not JSON: {_reason(text, error)}.") from None


def _reason(text: bytes, error: orjson.JSONDecodeError) -> str:
    if not text:
        return "it is empty"
    try:
        text.decode()
    except UnicodeDecodeError as decoding_error:
        return f"it is not UTF-8 from byte {decoding_error.start} on"
    return str(error)


def _operation(parameters: _Json, size: int) -> Operation:
    if not isinstance(parameters, dict):
        raise HTTPException(400, 'The body must be a JSON object, such as {"query": "{ __typename }"}.')
    for parameter in ("variables", "extensions"):
        if not isinstance(parameters.get(parameter), _OBJECT_OR_NONE):
            raise HTTPException(400, f"`{parameter}` takes a JSON object.")
    query = parameters.get("query")
    if not isinstance(query, str) or not query:
        if not query and "persistedQuery" in (parameters.get("extensions") or ()):
            raise NotPersistedError
        raise HTTPException(400, "`query` is missing: it takes the text of a GraphQL document.")
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise HTTPException(400, "`operationName` takes a string.")
    return Operation(query, parameters.get("variables"), name or None, size)
