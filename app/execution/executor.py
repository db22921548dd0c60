"""The one entry: prepare an operation, run it."""

import sys
from asyncio import sleep
from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias

from graphql import GraphQLError, GraphQLSchema
from graphql.execution.values import VariableValues

from app import errors
from app.execution import reference_engine
from app.execution.cache import Cache
from app.execution.compiler import Plan
from app.execution.cost import Cost
from app.execution.document import Document
from app.execution.encoding import ResponseTooLargeError, encode_at_once, encode_bounded, encoded
from app.execution.operation import Answer, Engine, Operation, Refusal
from app.execution.pace import pace
from app.execution.plan_report import Timings, explained
from app.execution.reader import Reader
from app.execution.refusals import RefusedError
from app.execution.runner import Run
from app.memory import thresholds
from app.observing import OperationRun, Trace
from app.protection import CHEAP, Limits, TooLargeError, check_variables, over
from app.request import Request
from resolvers.context import PUBLIC

_MOST_FAILURES = 200
_FAILURES_SIZE = 2_000_000  # bytes

_TREE_BYTES = 700  # for each token
_PLAN_BYTES = 900
_TREE_TEXTS = 2  # the text, and names and values out of it; a plan may have its names once more

_DEFAULTS = Limits()

_Key: TypeAlias = tuple[str, str | None]
_Reading: TypeAlias = "Generator[None, None, Document | Refusal]"


class Prepared(NamedTuple):
    """A valid operation, the request for it, the values of its variables, and what it costs at most."""

    document: Document
    operation: Operation
    variables: VariableValues
    cost: Cost


class NotAQueryError(Exception):
    """Only queries may be asked for here, and this is none."""


class Executor:
    """Runs operations against one schema.

    cache_entries, cache_bytes: how many operations are cached, parsed, validated and compiled, and about how
    much memory they take; refusals have a small cache of their own.
    compiled: False leaves everything to graphql-core. max_response_bytes: of an answer, before compression.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits = _DEFAULTS,
        *,
        introspection: bool = True,
        compiled: bool = True,
        cache_entries: int = 1_000,
        cache_bytes: int = 32_000_000,
        max_response_bytes: int = 10_000_000,
    ) -> None:
        self._schema, self._limits = schema, limits
        self._reader = Reader(schema, limits, introspection=introspection)
        self._introspection = introspection
        self._compiled = compiled
        self._max_response_bytes = max_response_bytes
        self._documents: Cache[_Key, Document] = Cache(entries=cache_entries, size=cache_bytes)
        self._failures: Cache[_Key, Refusal] = Cache(entries=_MOST_FAILURES, size=_FAILURES_SIZE)

    def kept(self, operation: Operation) -> Document | Refusal | None:
        """What was made of its text before, a document or the answer that refuses it, if it is kept."""
        key = (operation.query, operation.operation_name)
        return self._documents.get(key) or self._failures.get(key)

    async def read(self, operation: Operation) -> Document | Refusal:
        """Reads a text before it is prepared, yielding to the event loop in between: its document, or the
        answer that refuses it. `prepare` reads it in one go.
        """
        if (kept := self.kept(operation)) is not None:
            return kept
        reading = self._reading(operation)
        while (read := _next(reading)) is None:  # noqa: ASYNC110  # the work itself, not a wait
            await sleep(0)
        return read

    def prepare(
        self, operation: Operation, read: Document | Refusal | None = None, *, only_queries: bool = False
    ) -> Prepared | Refusal:
        """The operation, ready to run; the answer when it can't be. read: what `kept` or `read` returned for
        it: one that is too large for the cache is kept nowhere else.

        Raises NotAQueryError for a mutation, whatever its variables and its size.
        """
        document = read or self._document(operation)
        if isinstance(document, Refusal):
            return document
        if only_queries and not document.is_query:
            raise NotAQueryError
        try:
            check_variables(operation.variables or {}, self._limits)
            variables = document.variables.coerced(operation.variables)
            cost = self._affordable(document, variables)
        except RefusedError as refused:
            return refused.refusal
        except TooLargeError as error:
            return _too_large(error)
        return Prepared(document, operation, variables, cost)

    def explain(self, prepared: Prepared, timings: Timings | None = None) -> dict[str, Any]:
        """The plan of an operation: app.execution.plan_report."""
        document, _, variables, cost = prepared
        allowed, setting = self._allowed(document)
        plan = document.plan(variables) if self._compiled else "turned off"
        return explained(plan, variables, cost, allowed, setting, timings)

    async def run(self, prepared: Prepared, request: Request) -> Answer | Refusal:
        """The answer to an operation; a refusal if graphql-core finds that it can't run."""
        document, operation, variables, _ = prepared
        plan = document.kept_plan(variables) if self._compiled else "turned off"
        if plan is None:
            await sleep(0)  # what was read just now took its time already
            await pace.turn()
            plan = document.plan(variables)
        on_operation = request.instrumentation.operation_run
        if on_operation is not None:
            on_operation(_operation_run(prepared, plan))
        engine: Engine = "reference" if isinstance(plan, str) else "compiled"
        if isinstance(plan, str):
            ctx = request.context()
            try:
                payload = await reference_engine.payload(
                    self._schema, document.document, operation, ctx, in_thread=document.is_about_schema
                )
            except RefusedError as refused:
                return refused.refusal
        else:
            ctx = request.context(plan.projections, plan.looked_beyond)
            payload = await Run(plan, ctx, variables, request.instrumentation.level_called).payload()
        if trace := request.trace:
            payload["extensions"] = {"lectern": self._traced(prepared, trace)}
        return await self._answer(prepared, request, payload, engine)

    async def _answer(
        self, prepared: Prepared, request: Request, payload: dict[str, Any], engine: Engine
    ) -> Answer:
        """An answer of at most `max_response_bytes`."""
        found = payload.get("errors", ())
        has_data = not found or any(value is not None for value in (payload["data"] or {}).values())
        try:
            if prepared.cost.price <= CHEAP:
                body = encode_at_once(payload, self._max_response_bytes)
            else:
                body = await encode_bounded(payload, self._max_response_bytes)
        except ResponseTooLargeError:
            payload |= {"errors": [_response_too_large(self._max_response_bytes)], "data": None}
            found, body = payload["errors"], [encoded(payload)]
        reads = (request.scope.reads if request.scope else None) or {}
        cacheable = prepared.document.is_query and not found and request.viewer is PUBLIC
        return Answer(body, found, has_data, engine, reads, cacheable)

    def _traced(self, prepared: Prepared, trace: Trace) -> dict[str, Any]:
        """What the client's trace says, with the plan if it asked for that."""
        traced: dict[str, Any] = {"mongo": {"commands": trace.commands, "ms": round(trace.ms, 3)}}
        if trace.with_plan:
            traced["plan"] = self.explain(prepared, trace.levels)
        return traced

    def _document(self, operation: Operation) -> Document | Refusal:
        if (kept := self.kept(operation)) is not None:
            return kept
        reading = self._reading(operation)
        while (read := _next(reading)) is None:
            pass
        return read

    def _reading(self, operation: Operation) -> _Reading:
        """Reads a text, a piece at a time, and caches the result."""
        key = (operation.query, operation.operation_name)
        try:
            made = yield from self._reader.read(operation)
        except (RefusedError, TooLargeError) as error:
            refusal = error.refusal if isinstance(error, RefusedError) else _too_large(error)
            self._failures.put(key, refusal, _size_of_failure(operation, refusal))
            return refusal
        self._documents.put(key, made, _size_of_document(operation.query, made))
        return made

    def _affordable(self, document: Document, variables: VariableValues) -> Cost:
        """What an operation costs. Raises TooLargeError where that is more than is allowed."""
        cost = document.cost(variables, self._limits)
        allowed, setting = self._allowed(document)
        if (price := cost.price) > allowed:
            raise over(
                f"The operation costs up to {price:,}, for {cost.objects:,} objects with "
                f"{cost.values:,} values and {cost.commands:,} commands",
                allowed,
                setting,
                "Ask for smaller pages with `first`, or for less at once.",
            )
        return cost

    def _allowed(self, document: Document) -> tuple[int, str]:
        """The highest price, and its setting."""
        if document.introspects:
            return self._limits.introspection_cost, "MAX_INTROSPECTION_COST"
        return self._limits.cost, "MAX_COST"


