"""The entry point of app.execution: prepares an operation, then runs it."""

import sys
from asyncio import sleep
from collections.abc import Generator, Sequence
from time import perf_counter
from typing import NamedTuple, TypeAlias

from graphql import GraphQLError, GraphQLSchema
from graphql.execution.values import VariableValues

from app import error_codes
from app.execution import reference_engine
from app.execution.cache import Cache, RecencyCache
from app.execution.compiler import Plan
from app.execution.document import Document
from app.execution.document_reader import Reader
from app.execution.encoding import ResponseTooLargeError, encode_at_once, encode_bounded, encoded
from app.execution.operation import Answer, Engine, JsonObject, Operation, Refusal
from app.execution.pace import pace
from app.execution.plan_report import explained
from app.execution.pricing import Cost
from app.execution.refusals import RefusedError
from app.execution.runner import Run
from app.memory import thresholds
from app.observing import LevelCalled
from app.operation_limits import Limits
from app.protection import CHEAP, TooLargeError, check_variables, over
from app.request import Request
from loaders.mongo import Meter
from resolvers.context import PUBLIC

_MAX_REFUSALS = 200
_REFUSALS_SIZE = 2_000_000  # maximum size of all cached refusals, in bytes

_TRUSTED_SIZE = 64_000_000  # maximum estimated memory of the cached trusted operations, in bytes

_TREE_BYTES = 700  # estimated memory of the syntax tree, in bytes per token of the document
_PLAN_BYTES = 900  # estimated memory of one plan, in bytes per token of the document

# An operation's text is in memory twice: as the text itself, and as the names and values in the syntax tree.
# Each plan can hold another copy of the names.
_TREE_TEXTS = 2

_DEFAULTS = Limits()

_Key: TypeAlias = tuple[str, str | None]
_ReadSteps: TypeAlias = "Generator[None, None, Document | Refusal]"


class Prepared(NamedTuple):
    """A valid operation that is ready to run: its document, coerced variables and maximum cost.

    operation: the operation as the client sent it.
    """

    document: Document
    operation: Operation
    variables: VariableValues
    cost: Cost


class HighestPrice(NamedTuple):
    """The maximum cost of an operation; `allowed`: the limit on its price, which `setting` defines."""

    cost: Cost
    allowed: int
    setting: str


class NotAQueryError(Exception):
    """The operation is a mutation, but only queries are allowed."""


