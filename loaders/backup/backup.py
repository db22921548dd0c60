"""Writes a backup: a directory with a file for each collection, and a manifest."""

from collections.abc import Callable
from pathlib import Path

from loaders.backup.collection_file import file_name, write_collection
from loaders.backup.manifest import FORMAT, NAME, Manifest
from loaders.backup.private_files import new_directory, new_file
from loaders.backup.snapshot import open_snapshot
from loaders.collections import COLLECTIONS
from loaders.mongo import Database, now


async def write_backup(
    database: Database, directory: Path, version: str, reading: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Writes all collections, as they were at one moment, to a new directory. Returns its manifest.

    The directory gets its name only when it is complete. Memory is bounded by a batch of 16 MB. version: this
    version of Lectern. reading: called with the name of each collection, before it is read.

    Raises FileExistsError if there is something with the directory's name, other OSErrors if it can't be
    written, and SnapshotError if it takes longer than MongoDB keeps a snapshot.
    """
    begun, collections = now(), {}
    with new_directory(directory) as part:
        async with open_snapshot(database) as snapshot:
            for name in [row.name for row in COLLECTIONS.values() if row.backed_up]:
                reading(name)
                collections[name] = await write_collection(part / file_name(name), snapshot.batches(name))
        manifest = Manifest(
            format=FORMAT, lectern=version, database=database.name, begun=begun, collections=collections
        )
        with new_file(part / NAME) as file:
            file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
    return manifest
