"""Imports the three real data sets with the mappings in examples/imports."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loaders.model.documents import ANONYMOUS_STUDENT
from tests.importing.shell import EXAMPLES, Shell, state

OMSCENTRAL = [("courses", "courses.ndjson", "courses"), ("students", "students.ndjson", "students"),
              ("reviews", "reviews.ndjson", "reviews")]  # fmt: skip
OULAD = [("courses", "courses.csv", "courses"), ("students", "studentRegistration.csv", "students"),
         ("enrollments", "studentRegistration.csv", "enrollments"),
         ("enrollments", "studentResult.csv", "enrollments-results")]  # fmt: skip


def load(shell: Shell, folder: Path, files: list[tuple[str, str, str]]) -> list[dict[str, int]]:
    maps = EXAMPLES / folder.name
    return [
        shell.ok("import", collection, folder / file, "--map", maps / f"{mapping}.toml")
        for collection, file, mapping in files
    ]


def unchanged(counts: dict[str, int]) -> bool:
    return not counts["created"] and not counts["updated"] and not counts["aggregates updated"]


def test_institute(shell: Shell, shared_data: Path) -> None:
    files = [("courses", "courses.csv", "courses")]
    (first,) = load(shell, shared_data / "institute", files)
    assert (first["read"], first["created"], first["rejected"], first["duration  (empty)"]) == (5, 5, 0, 1)
    courses = {c["title"]: c for c in shell.all("courses")}
    assert {t: (c["ratingAverage"], c["ratingCount"]) for t, c in courses.items()} == {
        "MongoDB": (4.7, 55), "Next JS": (4.2, 85), "Node.JS": (4.5, 68), "PHP & MySQL": (4.5, 28),
        "Laravel": (4.2, 150),
    }  # fmt: skip
    assert [courses[t]["durationDays"] for t in ("MongoDB", "Next JS", "PHP & MySQL", "Laravel")] == [
        45,
        60,
        60,
        None,
    ]
    assert {c["categorySlug"] for c in courses.values()} == {"back-end"}
    assert all(c["deliveryModes"] == ["ONLINE", "ONSITE"] for c in courses.values())
    assert [c["name"] for c in shell.all("categories")] == ["Back End"]
    assert all(unchanged(counts) for counts in load(shell, shared_data / "institute", files))


def test_omscentral(shell: Shell, shared_data: Path) -> None:
    folder = shared_data / "omscentral2018"
    courses, students, reviews = load(shell, folder, OMSCENTRAL)
    assert (courses["created"], students["created"], reviews["created"]) == (79, 2_209, 2_432)
    assert (courses["rejected"], students["rejected"], reviews["rejected"]) == (0, 0, 3)
    null_counts = {name.split()[0] + name.split("  ")[-1]: n for name, n in reviews.items() if "  " in name}
    assert null_counts == {
        "author“u_aaf9ae513f03a720”": 533, "difficulty(empty)": 2, "rating(empty)": 3, "semester(empty)": 2,
        "semester“0000-0”": 38, "text(empty)": 11, "workload(empty)": 5,
    }  # fmt: skip
    assert reviews["note: unknown author: the review is kept without an author"] == 4
    stored = shell.all("reviews")
    assert sum(r["studentId"] is None for r in stored) == 533 + 4 - 2  # two of the rejected ones
    assert sum(r["rating"] is None for r in stored) == 708
    assert sum(r["createdAt"] is None for r in stored) == 16 - 1
    assert sum(r["body"] == "" for r in stored) == 8
    assert max(len(r["body"]) for r in stored) > 11_000
    assert {s["name"] for s in shell.all("students")} == {ANONYMOUS_STUDENT}
    assert sum(s["joinedAt"] is None for s in shell.all("students")) == 503
    nameless = shell.database["courses"].find_one({"externalId.id": "CS-8803-001"})
    assert nameless is not None
    assert nameless["title"] == "CS-8803-001"
    before = state(shell.database)
    assert all(unchanged(counts) for counts in load(shell, folder, OMSCENTRAL))
    assert state(shell.database) == before


def test_omscentral_ratings_match_its_reviews(shell: Shell, shared_data: Path) -> None:
    load(shell, shared_data / "omscentral2018", OMSCENTRAL)
    stars: dict[object, list[int]] = {c["_id"]: [0] * 5 for c in shell.all("courses")}
    for review in shell.all("reviews"):
        if review["rating"]:
            stars[review["courseId"]][review["rating"] - 1] += 1
    assert {c["_id"]: c["ratingStars"] for c in shell.all("courses")} == stars


def test_oulad(fresh_shell: Callable[[str], Shell], shared_data: Path) -> None:
    shell, folder = fresh_shell("first"), shared_data / "oulad"
    courses, students, registrations, results = load(shell, folder, OULAD)
    assert courses["created"] == 22
    assert (students["created"], students["duplicate"], students["rejected"]) == (28_785, 3_808, 0)
    assert (registrations["created"], registrations["date_registration    (empty)"]) == (32_593, 45)
    assert results["updated"] + results["unchanged"] == 32_593
    stored = shell.all("enrollments")
    assert Counter(e["status"] for e in stored) == {
        "COMPLETED": 15_385,
        "CANCELLED": 10_156,
        "EXPIRED": 7_052,
    }
    assert sum(e["enrolledAt"] is None for e in stored) == 45
    assert sum(e["status"] == "CANCELLED" and e["cancelledAt"] is None for e in stored) == 93
    assert sum(e["status"] != "CANCELLED" and e["cancelledAt"] is not None for e in stored) == 9
    first = next(e for e in stored if e["externalId"]["id"] == "AAA-2013J-11391")
    assert first["enrolledAt"] == datetime(2013, 4, 25, tzinfo=UTC)  # 159 days before 1 October
    assert sum(c["studentCount"] for c in shell.all("courses")) == 15_385 + 7_052
    assert all(unchanged(counts) for counts in load(shell, folder, OULAD))


@pytest.mark.parametrize("collection", ["courses", "students", "reviews"])
def test_omscentral_dry_run_without_a_mapping(shell: Shell, shared_data: Path, collection: str) -> None:
    shell.drop_database()
    result = shell.run(
        "import", collection, shared_data / "omscentral2018" / f"{collection}.ndjson", "--dry-run"
    )
    assert result.exception is None
    assert "guessed" in result.stdout
    assert shell.database.list_collection_names() == []
