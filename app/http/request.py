"""A GraphQL request over HTTP, decoded: from its head and its body to an Operation.

What can't be decoded raises Starlette's HTTPException, with the status and what to do about it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import orjson
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from app.execution import Operation
from app.http.accept import preferred

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

Headers: TypeAlias = Mapping[bytes, bytes]

#: Clients send the same few Accept headers over and over.
_preferred = lru_cache(maxsize=64)(preferred)
_LONGEST_KEPT = 200  # characters of such a header


def headers(scope: Scope) -> Headers:
    """The header fields of a request by their names in lower case."""
    return dict(scope["headers"])


def media_type(method: str, headers: Headers, *, html: bool) -> str | None:
    """The type to answer in; None when the client takes none of them. html: whether there is a page."""
    accept = headers.get(b"accept", b"").decode("latin-1")
    pages = (HTML,) if html and method == "GET" else ()
    choose = _preferred if len(accept) <= _LONGEST_KEPT else preferred
    return choose(accept, (JSON, GRAPHQL_RESPONSE, *pages))


def is_for_a_page(scope: Scope) -> bool:
    """Whether a browser that takes HTML asks for the page: it asks no query."""
    return "query" not in QueryParams(scope["query_string"])


async def body(receive: Receive, headers: Headers, most: int) -> bytes:
    """The body of a POST, of at most that many bytes."""
    content_type, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
    if content_type.strip() != b"application/json":
        raise HTTPException(415, f"The body is JSON: send it with `Content-Type: {JSON}`.")
    if b"charset=" in parameters and b"utf-8" not in parameters:
        raise HTTPException(415, "The body is in UTF-8.")
    received = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":  # nobody reads the answer, and nothing is wrong
            raise HTTPException(400, "The connection ended before the body did.")
        received += message.get("body", b"")
        more = message.get("more_body", False)
        if len(received) > most:
            raise HTTPException(413, f"The body is over {most} bytes (MAX_BODY_BYTES).")
    return received


def from_body(body: bytes) -> Operation:
    """What a POST asks for."""
    return _operation(_json(body, "The body"))


def from_query(scope: Scope) -> Operation:
    """What a GET asks for."""
    parameters: dict[str, Any] = dict(QueryParams(scope["query_string"]))
    for name in ("variables", "extensions"):
        if parameters.get(name):
            parameters[name] = _json(parameters[name].encode(), f"`{name}`")
        else:
            parameters.pop(name, None)
    return _operation(parameters)


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"{what} is not JSON: {error}.") from None


def _operation(parameters: Any) -> Operation:
    if not isinstance(parameters, dict):
        raise HTTPException(400, "The body is one JSON object; batches are not taken.")
    query = parameters.get("query")
    if not isinstance(query, str) or not query:
        raise HTTPException(400, "`query` is missing: it takes the text of a GraphQL document.")
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise HTTPException(400, "`operationName` takes a string.")
    for parameter in ("variables", "extensions"):
        if not isinstance(parameters.get(parameter), dict | None):
            raise HTTPException(400, f"`{parameter}` takes a JSON object.")
    return Operation(query, parameters.get("variables"), name or None)
