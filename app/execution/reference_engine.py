"""Runs operations on graphql-core if they can't be compiled to a plan."""

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
    """Runs a valid operation whose variables have the right types. Returns its response.

    in_thread: whether to run the operation in a thread. Set this for operations that never await, because
    they would block the event loop.

    Raises RefusedError if no field was executed.
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
    if found and all(error.path is None for error in found):  # request errors: no field was executed
        raise RefusedError(found, error_codes.BAD_USER_INPUT)
    if found:
        return {"errors": [errors.field_error(error) for error in found], "data": result.data}
    return {"data": result.data}
