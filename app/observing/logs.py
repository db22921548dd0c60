"""The log. It goes to standard error, because standard output is for the output of commands.

Each event is one line, including events from the server's libraries. Tracebacks omit the values of variables.
"""

import logging
import sys
from asyncio import get_running_loop
from time import monotonic

import structlog

_SERVERS = ("uvicorn.error", "gunicorn.error")
_EVERY = 10.0  # minimum seconds between log lines for warnings of the same kind


def configure_logs() -> None:
    """Configures structlog and the servers' loggers.

    Tracebacks are plain, without the values of variables, because those might be students' personal data, and
    because printing them takes longer than most requests.
    """
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
        logging.getLogger(name).handlers = [_Forwarding()]


class Throttled:
    """Throttles warnings of one kind.

    The first warning is logged with its details. After that, the number of further warnings is logged every
    ten seconds for as long as they keep occurring.
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
        get_running_loop().call_later(_EVERY, self._log_repeated)

    def _log_repeated(self) -> None:
        if self._repeated:
            self._log()


class _Forwarding(logging.Handler):
    """Forwards the records of a library's logger to Lectern's log."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        structlog.get_logger("lectern").log(record.levelno, message, exc_info=record.exc_info)
