"""graphql-core: for what has no plan."""

from asyncio import to_thread
from functools import partial
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, execute

from app import errors
from app.execution.operation import Operation
from app.execution.refusals import RefusedError
from app.memory import thresholds
from resolvers.context import Context


async def payload(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: Operation,
    ctx: Context,
    *,
    in_thread: bool = False,
) -> dict[str, Any]:
    """The response to a valid operation whose variables fit.

    in_thread: for one that awaits nothing. It would hold the event loop; Python's threads take turns.

    Raises RefusedError if no field was run.
    """
    run = partial(
        execute,
        schema,
        document,
        context_value=ctx,
        variable_values=operation.variables,
        operation_name=operation.operation_name,
    )
    with thresholds.for_cycles():
        running = await to_thread(run) if in_thread else run()
        result = running if isinstance(running, ExecutionResult) else await running
    wrong = result.errors or []
    if wrong and all(error.path is None for error in wrong):  # errors of the request: no field was run
        raise RefusedError(wrong, errors.BAD_USER_INPUT)
    if wrong:
        return {"errors": [errors.field_error(error) for error in wrong], "data": result.data}
    return {"data": result.data}
