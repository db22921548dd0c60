"""The commands, run as from a shell, and what they leave in the database."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app import cli

EXAMPLES = Path(__file__).parents[2] / "examples" / "imports"
NOT_COMPARED = {"_id", "courseId", "studentId", "runId", "instructorIds"}
OF_IMPORT = {"createdAt", "updatedAt"}  # of courses: when they were made, where the source doesn't say


@dataclass
class Shell:
    """Runs `lectern` in this process; `database` is what it works on."""

    database: Database[dict[str, Any]]
    directory: Path

    def run(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(cli.app, [str(a) for a in arguments])

    def ok(self, *arguments: str | Path) -> dict[str, int]:
        """The numbers of the closing table."""
        result = self.run(*arguments)
        assert result.exception is None, f"{result.exception!r}\n{result.output}"
        return closing(result.stdout)

    def write(self, name: str, content: str | bytes | list[dict[str, Any]]) -> Path:
        file = self.directory / name
        if isinstance(content, list):
            content = b"".join(orjson.dumps(row) + b"\n" for row in content)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def all(self, collection: str) -> list[dict[str, Any]]:
        return list(self.database[collection].find(sort=[("externalId.id", 1), ("_id", 1)]))


def closing(output: str) -> dict[str, int]:
    lines = output[output.index(" rows in ") :].splitlines()[1:]
    lines = [line.split(" (e.g. ")[0] for line in lines]
    pairs = (line.rsplit(maxsplit=1) for line in lines if line.startswith("  "))
    return {name.strip(): int(number.replace(",", "")) for name, number in pairs}


def state(database: Database[dict[str, Any]]) -> dict[str, Any]:
    """All that is stored, with references by external id, and without what differs from import to import."""
    names: dict[Any, Any] = {None: None}
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


def _plain(document: dict[str, Any], names: dict[Any, Any]) -> dict[str, Any]:
    left_out = NOT_COMPARED | (OF_IMPORT if "slug" in document else set())
    plain = {key: value for key, value in document.items() if key not in left_out}
    plain |= {key: names[document[key]] for key in ("courseId", "studentId", "runId") if key in document}
    plain["instructorIds"] = [names[i] for i in document.get("instructorIds", [])]
    # Which reviews come first where dates are equal goes by their ids.
    plain["newestReviewIds"] = len(document.get("newestReviewIds", []))
    return dict(sorted(plain.items()))
