"""The file of a collection in a backup: its documents as BSON, one after the other, compressed with gzip.

The documents have exactly the bytes that MongoDB has stored, so nothing is lost, whatever their types.
"""

import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from loaders.backup.manifest import BackupError, Contents
from loaders.backup.private_files import new_file

_LEVEL = 3  # of compression: 9 takes several times as long, and a backup must end before its snapshot does
_BATCH_BYTES = 4_000_000
_BATCH_DOCUMENTS = 1_000
_RAW = CodecOptions(document_class=RawBSONDocument)


def file_name(collection: str) -> str:
    return f"{collection}.bson.gz"


async def write_collection(path: Path, batches: AsyncIterator[bytes]) -> Contents:
    """Writes batches of documents to a new file."""
    count = 0
    with new_file(path) as plain, gzip.GzipFile("", "wb", _LEVEL, plain, mtime=0) as packed:
        async for batch in batches:
            packed.write(batch)
            count += _count(batch)
    return Contents(documents=count, sha256=_checksum(path))


def check_file(path: Path, contents: Contents) -> None:
    """Raises BackupError if a file is missing, or isn't the one that the manifest describes."""
    if not path.is_file():
        raise BackupError(f"{path} is missing. Nothing was restored.")
    if _checksum(path) != contents.sha256:
        raise BackupError(
            f"{path} is damaged: its checksum isn't the one in the manifest. Nothing was restored."
        )


def read_collection(path: Path) -> Iterator[list[RawBSONDocument]]:
    """Yields the documents of a file in batches of about 4 MB, or more if a single document is larger.

    Raises BackupError if the file isn't BSON, compressed with gzip.
    """
    batch: list[RawBSONDocument] = []
    size = 0
    try:
        with gzip.open(path, "rb") as file:
            for document in bson.decode_file_iter(cast("BinaryIO", file), _RAW):
                batch.append(document)
                size += len(document.raw)
                if size >= _BATCH_BYTES or len(batch) >= _BATCH_DOCUMENTS:
                    yield batch
                    batch, size = [], 0
    except (EOFError, gzip.BadGzipFile, zlib.error, bson.InvalidBSON) as error:
        raise BackupError(f"{path} can't be read: {error}.") from None
    if batch:
        yield batch


def _count(batch: bytes) -> int:
    """Returns the number of concatenated documents. Each begins with its length."""
    count = position = 0
    while position < len(batch):
        position += int.from_bytes(batch[position : position + 4], "little")
        count += 1
    return count


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
