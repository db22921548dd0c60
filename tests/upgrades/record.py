"""Runs an earlier release, writes with it as people would, and records its database.

    python -m tests.upgrades.record 0.1.0

writes tests/upgrades/0.1.0.json.gz: a line of canonical Extended JSON for each document and each index. It
needs git, and PyPI for the packages that only that release used.
"""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
from bson import json_util
from pymongo import MongoClient

from app import embedded
from loaders.model import Document
from tests.storm.processes import free_ports

FOLDER = Path(__file__).parent
PASSWORD = "correct horse battery"
STAFF = "staff@example.org"

_FILES = {
    "courses": "id,title,category,instructor,price,tags,description\n"
    "1,データ分析入門,データ,山田 花子,EUR 10.50,データ;python,Σχεδιασμός και ανάλυση\n"
    "2,Łódź: a city,Reise,Ada Łukasz,,,Über die Stadt\n"
    "3,C++ & C# for beginners,Programming,Ada Łukasz,USD 99,cpp,Templates and more\n"
    "4,Ημερολόγιο,Ελληνικά,Νίκος,,,Γράψιμο\n",
    "students": "id,name,email,country\n"
    "1,Émile Zola,emile@example.org,FR\n2,がくせい,,JP\n3,Null Ångström,,SE\n",
    "enrollments": "id,course,student,status,enrolled\n"
    "1,1,1,completed,2025-01-01\n2,1,2,active,2025-02-01\n3,3,3,cancelled,2025-03-01\n",
    "reviews": "id,course,student,rating,text,date\n"
    "1,1,1,5,とても良い,2025-04-01\n2,1,2,3,Okay,2025-04-02\n3,3,3,4,Good,2025-04-03\n4,2,,2,Short,2025-04-04\n",
}


class Release(NamedTuple):
    """A release. commit: its source. packages: those that this version doesn't have."""

    commit: str
    packages: tuple[str, ...] = ()


RELEASES = {
    "0.1.0": Release(
        "d056e59b6f29177f56408441455322ad345223ed",
        ("snowballstemmer==3.1.1", "charset-normalizer==3.5.3"),
    ),
}