class Executor:
    """Runs operations against one schema.

    cache_entries: the maximum number of operations in the cache.
    cache_bytes: the maximum estimated memory of the cache. Refusals have a separate, small cache.
    compiled: if False, every operation runs on graphql-core.
    max_response_bytes: the maximum size of a response, before compression.
    max_trusted: the maximum number of trusted operations. They have a cache of their own, so that other texts
    can't push them out.
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
        max_trusted: int = 5_000,
    ) -> None:
        self._schema, self._limits = schema, limits
        self._reader = Reader(schema, limits, introspection=introspection)
        self._compiled = compiled
        self._max_response_bytes = max_response_bytes
        self._documents: Cache[_Key, Document] = Cache(entries=cache_entries, size=cache_bytes)
        # Two entries for each, because a request can name the operation or not.
        self._trusted: RecencyCache[_Key, Document] = RecencyCache(
            entries=2 * max_trusted, size=_TRUSTED_SIZE
        )
        self._refusals: Cache[_Key, Refusal] = Cache(entries=_MAX_REFUSALS, size=_REFUSALS_SIZE)

    def cache_size(self) -> tuple[int, int]:
        """Returns the number of cached documents, and their estimated memory in bytes."""
        return len(self._documents), self._documents.size

    def kept(self, operation: Operation) -> Document | Refusal | None:
        """Returns the cached document or refusal of an operation; None if neither is cached."""
        key = (operation.query, operation.operation_name)
        return self._cache_of(operation).get(key) or self._refusals.get(key)

    async def read(self, operation: Operation) -> Document | Refusal:
        """Parses and validates an operation, yielding to the event loop between steps.

        Returns its document, or the refusal. `prepare` also does this if necessary, but without yielding.
        """
        if (cached := self.kept(operation)) is not None:
            return cached
        steps = self._read_steps(operation)
        while (read := _next(steps)) is None:  # noqa: ASYNC110  # this loop does work; it does not poll
            await sleep(0)
        return read

    def prepare(
        self, operation: Operation, read: Document | Refusal | None = None, *, only_queries: bool = False
    ) -> Prepared | Refusal:
        """Prepares an operation for `run`. Returns the prepared operation, or the refusal.

        read: the result of `kept` or `read` for this operation, so that an operation that is too large to
        cache isn't parsed twice.

        If `only_queries` is true, raises NotAQueryError for a mutation, without checking its variables or
        cost.
        """
        document = read or self._document(operation)
        if isinstance(document, Refusal):
            return document
        if only_queries and not document.is_query:
            raise NotAQueryError
        try:
            check_variables(operation.variables or {}, self._limits)
            variables = document.variables.coerced(operation.variables)
            cost = self._checked_cost(document, variables)
        except RefusedError as refused:
            return refused.refusal
        except TooLargeError as error:
            return too_large(error)
        return Prepared(document, operation, variables, cost)

    def highest_price(self, operation: Operation) -> HighestPrice | Refusal:
        """Returns the maximum cost of an operation, whether or not it exceeds the limit.

        Variables that have neither a value nor a default count with the values that cost most.
        """
        document = self._document(operation)
        if isinstance(document, Refusal):
            return document
        try:
            check_variables(operation.variables or {}, self._limits)
            cost = document.highest_cost(operation.variables or {}, self._limits)
        except RefusedError as refused:
            return refused.refusal
        except TooLargeError as error:
            return too_large(error)
        return HighestPrice(cost, *self._price_limit(document))

    def explain(self, prepared: Prepared, levels: Sequence[LevelCalled] = ()) -> JsonObject:
        """Returns the plan of an operation, in the form described in app.execution.plan_report.

        levels: the levels of one run of the plan, whose times are added.
        """
        document, _, variables, cost = prepared
        allowed, setting = self._price_limit(document)
        plan = document.plan(variables) if self._compiled else "turned off"
        return explained(plan, variables, cost, allowed, setting, levels)

    async def run(self, prepared: Prepared, request: Request) -> Answer | Refusal:
        """Runs an operation. Returns the answer, or a refusal if graphql-core refuses the operation."""
        document, operation, variables, _ = prepared
        meter = _meter(request)
        plan = document.kept_plan(variables) if self._compiled else "turned off"
        if plan is None:
            # Continue in a new iteration of the event loop, because parsing and validation have already made
            # this one long.
            await sleep(0)
            await pace.turn()
            plan = document.plan(variables)
        record, engine = request.record, _engine(plan)
        record.engine, record.reason = engine, plan if isinstance(plan, str) else ""
        if isinstance(plan, str):
            ctx = request.context()
            try:
                payload = await reference_engine.payload(
                    self._schema, document.document, operation, ctx, in_thread=document.is_about_schema
                )
            except RefusedError as refused:
                if request.charge is not None:
                    request.charge.settle(0)
                return refused.refusal._replace(extensions=self._extensions(prepared, request))
        else:
            ctx = request.context(plan.projections, plan.looked_beyond)
            payload = await Run(plan, ctx, variables, request.on_level).payload()
        record.executed = perf_counter()
        actual = None
        if meter is not None:
            actual = document.actual_cost(variables, self._limits, payload["data"], meter.sent)
            if request.charge is not None:
                request.charge.settle(actual.price)
        if extensions := self._extensions(prepared, request, actual):
            payload["extensions"] = extensions
        return await self._answer(prepared, request, payload, engine, actual)

    async def _answer(
        self,
        prepared: Prepared,
        request: Request,
        payload: JsonObject,
        engine: Engine,
        actual: Cost | None,
    ) -> Answer:
        """Encodes a response. If it is larger than `max_response_bytes`, encodes an error instead."""
        response_errors = payload.get("errors", ())
        has_data = not response_errors or any(v is not None for v in (payload["data"] or {}).values())
        try:
            if prepared.cost.price <= CHEAP:
                body = encode_at_once(payload, self._max_response_bytes)
            else:
                body = await encode_bounded(payload, self._max_response_bytes)
        except ResponseTooLargeError:
            payload |= {"errors": [_response_too_large(self._max_response_bytes)], "data": None}
            response_errors, body = payload["errors"], [encoded(payload)]
        reads = (request.scope.reads if request.scope else None) or {}
        public = request.viewer is PUBLIC and not _shows_request(request)
        cacheable = public and prepared.document.is_query and not response_errors
        return Answer(body, response_errors, has_data, engine, reads, cacheable, actual)

    def _extensions(
        self, prepared: Prepared, request: Request, actual: Cost | None = None
    ) -> JsonObject | None:
        """Returns the trace and the cost, or None if the client requested neither."""
        cost = {"cost": _shown_cost(prepared, request, actual)} if request.shows_cost else None
        if not request.record.is_shown:
            return cost
        return self._trace(prepared, request) | (cost or {})

    def _trace(self, prepared: Prepared, request: Request) -> JsonObject:
        """Returns the trace, with the plan if the client requested it and is allowed to see it."""
        record = request.record
        extension: JsonObject = {
            "mongo": {"commands": record.command_count, "ms": round(record.command_ms, 3)}
        }
        if record.with_plan:
            extension["plan"] = self.explain(prepared, record.levels)
        return {"lectern": extension}

    def _document(self, operation: Operation) -> Document | Refusal:
        if (cached := self.kept(operation)) is not None:
            return cached
        steps = self._read_steps(operation)
        while (read := _next(steps)) is None:
            pass
        return read

    def _read_steps(self, operation: Operation) -> _ReadSteps:
        """Parses and validates an operation, and yields between the steps. Caches and returns the result."""
        key = (operation.query, operation.operation_name)
        try:
            document = yield from self._reader.read(operation)
        except (RefusedError, TooLargeError) as error:
            refusal = error.refusal if isinstance(error, RefusedError) else too_large(error)
            self._refusals.put(key, refusal, _size_of_refusal(operation, refusal))
            return refusal
        self._cache_of(operation).put(key, document, _size_of_document(operation.query, document))
        return document

    def _cache_of(self, operation: Operation) -> Cache[_Key, Document] | RecencyCache[_Key, Document]:
        return self._documents if operation.way != "trusted" else self._trusted

    def _checked_cost(self, document: Document, variables: VariableValues) -> Cost:
        """Returns the cost of an operation. Raises TooLargeError if the cost exceeds the limit."""
        cost = document.cost(variables, self._limits)
        allowed, setting = self._price_limit(document)
        if (price := cost.price) > allowed:
            raise over(
                f"The operation costs up to {price:,} ({cost.objects:,} objects, "
                f"{cost.values:,} values and {cost.commands:,} commands)",
                allowed,
                setting,
                "Request smaller pages with `first`, or fewer fields.",
            )
        return cost

    def _price_limit(self, document: Document) -> tuple[int, str]:
        """Returns the maximum price of an operation, and the name of the setting that defines it."""
        if document.introspects:
            return self._limits.introspection_cost, "LECTERN_MAX_INTROSPECTION_COST"
        return self._limits.cost, "LECTERN_MAX_COST"


def _shows_request(request: Request) -> bool:
    """Returns whether the response says something about this request alone: its trace, or its cost."""
    charge = request.charge
    return request.record.is_shown or request.shows_cost or (charge is not None and charge.is_shown)


def _shown_cost(prepared: Prepared, request: Request, actual: Cost | None) -> JsonObject:
    """Returns an operation's cost, and the state of the client's budget, which is null if unlimited."""
    state = request.charge.state() if request.charge is not None else None
    return {
        "requested": max(1, prepared.cost.price),
        "actual": max(1, actual.price) if actual else None,
        **{name: state[name] if state else None for name in ("limit", "remaining", "resetAt")},
    }


def _meter(request: Request) -> Meter | None:
    """Starts to count a request's commands, if its answer includes the actual cost."""
    if not request.is_metered or request.scope is None:
        return None
    request.scope.meter = Meter()
    return request.scope.meter


