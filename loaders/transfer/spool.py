"""Keeps documents in a temporary file until the end of an import, so that they take no memory."""

from collections.abc import Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

import bson

from loaders.mongo import Document

_IN_MEMORY = 1 << 20  # in bytes; a larger file is stored on disk


class Spool:
    """A temporary file to which documents are added, and then read in order, any number of times."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed by __exit__)
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, document: Document) -> None:
        self._file.write(bson.encode(document))
        self.count += 1

    def batches(self, size: int) -> Iterator[list[Document]]:
        """Yields all documents in batches of at most `size`. Don't add documents until all have been read."""
        self._file.seek(0)
        documents = bson.decode_file_iter(self._file)
        while batch := list(islice(documents, size)):
            yield batch
