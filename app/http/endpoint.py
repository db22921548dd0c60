"""Serves GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/), from request to response.

The endpoint is a plain ASGI application, because Starlette's Request and Response would take more time than
executing a small query.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, perf_counter

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from app.auth import Authentication
from app.budgets import BUDGETS, PAID_BEFORE, Budgets, Charge, RateLimitedError
from app.execution import (
    Document,
    Executor,
    NotAQueryError,
    Operation,
    Prepared,
    Refusal,
    giving_way,
    text_hash,
    too_large,
)
from app.http import body, decoding, forgery, graphiql, reply
from app.http.allowed_origins import AllowedOrigins
from app.http.caching import is_for_anyone
from app.http.cancellation import TimeoutRefusal, Watch, Watches
from app.http.decoding import GRAPHQL_RESPONSE, HTML, JSON, Headers
from app.http.reply import Reply
from app.http.token_rejection import viewer_of
from app.observing import Instrumentation, Record, Redaction, Refused, read_traceparent
from app.persisted import OperationPolicy
from app.protection import CHEAP, Admission, TooLargeError
from app.request import Request, Services
from loaders import mongo
from resolvers.context import PUBLIC, Viewer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The resource at /graphql.

    services: the services that all requests share.
    graphiql: whether browsers are shown GraphiQL at this URL.
    trace_plan: whether a request may ask for the plan of its operation.
    trace_commands: whether a request may ask for the number and time of its MongoDB commands.
    origins: the origins whose pages may call the API.
    compression: whether responses are compressed for clients that accept it.
    policy: finds the operations that are sent by id or hash, and decides which may run; None to run any text.
    timeout: maximum time from receiving the head of a request to its response, in seconds.
    budgets: the budgets of the clients; None if there are none.
    cache_max_age: seconds for which caches may keep answers that are for anyone; 0 if they may not.
    """

    executor: Executor
    authentication: Authentication
    services: Services
    max_body_bytes: int
    graphiql: bool
    trace_plan: bool = False
    compression: bool = True
    timeout: float = 10
    admission: Admission = field(default_factory=Admission)
    watches: Watches = field(default_factory=Watches)
    instrumentation: Instrumentation = field(default_factory=Instrumentation)
    trace_commands: bool = True
    origins: AllowedOrigins = field(default_factory=lambda: AllowedOrigins(()))
    budgets: Budgets | None = None
    policy: OperationPolicy | None = None
    cache_max_age: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = decoding.headers(scope)
        media_type = decoding.media_type(scope["method"], headers, html=self.graphiql)
        if media_type == HTML and decoding.is_for_a_page(scope):
            await graphiql.page()(scope, receive, send)
            return
        record = self._record(scope["method"], headers)
        answer, charge = await self._within_time(
            scope, receive, headers, JSON if media_type == HTML else media_type, record
        )
        self._end(record, answer)
        if answer is None:
            return
        if self.cache_max_age and answer.is_shared and is_for_anyone(scope["method"], record.way, headers):
            answer = answer.kept_for(self.cache_max_age)
        if self.compression and answer.may_be_compressed(headers):
            answer = await answer.compressed()
        await answer.send(send, scope, record.id, charge.fields() if charge is not None else ())

    async def _within_time(
        self, scope: Scope, receive: Receive, headers: Headers, media_type: str | None, record: Record
    ) -> tuple[Reply | None, Charge | None]:
        """Returns the reply to a request, or None if its client has disconnected; and what it was charged.

        The reply is an error if the request takes too long.
        """
        listeners, is_observed = self.instrumentation, self._observes(record)
        commands = mongo.Scope(
            monotonic() + self.timeout,
            on_command=record.command_sent if is_observed else listeners.command_sent,
            on_late=listeners.late_write,
            on_misfit=listeners.misfit,
            on_transaction=listeners.transaction,
        )
        outer = mongo.current_scope.set(commands)
        watch = Watch(receive, commands, self.watches)
        if address := scope.get("client"):
            record.address = address[0]
        on_level = record.level_called if is_observed else None
        charge: Charge | None = None
        answer: Reply | None = None
        try:
            try:
                viewer = await self._identified(headers, record)
                if self.budgets is not None:
                    before = scope.get(PAID_BEFORE, 0)
                    charge = self.budgets.charge(headers.get(_CLIENT_KEY), viewer, record.address, before)
                request = Request(
                    self.services,
                    record,
                    viewer,
                    commands,
                    on_level,
                    charge,
                    headers.get(_SHOW_COST) == b"1",
                    headers.get(b"user-agent", b""),
                    headers.get(b"accept-language", b""),
                )
                accepted = _accepted(scope["method"], media_type)
                answer = await self._reply(scope, watch, headers, accepted, request)
            except Exception as error:
                answer = await self._failed(error, charge, media_type)
        except asyncio.CancelledError:
            if not watch.has_ended:  # no disconnect and no timeout, so the server is stopping
                raise
            if watch.timeout:
                answer = await self._failed(watch.timeout, charge, media_type)
        finally:
            if charge is not None and not charge.is_settled:
                _end_charge(charge, record)
            watch.close()
            mongo.current_scope.reset(outer)
        return answer, charge

    async def _identified(self, headers: Headers, record: Record) -> Viewer:
        """Returns the viewer of a request that admission control doesn't refuse, and notes it."""
        self.admission.check(body.length(headers))
        if (authorization := headers.get(b"authorization")) is None:
            return PUBLIC
        viewer = await viewer_of(self.authentication, authorization, record.address)
        record.viewer, record.subject = _kind(viewer), viewer.subject
        return viewer

    async def _reply(
        self, scope: Scope, watch: Watch, headers: Headers, media_type: str, request: Request
    ) -> Reply:
        record, charge, only_queries = request.record, request.charge, decoding.is_query_only(scope["method"])
        if only_queries:
            forgery.require_own(headers, self.origins)
            operation = decoding.from_query(scope)
        else:
            operation = decoding.from_body(await body.read(watch.receive, headers, self.max_body_bytes))
        record.received = perf_counter()
        watch.listen()
        if self.policy is not None:
            operation = await self.policy.found(operation, record)
        read = self.executor.kept(operation)
        record.was_cached = read is not None
        read = read or await self._read(operation, charge)
        self._identify(record, operation, read)
        try:
            prepared = self.executor.prepare(operation, read, only_queries=only_queries)
        except NotAQueryError:
            raise HTTPException(405, "Mutations must be sent with POST.", {"allow": "POST"}) from None
        record.prepared = perf_counter()
        if isinstance(prepared, Refusal):
            if charge is not None:
                await charge.take(1)
            return self._not_run(prepared, media_type)
        record.price = prepared.price
        if charge is not None and not charge.take_held(prepared.budgeted):
            await charge.take(prepared.budgeted)
        return await self._run(prepared, request, watch, media_type)

    def _record(self, method: str, headers: Headers) -> Record:
        """Begins the record of a request."""
        shown = headers.get(b"x-lectern-trace")
        with_plan = self.trace_plan and shown == b"plan"
        return Record(
            datetime.now(UTC),
            decoding.request_id(headers),
            decoding.client(headers),
            read_traceparent(headers.get(b"traceparent")),
            method=method,
            is_shown=with_plan or (self.trace_commands and shown in {b"1", b"plan"}),
            with_plan=with_plan,
            on_command=self.instrumentation.command_sent,
        )

    def _observes(self, record: Record) -> bool:
        """Returns whether anyone will read which commands and levels a request has run."""
        return record.is_shown or self.instrumentation.request_ended is not None

    def _end(self, record: Record, answer: Reply | None) -> None:
        """Completes the record of a request, and notifies the listeners."""
        if self.instrumentation.request_ended is None:
            return
        record.ended = perf_counter()
        if answer is None:
            record.status = _CLIENT_GONE
        else:
            record.status, record.bytes = answer.status, answer.length
            record.code, record.errors, record.error_id = answer.code, answer.errors, answer.error_id
        self.instrumentation.request_ended(record)

    def _refused(self, refusal: HTTPException, media_type: str | None) -> Reply:
        if self.instrumentation.refused is not None:
            code, message = reply.code_of(refusal), refusal.detail
            limit = getattr(refusal, "limit", "")
            self.instrumentation.refused(Refused(code, message, refusal.status_code, limit))
        return reply.refused(refusal, media_type)

    async def _failed(self, error: Exception, charge: Charge | None, media_type: str | None) -> Reply:
        """Returns the reply to a request that failed. It pays a point.

        If its budget is spent, a mistake of the client is refused for that reason instead; but not an
        operation that the budget can never pay for, because the client would wait for nothing.
        """
        if charge is not None and not isinstance(error, RateLimitedError):
            try:
                await charge.take(1)
            except RateLimitedError as spent:
                if _is_mistake(error):
                    return self._refused(spent, media_type)
        if isinstance(error, TooLargeError):
            return self._not_run(too_large(error), media_type or JSON)
        if isinstance(error, HTTPException):
            return self._refused(error, media_type)
        return reply.unexpected(error, media_type)

    def _not_run(self, refusal: Refusal, media_type: str) -> Reply:
        if self.instrumentation.refused is not None:
            self.instrumentation.refused(
                Refused(refusal.code, str(refusal.errors[0]["message"]), limit=refusal.limit)
            )
        return reply.answered(refusal, media_type)

    def _identify(self, record: Record, operation: Operation, read: Document | Refusal) -> None:
        """Notes in the record which operation the client sent."""
        if not isinstance(read, Refusal):
            record.name, record.hash = read.name, read.hash
            record.kind = "query" if read.is_query else "mutation"
            if read.is_query and Redaction.shows_values:
                record.variables = operation.variables
        elif self._observes(record):
            record.hash = text_hash(operation.query)

    async def _read(self, operation: Operation, charge: Charge | None) -> Document | Refusal:
        """Parses and validates an operation that is not cached, once the budget and admission permit it."""
        if charge is not None:
            await charge.take(self.executor.text_price(operation))
        texts, size = self.admission.texts, len(operation.query)
        if not texts.enter(size):
            await texts.wait(size, operation.size)
        if charge is not None:
            charge.keep()
        try:
            return await self.executor.read(operation)
        finally:  # leave the lane on the loop's next iteration, so that tasks already ready run first
            asyncio.get_running_loop().call_soon(texts.leave, size)

    async def _run(self, prepared: Prepared, request: Request, watch: Watch, media_type: str) -> Reply:
        """Runs an operation once admission control permits it.

        The response is encoded before the operation leaves its lane (its admission queue), because encoding
        takes time and memory too.
        """
        price, is_query = prepared.price, prepared.document.is_query
        watch.scope.cheap = price <= CHEAP
        lane = self.admission.lane(price, is_query=is_query)
        if not lane.enter(price):
            await lane.wait(price, prepared.operation.size)
        outer = giving_way.set(self.admission.giving_way()) if lane is self.admission.expensive else None
        request.record.admitted = perf_counter()
        try:
            if self.policy is not None and prepared.operation.is_hash:
                self.policy.register(prepared.operation, request.record)
            watch.begin(is_query=is_query)
            answer = await self.executor.run(prepared, request)
            if isinstance(answer, Refusal):
                return self._not_run(answer, media_type)
            return reply.answered(answer, media_type)
        finally:
            if outer is not None:
                giving_way.reset(outer)
            lane.leave(price)


