"""The log: on standard error, since standard output is for what a command prints. A line for each event,
those of the server's libraries included, and tracebacks without the values in their frames.
"""

import logging
import sys

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


class _Passing(logging.Handler):
    """Makes a line of this log of what a library tells."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        structlog.get_logger("lectern").log(record.levelno, message, exc_info=record.exc_info)
