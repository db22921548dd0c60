"""Runs a compiled plan, one level of calls at a time."""

from app.execution.runner.run import Run

__all__ = [
    "Run",
]