def _next(reading: _Reading) -> Document | Refusal | None:
    """Does the next piece of the work: its result if that was the last one, otherwise None. graphql-core's
    validation leaves many cycles.
    """
    try:
        with thresholds.for_cycles():
            next(reading)
    except StopIteration as end:
        read: Document | Refusal = end.value
        return read
    return None


def _size_of_document(query: str, document: Document) -> int:
    """About how many bytes an operation takes with what is made of it, syntax tree and plans: they grow with
    its tokens, and with its text where tokens are long (tests/execution/test_cache.py holds it against
    tracemalloc).
    """
    plans = document.variants
    by_tokens = document.document.token_count * (_TREE_BYTES + _PLAN_BYTES * plans)
    return by_tokens + sys.getsizeof(query) * (_TREE_TEXTS + plans)


def _size_of_failure(operation: Operation, refusal: Refusal) -> int:
    """With the name, which may be any there: that of a valid operation is in its text."""
    asked = sys.getsizeof(operation.query) + sys.getsizeof(operation.operation_name)
    return asked + sum(len(error["message"]) for error in refusal.errors)


def _too_large(error: TooLargeError) -> Refusal:
    return RefusedError([GraphQLError(str(error))], errors.OPERATION_TOO_LARGE).refusal


def _operation_run(prepared: Prepared, plan: Plan | str) -> OperationRun:
    definition = prepared.document.definition
    engine, reason = ("reference", plan) if isinstance(plan, str) else ("compiled", "")
    name = definition.name.value if definition.name else None
    return OperationRun(name, definition.operation.value, engine, reason, prepared.cost.price)


def _response_too_large(most: int) -> dict[str, Any]:
    message = (
        f"The answer is over {most:,} bytes (MAX_RESPONSE_BYTES). Ask for smaller pages with `first`, or for "
        "fewer fields. What a mutation has done stays done."
    )
    return {"message": message, "extensions": {"code": errors.RESPONSE_TOO_LARGE}}
