"""Decodes the head and body of a GraphQL request over HTTP into an Operation.

If a request can't be decoded, Starlette's HTTPException is raised, with a status and a message that says what
the client should change.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import orjson
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.execution import JsonObject, Operation
from app.http.accept import preferred
from app.observing import Client
from app.request import new_id

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

REQUEST_ID = b"x-request-id"

#: The header fields of a request, keyed by their lower-case names.
Headers: TypeAlias = Mapping[bytes, bytes]

_Json: TypeAlias = Any  # a parsed JSON value, before its type is checked

#: Maximum length, in bytes, of header fields whose parsing results are cached. They are cached because
#: clients send the same few values over and over.
LONGEST_CACHED = 200

_LONGEST_ID = 64  # maximum length of a request's ID, and of a client's name and version, in bytes
_ID_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:"
# the headers in which Apollo's clients send their name and version
_CLIENT_NAME, _CLIENT_VERSION = b"apollographql-client-name", b"apollographql-client-version"
_UNNAMED = Client()

_OBJECT_OR_NONE = (dict, type(None))

#: The parameters that clients use for the id of an operation.
_IDS = ("id", "documentId", "doc_id")
_PARAMETERS = ("query", "operationName", "variables", "extensions", *_IDS)
_NAMING = frozenset(("query", "extensions", *_IDS))  # the parameters that say which operation to run
_OFFERED = (JSON, GRAPHQL_RESPONSE)
_WITH_PAGES = (*_OFFERED, HTML)


def headers(scope: Scope) -> Headers:
    """Returns the header fields of a request. Fields with the same name are joined (RFC 9110, section 5.3).

    A field that allows only one value is also joined if it is repeated. Its value is then invalid.
    """
    lines = scope["headers"]
    fields = dict(lines)
    if len(fields) == len(lines):
        return fields
    values: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        values.setdefault(name, []).append(value)
    return {name: b", ".join(lines) for name, lines in values.items()}


def request_id(headers: Headers) -> str:
    """Returns the client's `X-Request-Id` if it is short and has only safe characters, else a random ID."""
    sent = headers.get(REQUEST_ID)
    if sent and len(sent) <= _LONGEST_ID and not sent.translate(None, _ID_CHARACTERS):
        return sent.decode()
    return new_id()


def client(headers: Headers) -> Client:
    """Returns the name and version that a client sends, as they are suitable for a log.

    They are truncated, and characters that can't be printed are replaced.
    """
    if _CLIENT_NAME not in headers:
        return _UNNAMED
    name, version = headers[_CLIENT_NAME], headers.get(_CLIENT_VERSION, b"")
    return Client(_printable(name), _printable(version))


def _printable(value: bytes) -> str:
    text = value[:_LONGEST_ID].decode("latin-1")
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def is_query_only(method: str) -> bool:
    """Returns whether a method allows only queries. HEAD is the same as GET without the response body.

    Raises HTTPException (405) for any method other than GET, HEAD and POST.
    """
    if method not in {"GET", "HEAD", "POST"}:
        raise HTTPException(405, "Use GET or POST.", {"allow": "GET, HEAD, POST"})
    return method != "POST"


def media_type(method: str, headers: Headers, *, html: bool) -> str | None:
    """Returns the media type of the response, or None if the client accepts none of the offered types.

    html: whether GraphiQL is served.
    """
    accept = headers.get(b"accept", b"")
    offered = _WITH_PAGES if html and method in {"GET", "HEAD"} else _OFFERED
    choose = _cached_choice if len(accept) <= LONGEST_CACHED else _choice
    return choose(accept, offered)


def _choice(accept: bytes, offered: tuple[str, ...]) -> str | None:
    return preferred(accept.decode("latin-1"), offered)


_cached_choice = lru_cache(maxsize=64)(_choice)


def accepts_json(headers: Headers) -> bool:
    """Returns whether the client accepts `application/json`."""
    return preferred(headers.get(b"accept", b"").decode("latin-1"), (JSON,)) is not None


def is_for_a_page(scope: Scope) -> bool:
    """Returns whether a request that accepts HTML is for GraphiQL.

    A request is for GraphiQL if its URL has no GraphQL query, nor the id or hash of one.
    """
    return not any(name in _NAMING for name, _ in parse_qsl(scope["query_string"].decode("latin-1")))


def from_body(body: bytes) -> Operation:
    """Decodes the operation in the body of a POST request."""
    parameters = json_value(body, "The body")
    if isinstance(parameters, list):
        raise HTTPException(400, "The body must be a single JSON object: batches are not supported.")
    return _operation(parameters, len(body))


def from_query(scope: Scope) -> Operation:
    """Decodes the operation in the URL of a GET request."""
    try:
        pairs = parse_qsl(scope["query_string"].decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise HTTPException(400, "The query string of the URL is not UTF-8.") from None
    names = [name for name, _ in pairs]
    for name in _PARAMETERS:
        if names.count(name) > 1:
            raise HTTPException(400, f"The URL contains `{name}` more than once.")
    parameters: JsonObject = dict(pairs)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = json_value(parameters[name].encode(), f"`{name}`")
        else:
            parameters.pop(name, None)
    return _operation(parameters, len(scope["query_string"]))


def json_value(text: bytes, name: str) -> _Json:
    """Parses JSON. Raises HTTPException (400), whose message begins with `name`."""
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
        return f"invalid UTF-8 at byte {decoding_error.start}"
    return str(error)


def _operation(parameters: _Json, size: int) -> Operation:
    if not isinstance(parameters, dict):
        raise HTTPException(400, 'The body must be a JSON object, such as {"query": "{ __typename }"}.')
    for parameter in ("variables", "extensions"):
        if not isinstance(parameters.get(parameter), _OBJECT_OR_NONE):
            raise HTTPException(400, f"`{parameter}` must be a JSON object.")
    query, extensions = parameters.get("query"), parameters.get("extensions")
    sent_hash = _hash(extensions["persistedQuery"]) if extensions and "persistedQuery" in extensions else ""
    sent_id = _id(parameters, sent_hash)
    if not query and sent_id:
        query = ""
    elif not isinstance(query, str) or not query:
        raise HTTPException(400, "`query` is missing or empty: it must be the text of a GraphQL document.")
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise HTTPException(400, "`operationName` must be a string.")
    return Operation(query, parameters.get("variables"), name or None, size, sent_id, bool(sent_hash))


def _hash(persisted: _Json) -> str:
    """Returns the hash in `extensions.persistedQuery`; empty if that is null."""
    if persisted is None:
        return ""
    if not isinstance(persisted, dict):
        raise HTTPException(400, "`extensions.persistedQuery` must be a JSON object.")
    version = persisted.get("version")
    if version != 1 or version is True:  # True == 1
        raise HTTPException(400, "Unsupported persisted query version: it must be 1.")
    sent = persisted.get("sha256Hash")
    if not isinstance(sent, str) or not sent:
        raise HTTPException(400, "`extensions.persistedQuery.sha256Hash` must be a string.")
    return sent


def _id(parameters: JsonObject, hash: str) -> str:
    """Returns the id of the operation, which can be sent in several parameters; empty if there is none."""
    found, source = hash, "extensions.persistedQuery.sha256Hash"
    for name in _IDS:
        value = parameters.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise HTTPException(400, f"`{name}` must be a string: the id of an operation.")
        if found and value != found:
            raise HTTPException(400, f"`{source}` and `{name}` are different. Send one of them.")
        found, source = value, name
    return found
