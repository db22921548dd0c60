"""Errors of commands that were not sent to MongoDB, or that it did not answer in time."""

from asyncio import Task

#: MongoDB's error code for a command that was killed along with its session, whoever killed it.
INTERRUPTED = 11601


class DeadlineError(Exception):
    """The request's deadline has passed."""


class OutcomeUnknownError(DeadlineError):
    """The request's deadline passed during its commit: the write may still succeed.

    commit: the task of the commit. It returns if the commit succeeds; it raises if nothing was written, or if
    the outcome stays unknown.
    """

    def __init__(self, commit: Task[None]) -> None:
        super().__init__()
        self.commit = commit


class DatabaseAwayError(Exception):
    """No primary can be reached: the command was not sent."""


class ClientGoneError(Exception):
    """The client went away: the command was not sent, or was interrupted."""
