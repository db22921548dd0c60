"""The manifest of a backup: what it contains, and who wrote it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import AwareDatetime, BaseModel, Field, NonNegativeInt, ValidationError

from loaders.collections import COLLECTIONS

FORMAT = 1  # increased when earlier versions couldn't read a backup any more
NAME = "manifest.json"


class BackupError(Exception):
    """A directory isn't a backup that this version can restore, or the database isn't fit for it."""


class Contents(BaseModel, frozen=True):
    """What the file of a collection contains. sha256: the checksum of the file, in hexadecimal digits."""

    documents: NonNegativeInt
    sha256: str


class Manifest(BaseModel, frozen=True):
    """What a backup contains.

    lectern: the version that wrote it. database: the name of the database. begun: when the backup began,
    which is less than a second before the moment of its documents.
    """

    format: int
    lectern: Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}")]
    database: str
    begun: AwareDatetime
    collections: Annotated[Mapping[str, Contents], Field(min_length=1)]

    @property
    def documents(self) -> int:
        return sum(contents.documents for contents in self.collections.values())


def read_manifest(directory: Path, version: str) -> Manifest:
    """Reads the manifest of a backup. version: this version of Lectern.

    Raises BackupError if the directory isn't a backup, or one that only a later version can restore.
    """
    if not directory.exists():
        raise BackupError(f"{directory} does not exist.")
    if not (path := directory / NAME).is_file():
        raise BackupError(
            f"{directory} isn't a backup: it has no {NAME}."
            " `lectern restore` needs a directory that `lectern export --all` has written."
        )
    text = path.read_bytes()
    _check_format(directory, text)
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError:
        raise _foreign(path) from None
    if _numbers(manifest.lectern) > _numbers(version):
        raise BackupError(
            f"{directory} was written by Lectern {manifest.lectern}. Restore it with that version or a later"
            f" one: this is Lectern {version}."
        )
    if unknown := manifest.collections.keys() - _backed_up():
        raise BackupError(
            f"{directory} has collections that Lectern {version} doesn't know: {', '.join(sorted(unknown))}."
        )
    return manifest


def _check_format(directory: Path, text: bytes) -> None:
    try:
        number = orjson.loads(text)["format"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        number = None
    if not isinstance(number, int):
        raise _foreign(directory / NAME)
    if number != FORMAT:
        raise BackupError(
            f"{directory} is a backup in format {number}, but this version of Lectern reads only format"
            f" {FORMAT}. Restore it with the version that wrote it or a later one."
        )


def _foreign(path: Path) -> BackupError:
    return BackupError(f"{path} is damaged, or is not the manifest of a backup.")


def _backed_up() -> set[str]:
    return {row.name for row in COLLECTIONS.values() if row.backed_up}


def _numbers(version: str) -> list[int]:
    """Returns the numbers of a version, which can be compared: [0, 2, 0] for 0.2.0."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
