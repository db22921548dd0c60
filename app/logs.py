"""The log: on standard error, beside Uvicorn's; standard output is for what a command prints. A line for each
event, and tracebacks without the values in their frames.
"""

import sys
import time

import structlog


def configure() -> None:
    """The values in a traceback may be a student's, and to print them takes longer than most requests."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class Throttled:
    """Warnings of one kind that strangers can cause: one a minute at most, with how many were left out."""

    _SECONDS = 60

    def __init__(self, event: str) -> None:
        self._event = event
        self._next = 0.0
        self._left_out = 0

    def warning(self, **fields: object) -> None:
        now = time.monotonic()
        if now < self._next:
            self._left_out += 1
            return
        structlog.get_logger("lectern").warning(self._event, **fields, left_out=self._left_out)
        self._next, self._left_out = now + self._SECONDS, 0