class Lectern:
    """The command of a release, with its own environment."""

    def __init__(self, source: Path, packages: Path, uri: str) -> None:
        self._source = source
        self._environment = os.environ | {
            "PYTHONPATH": f"{source}:{packages}",
            "MONGODB_URI": uri,
            "MONGODB_DATABASE": "recorded",
            "DRAIN_DELAY": "0",
            "LECTERN_SECRET": "a secret for the tests, long enough",
        }

    def run(self, *arguments: str) -> str:
        """Runs a command, which must succeed, and returns its output."""
        done = subprocess.run(
            self._command(*arguments), env=self._environment, cwd=self._source, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        """Yields a client of a gateway."""
        (port,) = free_ports(1)
        command = self._command("serve", "--port", str(port))
        with subprocess.Popen(
            command, env=self._environment, cwd=self._source, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stderr is not None
                assert any("/graphql" in line for line in process.stderr)
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                    yield http
            finally:
                process.terminate()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from app.cli import main; main()", *arguments]


class Person:
    """A person who is signed in."""

    def __init__(self, http: httpx.Client, name: str, /, **values: Any) -> None:
        self._http, self._token = http, ""
        self._token = self.do(name, "accessToken", **values)["accessToken"]

    def do(self, name: str, selected: str = "clientMutationId", /, **values: Any) -> Any:
        """Runs a mutation that must succeed, and returns its payload."""
        type_name = "WishlistInput" if "Wishlist" in name else f"{name[0].upper()}{name[1:]}Input"
        payload = f"{{ {selected} errors {{ code message path }} }}"
        query = f"mutation($i: {type_name}!) {{ it: {name}(input: $i) {payload} }}"
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        body = {"query": query, "variables": {"i": values}}
        answer = self._http.post("/graphql", json=body, headers=headers).json()
        assert "errors" not in answer, answer
        assert answer["data"]["it"]["errors"] == [], (name, answer)
        return answer["data"]["it"]


def record(name: str) -> None:
    """Records the database of a release in a file beside this module."""
    release = RELEASES[name]
    with TemporaryDirectory() as scratch, embedded.running(Path(scratch) / "mongod") as uri:
        source, packages = Path(scratch) / "source", Path(scratch) / "packages"
        source.mkdir()
        archive = subprocess.run(["git", "archive", release.commit], check=True, capture_output=True)
        subprocess.run(["tar", "x", "-C", source], input=archive.stdout, check=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages)]
        subprocess.run([*pip, *release.packages], check=True)
        lectern = Lectern(source, packages, uri)
        write(lectern, Path(scratch) / "files")
        with MongoClient[Document](uri) as client, gzip.open(FOLDER / f"{name}.json.gz", "wt") as file:
            for line in dumped(client):
                file.write(f"{line}\n")


def write(lectern: Lectern, files: Path) -> None:
    """Writes with a release as an operator, staff and students do."""
    lectern.run("indexes")
    files.mkdir()
    for collection, text in _FILES.items():
        (files / f"{collection}.csv").write_text(text, encoding="utf-8")
        lectern.run("import", collection, str(files / f"{collection}.csv"))
    printed = lectern.run("account", "create", STAFF, "--name", "Staff", "--role", "STAFF")
    token = re.findall(r"^\s*([\w-]{20,})\s*$", printed, re.MULTILINE)[-1]
    with lectern.serving() as http:
        write_through(http, Person(http, "resetPassword", token=token, newPassword=PASSWORD))


def write_through(http: httpx.Client, staff: Person) -> None:
    """Writes through a gateway."""
    new = staff.do(
        "createCourse",
        "course { id }",
        title="プログラミング",
        summary="ガイド",
        description="Go。",
        deliveryModes=["ONLINE"],
    )
    course = {"courseId": new["course"]["id"]}
    soon = (datetime.now(UTC) + timedelta(days=3650)).isoformat()
    staff.do(
        "updateCourse", **course, title="Learn Go: Überblick", price={"amountMinor": 100, "currency": "EUR"}
    )
    staff.do("publishCourse", **course)
    run = staff.do(
        "createCourseRun", "courseRun { id }", **course, startsAt=soon, deliveryMode="ONLINE", seats=2
    )
    place = {**course, "runId": run["courseRun"]["id"], "joinWaitlist": True}
    reviews: list[str] = []
    for number, name in enumerate(("Ångström Ö", "がく", "José Ñ", "Ada")):
        student = Person(http, "signUp", name=name, email=f"student{number}@example.org", password=PASSWORD)
        enrolled = student.do("enroll", "enrollment { id status }", **place, idempotencyKey=f"key {number}")
        student.do("addToWishlist", **course)
        for review in reviews:
            student.do("markReviewHelpful", reviewId=review)
        if enrolled["enrollment"]["status"] == "ACTIVE":
            written = student.do(
                "createReview", "review { id }", **course, rating=number + 3, body="Good. よい"
            )
            reviews.append(written["review"]["id"])
    student.do("updateProfile", bio="I learn.", country="DE")
    staff.do("moderateReview", reviewId=reviews[0], status="PUBLISHED")


def dumped(client: MongoClient[Document]) -> Iterator[str]:
    """Yields the documents and the indexes as Extended JSON."""
    database = client["recorded"]
    for name in sorted(database.list_collection_names()):
        for index in database[name].list_indexes():
            yield _line({"collection": name, "index": index})
        for document in database[name].find(sort=[("_id", 1)]):
            yield _line({"collection": name, "document": document})


def _line(value: Document) -> str:
    return json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS, ensure_ascii=False)


if __name__ == "__main__":
    record(sys.argv[1])
