"""The databases on which operations are compared."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random

from pydantic import SecretStr

from app.settings import Settings
from loaders.mongo.database import Database
from tests.execution import holes
from tests.support import SECRET, SHARED

MADE = ("sound", "holed")
REAL = ("omscentral2018", "oulad")

_EXAMPLES = Path(__file__).parents[2] / "examples" / "imports"

#: The imports of each real data set: collection, file and mapping.
_FILES: Mapping[str, list[tuple[str, str, str]]] = {
    "omscentral2018": [
        ("courses", "courses.ndjson", "courses"),
        ("students", "students.ndjson", "students"),
        ("reviews", "reviews.ndjson", "reviews"),
    ],
    "oulad": [
        ("courses", "courses.csv", "courses"),
        ("students", "studentRegistration.csv", "students"),
        ("enrollments", "studentRegistration.csv", "enrollments"),
        ("enrollments", "studentResult.csv", "enrollments-results"),
    ],
}
_LINES = 3_001  # of each file


def settings(uri: str, name: str) -> Settings:
    values = {"mongodb_uri": SecretStr(uri), "mongodb_database": name, "lectern_secret": SecretStr(SECRET)}
    return Settings.model_validate(values)


def available() -> tuple[str, ...]:
    """The generated databases, and those real data sets that are on this machine."""
    return (*MADE, *(name for name in REAL if (SHARED / "data" / name).is_dir()))


async def fill(name: str, database: Database, seed: int = 0) -> None:
    """Fills a generated database. seed: determines the holes."""
    documents = holes.sound() if name == "sound" else holes.holed(Random(seed))
    await holes.store(database, documents)


def import_real(name: str, uri: str, database: str, directory: Path) -> None:
    """Imports some thousand rows of a real data set, with the command line."""
    environment = os.environ | {"LECTERN_MONGODB_URI": uri, "LECTERN_MONGODB_DATABASE": database}
    lectern = Path(sys.executable).with_name("lectern")
    for collection, file, mapping in _FILES[name]:
        part = directory / name / file
        part.parent.mkdir(exist_ok=True)
        _copy_head(SHARED / "data" / name / file, part)
        command: list[str | Path] = [
            lectern,
            "import",
            collection,
            part,
            "--map",
            _EXAMPLES / name / f"{mapping}.toml",
        ]
        subprocess.run(command, env=environment, check=True, capture_output=True)


def _copy_head(file: Path, to: Path) -> None:
    with file.open("rb") as whole, to.open("wb") as part:
        part.writelines(line for line, _ in zip(whole, range(_LINES), strict=False))
