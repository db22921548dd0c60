"""Asks for `--source` if the name of the file's folder is probably not the file's source."""

from collections.abc import Sequence
from shlex import quote

from app.importing.mapping import MappingError
from loaders.mongo import Database
from loaders.transfer import ImportedFile, PastImport, latest, same_file


async def check_source(database: Database, file: ImportedFile, source: str) -> None:
    """Raises MappingError if `source`, the name of the file's folder, is probably not the file's source.

    This is the case if the same file was imported with another source, or if the latest file imported with
    this source had other columns. In the second case, equal ids in the two files may belong to different
    documents.
    """
    known = await same_file(database, file)
    if known and source not in {past.source for past in known}:
        raise MappingError(_elsewhere(file, known, source))
    past = await latest(database, source, file.collection)
    if past and set(past.columns) != set(file.columns):
        raise MappingError(_other_columns(file, past, source))


def _elsewhere(file: ImportedFile, known: Sequence[PastImport], source: str) -> str:
    past = known[-1]
    return (
        f"this file was imported on {past.date} as “{past.name}” with the source “{past.source}”."
        f" Add --source {quote(past.source)} to update those {file.collection},"
        f" or --source {quote(source)} to import them a second time"
    )


def _other_columns(file: ImportedFile, past: PastImport, source: str) -> str:
    return (
        f"the folder's name, “{source}”, is the source of {file.collection} from “{past.name}” ({past.date}),"
        f" which has other columns than “{file.name}”. If equal ids mean the same {file.collection}, add"
        f" --source {quote(source)}; otherwise, add --source with another name"
    )
