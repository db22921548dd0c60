"""The error that a command raises for a problem that the user can solve."""


class CommandError(Exception):
    """A command can't do what it was asked to do; the message says why and what to do about it."""


def file_error(error: OSError) -> CommandError:
    """Returns the error for a file or a disk that can't be read or written."""
    # Reading from or writing to an open file fails without the file's name.
    return CommandError(f"{error.filename or 'A file cannot be read or written'}: {error.strerror}")
