"""The two engines that can run an operation."""

from dataclasses import replace

from app.execution import Executor
from app.operation_limits import Limits
from resolvers.schema import schema
from tests.support import UNLIMITED

LIMITS = replace(UNLIMITED, cost=10_000)  # a dearer operation takes long, and reveals nothing more


def executor(*, compiled: bool, limits: Limits = LIMITS) -> Executor:
    return Executor(schema, limits, compiled=compiled)
