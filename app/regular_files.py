"""Reads files that a user names, which could be pipes by mistake."""

from errno import EINVAL
from pathlib import Path
from stat import S_ISREG


def read_regular(path: Path, most: int) -> bytes:
    """Returns at most the first `most` bytes of a file.

    Raises OSError if it can't be read, or isn't a regular file: reading a pipe could take forever.
    """
    if not S_ISREG(path.stat().st_mode):
        raise OSError(EINVAL, "it is not a regular file", str(path))
    with path.open("rb") as file:
        return file.read(most)
