"""The two ways to run an operation."""

from app.execution import Executor
from resolvers.schema import schema

MAX_NODES = 4_000  # an operation for more takes long and shows nothing more


def executor(*, compiled: bool, max_nodes: int = MAX_NODES) -> Executor:
    return Executor(
        schema._schema, max_tokens=10_000, max_nodes=max_nodes, introspection=True, compiled=compiled
    )