def _next(steps: _ReadSteps) -> Document | Refusal | None:
    """Performs the next step of reading an operation.

    Returns the document or the refusal if this was the last step, otherwise None. The step runs with special
    thresholds for the garbage collector, because graphql-core's validation leaves many reference cycles.
    """
    try:
        with thresholds.for_cycles():
            next(steps)
    except StopIteration as end:
        read: Document | Refusal = end.value
        return read
    return None


def _size_of_document(query: str, document: Document) -> int:
    """Estimates the memory of a cached operation in bytes: its text, syntax tree and plans.

    The estimate grows with the number of tokens and with the length of the text.
    tests/execution/test_cache.py checks the estimate against tracemalloc.
    """
    plans = document.variants
    by_tokens = document.document.token_count * (_TREE_BYTES + _PLAN_BYTES * plans)
    return by_tokens + sys.getsizeof(query) * (_TREE_TEXTS + plans)


def _size_of_refusal(operation: Operation, refusal: Refusal) -> int:
    """Estimates how many bytes of memory a cached refusal takes.

    The operation's name counts separately, because it is cached too, and need not be part of the document.
    """
    request_size = sys.getsizeof(operation.query) + sys.getsizeof(operation.operation_name)
    return request_size + sum(len(error["message"]) for error in refusal.errors)


def too_large(error: TooLargeError) -> Refusal:
    """Returns the refusal of an operation that exceeds a limit."""
    refused = RefusedError([GraphQLError(str(error))], error_codes.OPERATION_TOO_LARGE)
    return refused.refusal._replace(limit=error.setting)


def _engine(plan: Plan | str) -> Engine:
    return "reference" if isinstance(plan, str) else "compiled"


def _response_too_large(limit: int) -> JsonObject:
    message = (
        f"The response is larger than {limit:,} bytes (LECTERN_MAX_RESPONSE_BYTES). Request smaller pages "
        "with `first`, or fewer fields. Changes that a mutation has made are not undone."
    )
    return {"message": message, "extensions": {"code": error_codes.RESPONSE_TOO_LARGE}}
