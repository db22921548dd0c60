"""Errors for commands that were not sent to MongoDB, or not answered in time, and the reasons to show."""

import re
from asyncio import Task

from pymongo.errors import PyMongoError

#: MongoDB's error code for a command that was killed along with its session, regardless of who killed it.
INTERRUPTED = 11601
UNAUTHORIZED = 13  # MongoDB's error code if its user lacks a privilege

#: What the driver appends to its messages: timeouts, every server's state, and the whole answer of a server.
_APPENDED = re.compile(
    r" \(configured timeouts:[^)]*\)|, Timeout: [\d.e-]+s, Topology Description: .*|, full error: .*",
    re.DOTALL,
)
_LONGEST_REASON = 500  # characters


def reason_of(error: BaseException | str) -> str:
    """Returns an error's message without what the driver appends to it, or its type if it has no message."""
    message = error if isinstance(error, str) else str(error) or type(error).__name__
    return _APPENDED.sub("", message)[:_LONGEST_REASON]


class DeadlineError(Exception):
    """The request's deadline has passed."""


class UnfinishedError(DeadlineError):
    """The request's deadline passed after its commit, while the rest of its work goes on."""


class OutcomeUnknownError(DeadlineError):
    """The request's deadline passed during its commit, so the write might still succeed.

    commit: the task that commits. It returns if the commit succeeds; it raises an error if nothing was
    written, or if the outcome remains unknown.
    """

    def __init__(self, commit: Task[None]) -> None:
        super().__init__()
        self.commit = commit


class DatabaseAwayError(Exception):
    """No primary can be reached, so the command was not sent."""


class ClientGoneError(Exception):
    """The client has disconnected, so the command was not sent, or was interrupted."""


#: What sending a command raises if it fails: MongoDB refuses it, can't be reached or is too slow.
COMMAND_ERRORS = (PyMongoError, DatabaseAwayError, DeadlineError)
