"""The entry point of app.execution: prepares an operation, then runs it."""

from asyncio import sleep
from collections.abc import Generator, Sequence
from time import perf_counter
from typing import NamedTuple, TypeAlias

from graphql import GraphQLError, GraphQLSchema
from graphql.execution.values import VariableValues

from app import error_codes
from app.errors import nothing_done
from app.execution import reference_engine
from app.execution.advice import advice
from app.execution.compiler import Plan
from app.execution.document import Document
from app.execution.document_cache import DocumentCache, named
from app.execution.document_reader import Reader
from app.execution.encoding import ResponseTooLargeError, encode_at_once, encode_bounded, encoded
from app.execution.operation import Answer, Engine, JsonObject, Operation, Refusal
from app.execution.pace import pace
from app.execution.plan_report import explained
from app.execution.pricing import Cost, Priced, price_of, price_of_text
from app.execution.refusals import RefusedError
from app.execution.runner import Run
from app.memory import thresholds
from app.observing import LevelCalled
from app.operation_limits import Limits
from app.protection import CHEAP, TooLargeError, check_variables, over
from app.request import Request
from resolvers.context import PUBLIC

_DEFAULTS = Limits()

_ReadSteps: TypeAlias = "Generator[None, None, Document | Refusal]"


class Prepared(NamedTuple):
    """A valid operation that is ready to run: its document, coerced variables and maximum cost.

    operation: the operation as the client sent it. price: the price of the cost. budgeted: the part of
    the price that budgets count, without the weights of fields that have limits of their own. has_fixed_size:
    see app.execution.pricing.cost.Priced.
    """

    document: Document
    operation: Operation
    variables: VariableValues
    cost: Cost
    price: int
    budgeted: int
    has_fixed_size: bool


class HighestPrice(NamedTuple):
    """The maximum cost of an operation.

    budgeted: the price for a budget (see Prepared). allowed: the limit on the price, which `setting` defines.
    advice: what to change if it costs too much.
    """

    cost: Cost
    budgeted: int
    allowed: int
    setting: str
    advice: str


class NotAQueryError(Exception):
    """The operation is a mutation, but only queries are allowed."""


