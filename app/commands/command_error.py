"""What can go wrong outside of this program, and is told in a sentence."""


class CommandError(Exception):
    """A command can't do what it was asked; the message says why and what to do."""
