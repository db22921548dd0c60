"""The log: on standard error, beside Uvicorn's; standard output is for what a command prints. A line for each
event, and tracebacks without the values in their frames.
"""

import sys

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