class Executor:
    """Runs operations against one schema.

    cache_entries: the maximum number of operations in the cache.
    cache_bytes: the maximum estimated memory of the cache. Refusals have a separate, small cache.
    names_schema: whether errors name parts of the schema; by default, if there is introspection.
    compiled: if False, every operation runs on graphql-core, and its price has the commands of that.
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
        names_schema: bool | None = None,
        compiled: bool = True,
        cache_entries: int = 1_000,
        cache_bytes: int = 32_000_000,
        max_response_bytes: int = 10_000_000,
        max_trusted: int = 5_000,
    ) -> None:
        self._schema, self._limits = schema, limits
        self._reader = Reader(
            schema,
            limits,
            introspection=introspection,
            names_schema=introspection if names_schema is None else names_schema,
            compiled=compiled,
        )
        self._compiled = compiled
        self._max_response_bytes = max_response_bytes
        self._cache = DocumentCache(cache_entries, cache_bytes, max_trusted)

    def cache_size(self) -> tuple[int, int]:
        """Returns the number of cached documents, and their estimated memory in bytes."""
        return self._cache.usage()

    def kept(self, operation: Operation) -> Document | Refusal | None:
        """Returns the cached document or refusal of an operation; None if neither is cached."""
        return self._cache.get(operation)

    def text_price(self, operation: Operation) -> int:
        """Returns the estimated price of `read` for an operation that isn't cached."""
        return price_of_text(operation.query, self._limits)

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
            cost, price, _, apart, has_fixed_size = self._checked_price(document, variables)
        except RefusedError as refused:
            return refused.refusal
        except TooLargeError as error:
            return too_large(error)
        return Prepared(document, operation, variables, cost, price, price - apart, has_fixed_size)

    def highest_price(self, operation: Operation) -> HighestPrice | Refusal:
        """Returns the maximum cost of an operation, whether or not it exceeds the limit.

        Variables that have neither a value nor a default count with the values that cost most.
        """
        document = self._document(operation)
        if isinstance(document, Refusal):
            return document
        try:
            check_variables(operation.variables or {}, self._limits)
            cost, price, _, apart, _ = document.highest_priced(operation.variables or {}, self._limits)
        except RefusedError as refused:
            return refused.refusal
        except TooLargeError as error:
            return too_large(error)
        allowed, setting = self._price_limit(document)
        how = advice(self._schema, document.document)
        return HighestPrice(cost, price - apart, allowed, setting, how)

    def explain(self, prepared: Prepared, levels: Sequence[LevelCalled] = ()) -> JsonObject:
        """Returns the plan of an operation, in the form described in app.execution.plan_report.

        levels: the levels of one run of the plan, whose times are added.
        """
        document, _, variables, cost, *_ = prepared
        allowed, setting = self._price_limit(document)
        plan = document.plan(variables) if self._compiled else "turned off"
        return explained(plan, variables, cost, allowed, setting, levels)

    async def run(self, prepared: Prepared, request: Request) -> Answer | Refusal:
        """Runs an operation. Returns the answer, or a refusal if graphql-core refuses the operation."""
        document, operation, variables, *_ = prepared
        if request.scope is not None:
            request.scope.begin_operation()
        plan = document.kept_plan(variables) if self._compiled else "turned off"
        if plan is None:
            # Continue in a new iteration of the event loop, because other work on the document has already
            # made this one long.
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
                due = 0 if request.shows_cost else None
                refusal = refused.refusal._replace(extensions=self._extensions(prepared, request, due))
                if request.charge is not None:
                    request.charge.settle(0)
                return refusal
        else:
            ctx = request.context(plan.projections, plan.looked_beyond)
            payload = await Run(plan, ctx, variables, request.on_level).payload()
        record.executed = perf_counter()
        return await self._answer(prepared, request, payload, engine)

    async def _answer(
        self, prepared: Prepared, request: Request, payload: JsonObject, engine: Engine
    ) -> Answer:
        """Encodes a response, and settles its charge.

        If the response is larger than `max_response_bytes`, encodes an error instead. It pays in full.
        """
        response_errors = payload.get("errors", ())
        has_data = not response_errors or any(v is not None for v in (payload["data"] or {}).values())
        due = self._due(prepared, request, payload, has_data=has_data) if request.shows_cost else None
        if extensions := self._extensions(prepared, request, due):
            payload["extensions"] = extensions
        try:
            if prepared.price <= CHEAP:
                body = encode_at_once(payload, self._max_response_bytes)
            else:
                body = await encode_bounded(payload, self._max_response_bytes)
        except ResponseTooLargeError:
            due, response_errors = prepared.budgeted, [_response_too_large(self._max_response_bytes)]
            payload = {"errors": response_errors, "data": None}
            if extensions := self._extensions(prepared, request, due if request.shows_cost else None):
                payload["extensions"] = extensions
            body = [encoded(payload)]
        if (charge := request.charge) is not None:
            if due is None:
                json = body[0] if len(body) == 1 else b""
                due = self._due(prepared, request, payload, json, has_data=has_data)
            charge.settle(due)
        reads = (request.scope.reads if request.scope else None) or {}
        public = request.viewer is PUBLIC and not _shows_request(request)
        document = prepared.document
        cacheable = public and document.is_query and not document.is_personal and not response_errors
        return Answer(body, response_errors, has_data, engine, reads, cacheable)

    def _extensions(self, prepared: Prepared, request: Request, due: int | None) -> JsonObject | None:
        """Returns the trace and the cost, or None if the client requested neither.

        due: the price that the operation pays in the end; None if the client didn't request the cost.
        """
        cost = {"cost": _shown_cost(prepared, request, due)} if due is not None else None
        if not request.record.is_shown:
            return cost
        return self._trace(prepared, request) | (cost or {})

    def _due(
        self,
        prepared: Prepared,
        request: Request,
        payload: JsonObject,
        json: bytes = b"",
        *,
        has_data: bool,
    ) -> int:
        """Returns the price that a budget pays for an operation in the end.

        json: the payload as JSON; empty if it isn't encoded yet, or is encoded in several parts.

        With errors, it is the full price: an error can remove objects from the response that have been
        loaded. It is 0 if the errors say that nothing has been done.
        """
        if (scope := request.scope) is None:
            return prepared.budgeted
        if found := payload.get("errors"):
            return 0 if nothing_done(found, has_data=has_data, wrote=scope.wrote) else prepared.budgeted
        # `find`, because `in` first tries to read its operand as an integer, which takes longer.
        if prepared.has_fixed_size and json and json.find(b"null") < 0:
            objects, values, _ = prepared.cost
        else:
            data = payload["data"]
            objects, values = prepared.document.actual_size(prepared.variables, self._limits, data)
        return price_of(objects, values, scope.sent) - (prepared.price - prepared.budgeted)

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
        # The name in a request for a trusted operation doesn't decide what is read.
        own = operation if operation.way != "trusted" else operation._replace(operation_name=None)
        read: Document | Refusal
        try:
            read = yield from self._reader.read(own)
        except RefusedError as error:
            read = error.refusal
        except TooLargeError as error:
            read = too_large(error)
        self._cache.put(operation, read)
        return named(read, operation)

    def _checked_price(self, document: Document, variables: VariableValues) -> Priced:
        """Returns the cost of an operation. Raises TooLargeError if the cost exceeds the limit."""
        priced = document.priced(variables, self._limits)
        cost = priced.cost
        allowed, setting = self._price_limit(document)
        if (price := priced.price) > allowed:
            objects, values, commands = map(_counted, cost, ("object", "value", "command"))
            raise over(
                f"The operation costs up to {price:,} ({objects}, {values} and {commands})",
                allowed,
                setting,
                advice(self._schema, document.document),
            )
        return priced

    def _price_limit(self, document: Document) -> tuple[int, str]:
        """Returns the maximum price of an operation, and the name of the setting that defines it."""
        if document.introspects:
            return self._limits.introspection_cost, "LECTERN_MAX_INTROSPECTION_COST"
        return self._limits.cost, "LECTERN_MAX_COST"