_CLIENT_KEY, _SHOW_COST = b"x-lectern-client-key", b"x-lectern-cost"

_CLIENT_GONE = 499  # nginx's status for a client that disconnected before the response
_ROLES = ("STAFF", "INSTRUCTOR", "STUDENT")


def _accepted(method: str, media_type: str | None) -> str:
    """Returns the media type. Raises HTTPException for a wrong method, or if the client accepts none."""
    decoding.is_query_only(method)
    if media_type is None:
        raise HTTPException(406, f"The `Accept` header must allow {GRAPHQL_RESPONSE} or {JSON}.")
    return media_type


def _kind(viewer: Viewer) -> str:
    """Returns the viewer's highest role in lower case, for the record of a request."""
    return next((role.lower() for role in _ROLES if role in viewer.roles), "none")


def _is_mistake(error: Exception) -> bool:
    """Returns whether a request failed because of what the client sent."""
    if isinstance(error, HTTPException):
        return error.status_code < 500 and not isinstance(error, TimeoutRefusal)
    return isinstance(error, TooLargeError) and error.setting != BUDGETS


def _end_charge(charge: Charge, record: Record) -> None:
    """Settles a charge that the executor has not settled.

    Nobody knows what an operation has done that was cancelled or failed as a whole, so it pays in full:
    otherwise, clients that disconnect early would pay nothing.
    """
    charge.settle(charge.spent if record.admitted else 0)
