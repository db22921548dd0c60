"""GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): the life of a request.

The endpoint is a plain ASGI application: Starlette's Request and Response cost a small query more than its
execution does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from app.auth import Authentication, InvalidTokenError, IssuerUnavailableError
from app.execution import Answer, Document, Executor, NotAQueryError, Operation, Prepared, Timings, giving_way
from app.http import body, decoding, graphiql, reply
from app.http.decoding import GRAPHQL_RESPONSE, HTML, JSON, Headers
from app.http.reply import Reply
from app.http.watch import Watch, Watches
from app.observing import traced_commands
from app.protection import CHEAP, Admission
from loaders import mongo
from resolvers.context import PUBLIC, Context, Viewer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The resource at /graphql.

    context: makes a request's Context, of its viewer and the address it comes from.
    trace_plan: whether a request may ask for the plan of its operation.
    compression: whether answers are compressed for clients that take that.
    max_response_bytes: of an answer before it is compressed.
    timeout: seconds from the head of a request to its answer.
    """

    executor: Executor
    authentication: Authentication
    context: Callable[[Viewer, str], Context]
    max_body_bytes: int
    graphiql: bool
    trace_plan: bool = False
    compression: bool = True
    max_response_bytes: int = 10_000_000
    timeout: float = 10
    admission: Admission = field(default_factory=Admission)
    watches: Watches = field(default_factory=Watches)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = decoding.headers(scope)
        media_type = decoding.media_type(scope["method"], headers, html=self.graphiql)
        if media_type == HTML and decoding.is_for_a_page(scope):
            await graphiql.page()(scope, receive, send)
            return
        answer = await self._within_time(scope, receive, headers, JSON if media_type == HTML else media_type)
        if answer is None:
            return
        if self.compression and answer.may_be_compressed(headers):
            answer = await answer.compressed()
        await answer.send(send, scope)

    async def _within_time(
        self, scope: Scope, receive: Receive, headers: Headers, media_type: str | None
    ) -> Reply | None:
        """The reply to a request; None when its client is gone."""
        own = mongo.Scope(monotonic() + self.timeout)
        outer = mongo.current_scope.set(own)
        watch = Watch(receive, own, self.watches)
        try:
            return await self._reply(scope, watch, headers, media_type)
        except HTTPException as refusal:
            return reply.refused(refusal, media_type)
        except Exception as error:
            return reply.unexpected(error, media_type)
        except asyncio.CancelledError:
            if not watch.has_ended:  # the server stops
                raise
            return reply.refused(watch.timeout, media_type) if watch.timeout else None
        finally:
            watch.close()
            mongo.current_scope.reset(outer)

    async def _reply(self, scope: Scope, watch: Watch, headers: Headers, media_type: str | None) -> Reply:
        only_queries = decoding.is_query_only(scope["method"])
        if media_type is None:
            raise HTTPException(406, f"The answer is {GRAPHQL_RESPONSE} or {JSON}: accept one of them.")
        self.admission.check(body.length(headers))
        authorization = headers.get(b"authorization")
        viewer = PUBLIC if authorization is None else await self._viewer(authorization)
        if only_queries:
            operation = decoding.from_query(scope)
        else:
            operation = decoding.from_body(await body.read(watch.receive, headers, self.max_body_bytes))
        watch.listen()
        read = self.executor.kept(operation) or await self._read(operation)
        try:
            prepared = self.executor.prepare(operation, read, only_queries=only_queries)
        except NotAQueryError:
            raise HTTPException(405, "Send mutations by POST.", {"allow": "POST"}) from None
        if isinstance(prepared, Answer):
            return reply.answered(prepared, media_type)
        client = scope.get("client")
        ctx = self.context(viewer, client[0] if client else "")
        return await self._run(prepared, ctx, watch, headers, media_type)

    async def _viewer(self, authorization: bytes) -> Viewer:
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

    async def _read(self, operation: Operation) -> Document | Answer:
        """Reads a new text, once it may be parsed."""
        texts, size = self.admission.texts, len(operation.query)
        if not texts.enter(size):
            await texts.wait(size, operation.size)
        try:
            return await self.executor.read(operation)
        finally:  # in the next round of the loop, after what has become ready meanwhile
            asyncio.get_running_loop().call_soon(texts.leave, size)

    async def _run(
        self, prepared: Prepared, ctx: Context, watch: Watch, headers: Headers, media_type: str
    ) -> Reply:
        """Runs and encodes in one turn: what is encoded takes time and memory too."""
        price, is_query = max(1, prepared.cost.price), prepared.document.is_query
        watch.scope.cheap = price <= CHEAP
        lane = self.admission.lane(price, is_query=is_query)
        if not lane.enter(price):
            await lane.wait(price, prepared.operation.size)
        outer = giving_way.set(self.admission.giving_way()) if lane is self.admission.dear else None
        try:
            watch.begin(is_query=is_query)
            asked = headers.get(b"x-lectern-trace")
            if asked in {b"1", b"plan"}:
                answer = await self._traced(prepared, ctx, with_plan=self.trace_plan and asked == b"plan")
            else:
                answer = await self.executor.run(prepared, ctx)
            if price <= CHEAP:
                return reply.at_once(answer, media_type, self.max_response_bytes)
            return await reply.bounded(answer, media_type, self.max_response_bytes)
        finally:
            if outer is not None:
                giving_way.reset(outer)
            lane.leave(price)

    async def _traced(self, prepared: Prepared, ctx: Context, *, with_plan: bool) -> Answer:
        """The answer, with what MongoDB did in its extensions."""
        timings: Timings = {}
        with traced_commands() as trace:
            answer = await self.executor.run(prepared, ctx, timings)
        told: dict[str, Any] = {"mongo": {"commands": trace.commands, "ms": round(trace.ms, 3)}}
        if with_plan:
            told["plan"] = self.executor.explain(prepared, timings)
        return answer._replace(payload=answer.payload | {"extensions": {"lectern": told}})
