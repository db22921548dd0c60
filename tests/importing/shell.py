"""Runs the commands as from a shell, and reads what they have stored."""

import re
from dataclasses import dataclass
from pathlib import Path

import orjson
from bson import ObjectId
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app import cli
from loaders.model import Document

EXAMPLES = Path(__file__).parents[2] / "examples" / "imports"
UNSTABLE_IDS = {"_id", "courseId", "studentId", "runId", "instructorIds"}
IMPORT_TIMES = {"createdAt", "updatedAt"}  # of courses: the time of the import, by default


@dataclass
class Shell:
    """Runs `lectern` in this process, on `database`."""

    database: Database[Document]
    directory: Path

    def run(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(cli.app, [str(a) for a in arguments])

    def ok(self, *arguments: str | Path) -> dict[str, int]:
        """Runs a command that must succeed. Returns the numbers of its closing table."""
        result = self.run(*arguments)
        assert result.exception is None, f"{result.exception!r}\n{result.output}"
        return closing(result.stdout)

    def drop_database(self) -> None:
        """For tests that check which collections exist: earlier tests leave theirs behind."""
        self.database.client.drop_database(self.database.name)

    def write(self, name: str, content: str | bytes | list[Document]) -> Path:
        file = self.directory / name
        if isinstance(content, list):
            content = b"".join(orjson.dumps(row) + b"\n" for row in content)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def all(self, collection: str) -> list[Document]:
        return list(self.database[collection].find(sort=[("externalId.id", 1), ("_id", 1)]))


def closing(output: str) -> dict[str, int]:
    _, _, after = re.split(r"\b(rows?) in \d", output, maxsplit=1)
    lines = after.splitlines()[1:]
    lines = [line.split(" (e.g. ")[0] for line in lines]
    pairs = (line.rsplit(maxsplit=1) for line in lines if line.startswith("  "))
    return {name.strip(): int(number.replace(",", "")) for name, number in pairs}


def state(database: Database[Document]) -> dict[str, list[Document]]:
    """Returns all stored documents, without the fields that differ between imports.

    References are replaced by external ids.
    """
    names: dict[ObjectId | None, str | None] = {None: None}
    for collection in ("courses", "students", "courseRuns", "instructors"):
        names |= {d["_id"]: d.get("externalId", {}).get("id", "none") for d in database[collection].find()}
    return {
        collection: sorted((_plain(d, names) for d in database[collection].find()), key=repr)
        for collection in (
            "categories",
            "instructors",
            "courses",
            "courseRuns",
            "students",
            "enrollments",
            "reviews",
        )
    }


def _plain(document: Document, names: dict[ObjectId | None, str | None]) -> Document:
    left_out = UNSTABLE_IDS | (IMPORT_TIMES if "slug" in document else set())
    plain = {key: value for key, value in document.items() if key not in left_out}
    plain |= {key: names[document[key]] for key in ("courseId", "studentId", "runId") if key in document}
    plain["instructorIds"] = [names[i] for i in document.get("instructorIds", [])]
    # The order of reviews with equal dates depends on their `_id`s.
    plain["newestReviewIds"] = len(document.get("newestReviewIds", []))
    return dict(sorted(plain.items()))
