"""The log: on standard error, since standard output is for what a command prints. A line for each event,
those of the server's libraries included, and tracebacks without the values in their frames.
"""

import logging
import sys
import time

import structlog

_SERVERS = ("uvicorn.error", "gunicorn.error")


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
    for name in _SERVERS:
        logging.getLogger(name).handlers = [_Passing()]


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


class _Passing(logging.Handler):
    """Makes a line of this log of what a library tells."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        structlog.get_logger("lectern").log(record.levelno, message, exc_info=record.exc_info)
