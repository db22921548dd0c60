"""GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): decode, run, encode.

The endpoint is a plain ASGI application: Starlette's Request and Response cost a small query more than its
execution does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from app import errors
from app.auth.authentication import Authentication
from app.auth.errors import InvalidTokenError, IssuerUnavailableError
from app.execution import Answer, Executor, NotAQueryError, Operation, Prepared
from app.execution.explain import Timings
from app.http import graphiql
from app.http.accept import preferred
from app.tracing import tracing
from resolvers.context import PUBLIC, Context, Viewer
from resolvers.scalars import encoded

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

#: Clients send the same few Accept headers over and over.
_preferred = lru_cache(maxsize=64)(preferred)
_LONGEST_KEPT = 200  # characters of such a header


class Reply(NamedTuple):
    body: bytes
    status: int
    media_type: str
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The resource at /graphql.

    context: makes a request's Context, of its viewer and the address it comes from.
    trace_plan: whether a request may ask for the plan of its operation.
    """

    executor: Executor
    authentication: Authentication
    context: Callable[[Viewer, str], Context]
    max_body_bytes: int
    graphiql: bool
    trace_plan: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        media_type = self._media_type(scope, headers)
        if media_type == HTML and "query" not in QueryParams(scope["query_string"]):
            await graphiql.page()(scope, receive, send)
            return
        try:
            reply = await self._reply(scope, receive, headers, JSON if media_type == HTML else media_type)
        except HTTPException as refusal:
            reply = _refusal(refusal, media_type)
        except Exception as error:
            reply = Reply(orjson.dumps({"errors": [errors.unexpected(error)]}), 500, JSON)
        await _send(send, reply)

    def _media_type(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str | None:
        accept = headers.get(b"accept", b"").decode("latin-1")
        html = (HTML,) if self.graphiql and scope["method"] == "GET" else ()
        choose = _preferred if len(accept) <= _LONGEST_KEPT else preferred
        return choose(accept, (JSON, GRAPHQL_RESPONSE, *html))

    async def _reply(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], media_type: str | None
    ) -> Reply:
        method = scope["method"]
        if method not in {"GET", "POST"}:
            raise HTTPException(405, "GraphQL is asked by GET or POST.", {"allow": "GET, POST"})
        if media_type is None:
            raise HTTPException(406, f"The answer is {GRAPHQL_RESPONSE} or {JSON}: accept one of them.")
        viewer = await self._viewer(headers)
        is_get = method == "GET"
        operation = _from_query(scope) if is_get else await self._from_body(receive, headers)
        try:
            prepared = self.executor.prepare(operation, only_queries=is_get)
        except NotAQueryError:
            raise HTTPException(405, "A mutation is asked by POST.", {"allow": "POST"}) from None
        if isinstance(prepared, Answer):
            return _told(prepared, media_type)
        asked = headers.get(b"x-lectern-trace")
        client = scope.get("client")
        ctx = self.context(viewer, client[0] if client else "")
        if asked in {b"1", b"plan"}:
            answer = await self._traced(prepared, ctx, with_plan=self.trace_plan and asked == b"plan")
        else:
            answer = await self.executor.run(prepared, ctx)
        return _told(answer, media_type)

    async def _viewer(self, headers: Mapping[bytes, bytes]) -> Viewer:
        authorization = headers.get(b"authorization")
        if authorization is None:
            return PUBLIC
        try:
            return await self.authentication.viewer(authorization)
        except InvalidTokenError as error:
            raise HTTPException(
                401, str(error), {"www-authenticate": 'Bearer error="invalid_token"'}
            ) from None
        except IssuerUnavailableError:
            raise HTTPException(
                503, "Tokens can't be verified now: try again.", {"retry-after": "10"}
            ) from None

    async def _traced(self, prepared: Prepared, ctx: Context, *, with_plan: bool) -> Answer:
        """The answer, with what MongoDB did in its extensions."""
        timings: Timings = {}
        with tracing() as trace:
            answer = await self.executor.run(prepared, ctx, timings)
        told: dict[str, Any] = {"mongo": {"commands": trace.commands, "ms": round(trace.ms, 3)}}
        if with_plan:
            told["plan"] = self.executor.explain(prepared, timings)
        return answer._replace(payload=answer.payload | {"extensions": {"lectern": told}})

    async def _from_body(self, receive: Receive, headers: Mapping[bytes, bytes]) -> Operation:
        content_type, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
        if content_type.strip() != b"application/json":
            raise HTTPException(415, f"The body is JSON: send it with `Content-Type: {JSON}`.")
        if b"charset=" in parameters and b"utf-8" not in parameters:
            raise HTTPException(415, "The body is in UTF-8.")
        return _operation(_json(await self._body(receive), "The body"))

    async def _body(self, receive: Receive) -> bytes:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":  # nobody reads the answer, and nothing is wrong
                raise HTTPException(400, "The connection ended before the body did.")
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_body_bytes:
                raise HTTPException(413, f"The body is over {self.max_body_bytes} bytes (MAX_BODY_BYTES).")
        return body


def _from_query(scope: Scope) -> Operation:
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


def _told(answer: Answer, media_type: str) -> Reply:
    """A request that was not executed is a client error; plain JSON has 200 for all that was understood, for
    clients from before the specification.
    """
    status = 200 if answer.executed or media_type == JSON else 400
    return Reply(encoded(answer.payload), status, media_type)


def _refusal(refusal: HTTPException, media_type: str | None) -> Reply:
    payload = {"errors": [{"message": refusal.detail, "extensions": {"code": _CODES[refusal.status_code]}}]}
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    return Reply(orjson.dumps(payload), refusal.status_code, media_type, refusal.headers)


_CODES: Mapping[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    503: "SERVICE_UNAVAILABLE",
}

_CONTENT_TYPES: Mapping[str, bytes] = {
    media_type: f"{media_type}; charset=utf-8".encode() for media_type in (JSON, GRAPHQL_RESPONSE)
}


async def _send(send: Send, reply: Reply) -> None:
    headers = [
        (b"content-length", str(len(reply.body)).encode()),
        (b"content-type", _CONTENT_TYPES[reply.media_type]),
        (b"vary", b"accept"),
    ]
    for name, value in (reply.headers or {}).items():
        headers.append((name.encode(), value.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
