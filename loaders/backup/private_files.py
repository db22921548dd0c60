"""New files and directories that only their owner can read, because backups hold personal data.

When they are closed, they are on disk.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST, ENOENT
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO


@contextmanager
def new_directory(directory: Path) -> Iterator[Path]:
    """Yields a directory that gets its name when the context ends, or is deleted if there is an error.

    Raises FileExistsError if there is something with that name.
    """
    if os.path.lexists(directory):  # also a symbolic link to nothing
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(directory))
    if not directory.parent.is_dir():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(directory.parent))
    part = Path(mkdtemp(prefix=f"{directory.name}.part-", dir=directory.parent))
    try:
        yield part
        _sync(part)
        part.rename(directory)
        _sync(directory.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yields a new file to write to."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(descriptor)


def _sync(directory: Path) -> None:
    """Waits until the names in a directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
