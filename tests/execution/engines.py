"""The two ways to run an operation."""

from dataclasses import replace

from app.execution import Executor
from app.protection.limits import UNLIMITED, Limits
from resolvers.schema import schema

LIMITS = replace(UNLIMITED, cost=10_000)  # an operation for more takes long and shows nothing more


def executor(*, compiled: bool, limits: Limits = LIMITS) -> Executor:
    return Executor(schema, limits, compiled=compiled)
