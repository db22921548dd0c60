"""The one entry: prepare an operation, run it."""

import sys
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues

from app import errors, metrics
from app.execution import reference
from app.execution.cache import Cache
from app.execution.document import Document
from app.execution.explain import Timings, explained
from app.execution.operation import Answer, Operation
from app.execution.plan import Plan
from app.execution.run import Run
from resolvers.context import Context

_MOST_FAILURES = 200
_FAILURES_SIZE = 2_000_000  # bytes

_TREE_BYTES = 700  # for each token
_PLAN_BYTES = 900
_TREE_TEXTS = 2  # the text, and names and values out of it; a plan may have its names once more

_OUT_OF_STACK = "Validation aborted."  # all that graphql-core says when it is

_COMPILED = metrics.operations.labels("compiled", "")

_Key: TypeAlias = tuple[str, str | None]


class Cost(NamedTuple):
    price: int


class Prepared(NamedTuple):
    """A valid operation, the request for it, and the values of its variables."""

    document: Document
    operation: Operation
    variables: VariableValues
    cost: Cost


class NotAQueryError(Exception):
    """Only queries may be asked for here, and this is none."""


class Executor:
    """Runs operations against one schema.

    cache_entries, cache_bytes: how many operations are kept parsed, validated and compiled, and about how
    much memory they take; refused ones have a small room of their own.
    compiled: False leaves everything to graphql-core.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        max_tokens: int,
        max_nodes: int,
        introspection: bool,
        compiled: bool = True,
        cache_entries: int = 1_000,
        cache_bytes: int = 32_000_000,
    ) -> None:
        self._schema = schema
        self._max_tokens = max_tokens
        self._max_nodes = max_nodes
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._compiled = compiled
        self._documents: Cache[_Key, Document] = Cache(entries=cache_entries, size=cache_bytes)
        self._failures: Cache[_Key, Answer] = Cache(entries=_MOST_FAILURES, size=_FAILURES_SIZE)

    def is_known(self, operation: Operation) -> bool:
        """Whether it was parsed and validated already."""
        key = (operation.query, operation.operation_name)
        return (self._documents.get(key) or self._failures.get(key)) is not None

    def prepare(self, operation: Operation, *, only_queries: bool = False) -> Prepared | Answer:
        """The operation, ready to run; the answer when it can't be.

        Raises NotAQueryError, for what is valid but for its variables or its size.
        """
        document = self._document(operation)
        if isinstance(document, Answer):
            return document
        if only_queries and not document.is_query:
            raise NotAQueryError
        variables = document.variables.coerced(operation.variables)
        if isinstance(variables, list):
            return _refused(variables, errors.BAD_USER_INPUT)
        try:
            nodes = document.nodes(variables)
        except RecursionError:
            return _refused([GraphQLError("The operation is nested too deeply.")], errors.OPERATION_TOO_LARGE)
        if nodes > self._max_nodes:
            return _refused([_too_large(nodes, self._max_nodes)], errors.OPERATION_TOO_LARGE)
        return Prepared(document, operation, variables, Cost(nodes))

    def explain(self, prepared: Prepared, timings: Timings | None = None) -> dict[str, Any]:
        """The plan of an operation: app.execution.explain."""
        document, _, variables, _ = prepared
        return explained(self._plan(document, variables), document.nodes(variables), self._max_nodes, timings)

    async def run(self, prepared: Prepared, ctx: Context, timings: Timings | None = None) -> Answer:
        """The answer of an operation. timings: where to note how long each call of its plan took."""
        document, operation, variables, _ = prepared
        plan = self._plan(document, variables)
        if isinstance(plan, str):
            metrics.operations.labels("reference", plan).inc()
            return await reference.answer(self._schema, document.document, operation, ctx, "reference")
        ctx.loaders.projections = plan.projections
        run = Run(ctx, variables, timings)
        data = await run.data(plan)
        if data is not None:
            _COMPILED.inc()
            return Answer({"data": data}, "compiled")
        run.hand_over()
        metrics.operations.labels("completed", "error").inc()
        return await reference.answer(self._schema, document.document, operation, ctx, "completed")

    def _plan(self, document: Document, variables: VariableValues) -> Plan | str:
        return document.plan(variables) if self._compiled else "turned off"

    def _document(self, operation: Operation) -> Document | Answer:
        key = (operation.query, operation.operation_name)
        if (kept := self._documents.get(key) or self._failures.get(key)) is not None:
            return kept
        made = self._parsed(operation)
        if isinstance(made, Answer):
            self._failures.put(key, made, _size_of_failure(operation, made))
        else:
            self._documents.put(key, made, _size_of_document(operation.query, made))
        return made

    def _parsed(self, operation: Operation) -> Document | Answer:
        try:
            limit = self._max_tokens
            document = parse(operation.query, max_lexical_tokens=limit, max_comments=limit)
        except GraphQLError as error:
            return _refused([error], errors.PARSE_FAILED)
        if invalid := validate(self._schema, document, self._rules):
            if invalid[-1].message == _OUT_OF_STACK:
                return _refused([_too_long()], errors.OPERATION_TOO_LARGE)
            return _refused(invalid, errors.VALIDATION_FAILED)
        definition = get_operation_ast(document, operation.operation_name)
        if definition is None:
            return _refused([_unresolved(operation)], errors.OPERATION_RESOLUTION_FAILURE)
        return Document(self._schema, document, definition)


def _size_of_document(query: str, document: Document) -> int:
    """About how many bytes an operation takes with what is made of it, syntax tree and plans: they grow with
    its tokens, and with its text where tokens are long (tests/execution/test_cache.py holds it against
    tracemalloc).
    """
    plans = document.variants
    by_tokens = document.document.token_count * (_TREE_BYTES + _PLAN_BYTES * plans)
    return by_tokens + sys.getsizeof(query) * (_TREE_TEXTS + plans)


def _size_of_failure(operation: Operation, answer: Answer) -> int:
    return sys.getsizeof(operation.query) + sum(len(error["message"]) for error in answer.payload["errors"])


def _refused(reasons: list[GraphQLError], code: str) -> Answer:
    return Answer({"errors": errors.request_errors(reasons, code)})


def _too_large(nodes: int, allowed: int) -> GraphQLError:
    return GraphQLError(
        f"The operation asks for up to {nodes:,} objects, and {allowed:,} are allowed "
        "(MAX_NODES). Ask for smaller pages with `first`, or for less at once."
    )


def _too_long() -> GraphQLError:
    return GraphQLError("The operation has too many fields side by side, or too deep: ask for less at once.")


def _unresolved(operation: Operation) -> GraphQLError:
    if operation.operation_name is not None:
        return GraphQLError(f"The document has no operation named '{operation.operation_name}'.")
    return GraphQLError("The document has more than one operation: say which one in `operationName`.")
