"""The log: on standard error, since standard output is for what a command prints. A line for each event,
those of the server's libraries included, and tracebacks without the values in their frames.
"""

import logging
import sys
from asyncio import get_running_loop
from time import monotonic

import structlog

_SERVERS = ("uvicorn.error", "gunicorn.error")
_EVERY = 10.0  # seconds


def configure_logs() -> None:
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
    """Warnings of one kind that may repeat themselves: the first with its details, then every ten seconds how
    many more there were.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._quiet_until = 0.0
        self._repeated = 0

    def warning(self, **details: object) -> None:
        if monotonic() < self._quiet_until:
            self._repeated += 1
        else:
            self._log(**details)

    def _log(self, **details: object) -> None:
        repeated = {"repeated": self._repeated} if self._repeated else {}
        structlog.get_logger("lectern").warning(self._event, **details, **repeated)
        self._quiet_until, self._repeated = monotonic() + _EVERY, 0
        get_running_loop().call_later(_EVERY, self._tell_repeated)

    def _tell_repeated(self) -> None:
        if self._repeated:
            self._log()


class _Passing(logging.Handler):
    """Makes a line of this log of what a library tells."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        structlog.get_logger("lectern").log(record.levelno, message, exc_info=record.exc_info)
