"""Runs operations that have no plan on graphql-core."""

from asyncio import to_thread
from functools import partial

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, execute

from app import error_codes, errors
from app.execution.operation import JsonObject, Operation
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
) -> JsonObject:
    """The response to a valid operation whose variables fit.

    in_thread: for an operation that awaits nothing. It would block the event loop, while Python's threads
    take turns.

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
    found = result.errors or []
    if found and all(error.path is None for error in found):  # request errors: no field was run
        raise RefusedError(found, error_codes.BAD_USER_INPUT)
    if found:
        return {"errors": [errors.field_error(error) for error in found], "data": result.data}
    return {"data": result.data}