def _shows_request(request: Request) -> bool:
    """Returns whether the response says something about this request alone: its trace, or its cost."""
    charge = request.charge
    return request.record.is_shown or request.shows_cost or (charge is not None and charge.is_shown)


def _shown_cost(prepared: Prepared, request: Request, due: int) -> JsonObject:
    """Returns an operation's cost, and the state of the client's budget, which is null if unlimited."""
    charge = request.charge
    state = charge.state(due) if charge is not None else None
    return {
        "requested": charge.spent if charge is not None else max(1, prepared.budgeted),
        "actual": charge.due(due) if charge is not None else max(1, due),
        **{name: state[name] if state else None for name in ("limit", "remaining", "resetAt")},
    }


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


def too_large(error: TooLargeError) -> Refusal:
    """Returns the refusal of an operation that exceeds a limit."""
    refused = RefusedError([GraphQLError(str(error))], error_codes.OPERATION_TOO_LARGE)
    return refused.refusal._replace(limit=error.setting)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _engine(plan: Plan | str) -> Engine:
    return "reference" if isinstance(plan, str) else "compiled"


def _response_too_large(limit: int) -> JsonObject:
    message = (
        f"The response is larger than {limit:,} bytes (LECTERN_MAX_RESPONSE_BYTES). Request smaller pages "
        "with `first`, or fewer fields. Changes that a mutation has made are not undone."
    )
    return {"message": message, "extensions": {"code": error_codes.RESPONSE_TOO_LARGE}}
