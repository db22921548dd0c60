"""The error of a command that the user can do something about."""


class CommandError(Exception):
    """A command can't do what it was asked to do; the message says why and what to do about it."""
