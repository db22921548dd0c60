"""The log. It goes to standard error, because standard output is for the output of commands.

Each event is one line, including events from libraries. Lines are for people, or JSON for machines.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from app.observing.output import Output
from app.observing.redaction import Redaction, traceback_of
from app.settings import Settings
from app.terminal import printable, printable_lines

#: The lines of libraries are shown from this level on, whatever LECTERN_LOG_LEVEL is. Lines below it can
#: contain the values of commands.
_QUIETEST = logging.WARNING
_SERVERS = ("uvicorn.error", "gunicorn.error")  # their lines have no values


class Log:
    """The log of this process, as configured by `configure_logs`."""

    output = Output(sys.stderr.buffer)
    is_json = False
    level = logging.INFO


def configure_logs(settings: Settings | None = None) -> None:
    """Configures structlog and the loggers of libraries.

    settings: those of a gateway. If None, the lines are for the person who runs a command.
    """
    is_terminal, form = sys.stderr.isatty(), settings.log_format if settings else "console"
    Log.output = Output(sys.stderr.buffer, _warn_of_dropped)
    Log.is_json = form == "json" or (form == "auto" and not is_terminal)
    Log.level = logging.getLevelNamesMapping()[settings.log_level.upper()] if settings else logging.INFO
    Redaction.shows_values = settings is not None and settings.log_personal_data
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _with_traceback,
            _json if Log.is_json else _for_people(structlog.dev.ConsoleRenderer(colors=is_terminal)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(Log.level),
        logger_factory=lambda *_: _Lines(),
    )
    _take_over_libraries()


def _for_people(render: structlog.dev.ConsoleRenderer) -> Processor:
    """Formats a line for people. The lines of a plan are below it, instead of in it.

    Control characters are escaped, because clients and documents can contain any.
    """

    def rendered(logger: object, method: str, event: EventDict) -> str:
        plan: Sequence[str] = event.pop("plan", ())
        event = {name: _escaped(name, value) for name, value in event.items()}
        return "\n    ".join([render(logger, method, event), *plan])

    return rendered


def _escaped(name: str, value: object) -> object:
    if not isinstance(value, str):  # rendered by `repr`, which escapes
        return value
    return printable_lines(value) if name == "exception" else printable(value)


def _take_over_libraries() -> None:
    root = logging.getLogger()
    root.handlers = [_Forwarding()]
    root.setLevel(max(Log.level, _QUIETEST))
    for name in _SERVERS:
        server = logging.getLogger(name)
        server.handlers, server.propagate = [_Forwarding()], False
        server.setLevel(Log.level)


def _warn_of_dropped(lines: int) -> None:
    structlog.get_logger("lectern").warning("lines of the log were dropped: nothing read them", lines=lines)


class _Lines:
    """The end of structlog's processors: writes a line, whatever its level."""

    def msg(self, line: str | bytes) -> None:
        if isinstance(line, str):
            line = line.encode(errors="backslashreplace")
        Log.output.write(line + b"\n")

    debug = info = warning = error = critical = msg


def _json(_: object, __: str, event: EventDict) -> bytes:
    first = {name: event.pop(name) for name in ("event", "level", "timestamp") if name in event}
    return orjson.dumps({**first, **event}, default=str, option=orjson.OPT_NON_STR_KEYS)


def _with_traceback(_: object, __: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` with the text of the traceback."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = traceback_of(error)
    return event


class _Forwarding(logging.Handler):
    """Forwards the records of a library's logger to Lectern's log."""

    def emit(self, record: logging.LogRecord) -> None:
        # asyncio's messages have the details on further lines, among them the messages of exceptions.
        message = record.getMessage().strip().partition("\n")[0]
        details: dict[str, Any] = {"logger": record.name} if record.name not in _SERVERS else {}
        structlog.get_logger("lectern").log(record.levelno, message, exc_info=record.exc_info, **details)
