"""Runs an operation, and counts what it took, as the executor does for its budget."""

from time import monotonic
from typing import Any, NamedTuple

from app.execution import Answer, Executor, Operation, Prepared
from app.execution.pricing.cost import Cost
from loaders.mongo import Database, Scope, current_scope
from resolvers.context import PUBLIC, Viewer
from tests.support import UNLIMITED, request_for


def actual_cost(prepared: Prepared, answer: Answer, scope: Scope) -> Cost:
    """Returns what an answer took. scope: that of its request."""
    size = prepared.document.actual_size(prepared.variables, UNLIMITED, answer.payload["data"])
    return Cost(*size, scope.sent)


class Metered(NamedTuple):
    maximum: Cost
    actual: Cost
    answer: Answer


async def metered(
    by: Executor,
    database: Database,
    query: str,
    variables: dict[str, Any] | None = None,
    viewer: Viewer = PUBLIC,
) -> Metered:
    """Runs an operation in a scope of its own, as the endpoint does for a client with a budget."""
    prepared = by.prepare(Operation(query, variables))
    assert isinstance(prepared, Prepared), prepared
    scope = Scope(monotonic() + 60)
    outer = current_scope.set(scope)
    try:
        answer = await by.run(prepared, request_for(database, viewer, scope=scope))
    finally:
        current_scope.reset(outer)
    assert isinstance(answer, Answer)
    return Metered(prepared.cost, actual_cost(prepared, answer, scope), answer)
