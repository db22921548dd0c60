"""The error that a command raises for a problem that the user can solve."""


class CommandError(Exception):
    """A command can't do what it was asked to do; the message says why and what to do about it."""
