"""Why MongoDB was not asked, or did not answer in time."""

from asyncio import Task

#: MongoDB's code for a command that was ended with its session, by whomever.
INTERRUPTED = 11601


class DeadlineError(Exception):
    """The request's deadline has passed."""


class OutcomeUnknownError(DeadlineError):
    """The request's deadline has passed while its commit was under way: it may still be written.

    commit: ends with the outcome, and raises where nothing was written or the outcome stays unknown.
    """

    def __init__(self, commit: Task[None]) -> None:
        super().__init__()
        self.commit = commit


class DatabaseAwayError(Exception):
    """No primary can be reached: the command was not sent."""


class ClientGoneError(Exception):
    """The client went away: the command was not sent, or was ended."""
