"""GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): the life of a request.

The endpoint is a plain ASGI application: Starlette's Request and Response cost a small query more than its
execution does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from app.auth.authentication import Authentication
from app.auth.errors import InvalidTokenError, IssuerUnavailableError
from app.execution import Answer, Executor, NotAQueryError, Prepared
from app.execution.explain import Timings
from app.http import body, graphiql, reply, request
from app.http.reply import Reply
from app.http.request import GRAPHQL_RESPONSE, HTML, JSON, Headers
from app.tracing import tracing
from resolvers.context import PUBLIC, Context, Viewer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The resource at /graphql.

    context: makes a request's Context, of its viewer and the address it comes from.
    trace_plan: whether a request may ask for the plan of its operation.
    compression: whether answers are compressed for clients that take that.
    """

    executor: Executor
    authentication: Authentication
    context: Callable[[Viewer, str], Context]
    max_body_bytes: int
    graphiql: bool
    trace_plan: bool = False
    compression: bool = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = request.headers(scope)
        media_type = request.media_type(scope["method"], headers, html=self.graphiql)
        if media_type == HTML and request.is_for_a_page(scope):
            await graphiql.page()(scope, receive, send)
            return
        try:
            answer = await self._reply(scope, receive, headers, JSON if media_type == HTML else media_type)
        except HTTPException as refusal:
            answer = reply.refused(refusal, media_type)
        except Exception as error:
            answer = reply.unexpected(error)
        if self.compression:
            answer = await answer.compressed(headers)
        await answer.send(send, scope)

    async def _reply(self, scope: Scope, receive: Receive, headers: Headers, media_type: str | None) -> Reply:
        only_queries = request.is_query_only(scope["method"])
        if media_type is None:
            raise HTTPException(406, f"The answer is {GRAPHQL_RESPONSE} or {JSON}: accept one of them.")
        viewer = await self._viewer(headers)
        if only_queries:
            operation = request.from_query(scope)
        else:
            operation = request.from_body(await body.read(receive, headers, self.max_body_bytes))
        try:
            prepared = self.executor.prepare(operation, only_queries=only_queries)
        except NotAQueryError:
            raise HTTPException(405, "A mutation is asked by POST.", {"allow": "POST"}) from None
        if isinstance(prepared, Answer):
            return reply.answered(prepared, media_type)
        asked = headers.get(b"x-lectern-trace")
        client = scope.get("client")
        ctx = self.context(viewer, client[0] if client else "")
        if asked in {b"1", b"plan"}:
            answer = await self._traced(prepared, ctx, with_plan=self.trace_plan and asked == b"plan")
        else:
            answer = await self.executor.run(prepared, ctx)
        return reply.answered(answer, media_type)

    async def _viewer(self, headers: Headers) -> Viewer:
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
