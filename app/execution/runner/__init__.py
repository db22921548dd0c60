"""Runs a compiled plan one level at a time."""

from app.execution.runner.run import Run

__all__ = [
    "Run",
]
