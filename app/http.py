"""GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): decode, run, encode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app import errors, graphiql
from app.accept import preferred
from app.execution import Answer, Executor, Operation, Prepared
from app.tracing import Trace, tracing
from resolvers.context import Context

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The resource at /graphql.

    context: makes a request's Context.
    """

    executor: Executor
    context: Callable[[], Context]
    max_body_bytes: int
    graphiql: bool

    async def __call__(self, request: Request) -> Response:
        offered = (JSON, GRAPHQL_RESPONSE, *((HTML,) if self.graphiql and request.method == "GET" else ()))
        media_type = preferred(request.headers.get("accept"), offered)
        if media_type == HTML and "query" not in request.query_params:
            return graphiql.page()
        try:
            return await self._answer(request, JSON if media_type == HTML else media_type)
        except HTTPException as refusal:
            return _refusal(refusal, media_type)
        except Exception as error:
            return _response({"errors": [errors.unexpected(error)]}, 500, JSON)

    async def _answer(self, request: Request, media_type: str | None) -> Response:
        if request.method not in {"GET", "POST"}:
            raise HTTPException(405, "GraphQL is asked by GET or POST.", {"allow": "GET, POST"})
        if media_type is None:
            raise HTTPException(406, f"The answer is {GRAPHQL_RESPONSE} or {JSON}: accept one of them.")
        operation = _from_query(request) if request.method == "GET" else await self._from_body(request)
        prepared = self.executor.prepare(operation)
        if isinstance(prepared, Answer):
            return _encode(prepared, media_type)
        if request.method == "GET" and not prepared.is_query:
            raise HTTPException(405, "A mutation is asked by POST.", {"allow": "POST"})
        traced = request.headers.get("x-lectern-trace") == "1"
        return _encode(await self._run(prepared, traced=traced), media_type)

    async def _run(self, prepared: Prepared, *, traced: bool) -> Answer:
        if not traced:
            return await self.executor.run(prepared, self.context())
        with tracing() as trace:
            answer = await self.executor.run(prepared, self.context())
        return answer._replace(payload=answer.payload | {"extensions": {"lectern": _told(trace)}})

    async def _from_body(self, request: Request) -> Operation:
        content_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
        if content_type.strip() != JSON:
            raise HTTPException(415, f"The body is JSON: send it with `Content-Type: {JSON}`.")
        if "charset=" in parameters and "utf-8" not in parameters:
            raise HTTPException(415, "The body is in UTF-8.")
        return _operation(_json(await self._body(request), "The body"))

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self.max_body_bytes:
                    raise HTTPException(
                        413, f"The body is over {self.max_body_bytes} bytes (MAX_BODY_BYTES)."
                    )
        except ClientDisconnect:  # nobody reads the answer, and nothing is wrong
            raise HTTPException(400, "The connection ended before the body did.") from None
        return bytes(body)


def _from_query(request: Request) -> Operation:
    parameters: dict[str, Any] = dict(request.query_params)
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


def _encode(answer: Answer, media_type: str) -> Response:
    """A request that was not executed is a client error; plain JSON has 200 for all that was understood, for
    clients from before the specification.
    """
    status = 200 if answer.executed or media_type == JSON else 400
    return _response(answer.payload, status, media_type)


def _refusal(refusal: HTTPException, media_type: str | None) -> Response:
    payload = {"errors": [{"message": refusal.detail, "extensions": {"code": _CODES[refusal.status_code]}}]}
    media_type = GRAPHQL_RESPONSE if media_type == GRAPHQL_RESPONSE else JSON
    return _response(payload, refusal.status_code, media_type, refusal.headers)


_CODES: Mapping[int, str] = {
    400: "BAD_REQUEST",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}


def _response(
    payload: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    own = {"content-type": f"{media_type}; charset=utf-8", "vary": "accept", **(headers or {})}
    return Response(orjson.dumps(payload), status, own)


def _told(trace: Trace) -> dict[str, Any]:
    return {"mongo": {"commands": trace.commands, "ms": round(trace.ms, 3)}}
