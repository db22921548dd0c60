"""A compiled plan, run a level at a time."""

from app.execution.runner.run import Run

__all__ = [
    "Run",
]
