"""`lectern recount`, in processes of its own."""

import subprocess
from typing import Any

import pytest
from bson import ObjectId

from app.settings import Settings
from loaders.mongo.database import Database
from tests import factories
from tests.command import LECTERN, lectern
from tests.factories import DAY, T0, store


@pytest.fixture
async def catalogue(database: Database) -> dict[str, Any]:
    """A course with a run and a review, without differences; its documents by collection."""
    course = factories.course(stars=[0, 0, 0, 0, 1], seatsUntil=T0 + DAY)
    run = factories.course_run(course, seats=2, startsAt=T0 + DAY)
    review = factories.review(course, rating=5)
    await store(database, courses=[course], courseRuns=[run], reviews=[review])
    return {"courses": course, "courseRuns": run, "reviews": review}


class Recount:
    """Runs the command on the test's database."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
            "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
            "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
        }

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = lectern("recount", *arguments, **self._environment)
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout
        return done


@pytest.fixture
def recount(settings: Settings) -> Recount:
    return Recount(settings)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of an output, without the padding that aligns them."""
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


async def test_without_differences_it_says_what_was_counted(
    catalogue: dict[str, Any], recount: Recount
) -> None:
    done = recount()
    assert done.returncode == 0
    assert lines(done) == ["No differences in 1 course, 1 run, 0 students and 1 review."]


async def test_each_difference_is_a_line_and_a_failure_until_it_is_corrected(
    database: Database, catalogue: dict[str, Any], recount: Recount
) -> None:
    wrong = {"studentCount": 7, "seatsUntil": None, "newestReviewIds": b""}
    await database["courses"].update_one({}, {"$set": wrong})
    await database["courseRuns"].update_one({}, {"$set": {"seatsTaken": 2}})
    course, run, review = (catalogue[name]["_id"] for name in ("courses", "courseRuns", "reviews"))
    told = {
        f"courseRuns {run} seatsTaken 2, should be 0",
        f"courses {course} studentCount 7, should be 0",
        f"courses {course} seatsUntil nothing, should be 2026-01-02 00:00+00:00",
        f"courses {course} newestReviewIds 0 reviews, should be 1 review (no. 1 is {review})",
    }
    done = recount()
    assert done.returncode == 1
    *found, empty, closing, advice = lines(done)
    assert set(found) == told
    assert empty == ""
    assert closing == "4 differences: 1 in courseRuns, 3 in courses. 0 corrected, 4 left."
    assert advice == f"`{LECTERN} recount --fix` corrects the stored values."
    fixed = recount("--fix")
    assert fixed.returncode == 0
    assert set(lines(fixed)[:-2]) == told
    assert lines(fixed)[-1] == "4 differences: 1 in courseRuns, 3 in courses. All were corrected."
    assert recount().returncode == 0
    (entry,) = await database["auditLog"].find().to_list(None)  # of --fix only
    assert (entry["action"], entry["actor"]["subject"]) == ("recount", "command line")
    corrected = {(change["collection"], change["after"]["field"]) for change in entry["changes"]}
    assert corrected == {
        ("courseRuns", "seatsTaken"), ("courses", "studentCount"), ("courses", "seatsUntil"),
        ("courses", "newestReviewIds"),
    }  # fmt: skip
    assert {change["after"]["corrected"] for change in entry["changes"]} == {1}


async def test_leftover_votes_are_removed(
    database: Database, catalogue: dict[str, Any], recount: Recount
) -> None:
    gone = ObjectId()
    votes = [{"_id": {"reviewId": gone, "studentId": ObjectId()}} for _ in range(2)]
    await database["votes"].insert_many(votes)
    told = f"votes {gone} for a deleted review 2, should be 0"
    assert lines(recount())[0] == told
    fixed = recount("--fix")
    assert fixed.returncode == 0
    assert lines(fixed)[0] == told
    assert lines(fixed)[-1] == "1 difference: 1 in votes. All were corrected."
    assert await database["votes"].count_documents({}) == 0


async def test_a_difference_that_no_value_can_correct_has_a_remedy(
    database: Database, catalogue: dict[str, Any], recount: Recount
) -> None:
    run = {"runId": catalogue["courseRuns"]["_id"]}
    places = [factories.enrollment(catalogue["courses"], factories.student(), **run) for _ in range(3)]
    await store(database, enrollments=places)
    done = recount("--fix")
    assert done.returncode == 1
    assert f"courseRuns {run['runId']} seats sold 3, should be 2" in lines(done)
    assert lines(done)[-2].endswith("3 corrected, 1 left.")
    assert lines(done)[-1].startswith("“seats sold”: Give the run more seats")
    assert "--fix" not in lines(done)[-1]
    assert recount("--fix").returncode == 1


def test_an_unreachable_database_is_reported_in_a_sentence() -> None:
    uri = "mongodb://ann:hunter2@127.0.0.1:1/?directConnection=true"
    done = lectern("recount", LECTERN_MONGODB_URI=uri, LECTERN_MONGODB_TIMEOUT="0.2")
    assert done.returncode == 1
    assert done.stderr.startswith("LECTERN_MONGODB_URI: MongoDB does not answer: 127.0.0.1:1")
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


async def test_an_interrupted_merge_of_students_is_reported_and_finished(
    catalogue: dict[str, Any], database: Database, recount: Recount
) -> None:
    stays, goes = factories.student(), factories.student()
    place = factories.enrollment(catalogue["courses"], goes, status="CANCELLED")
    await store(database, students=[stays, {**goes, "mergedInto": stays["_id"]}], enrollments=[place])
    done = recount()
    assert done.returncode == 1
    assert lines(done)[0] == f"1 unfinished merge of students: `{LECTERN} recount --fix` finishes."
    done = recount("--fix")
    assert done.returncode == 0
    assert lines(done)[0] == "1 interrupted merge of students finished."
    moved = await database["enrollments"].find_one({"_id": place["_id"]})
    assert moved
    assert moved["studentId"] == stays["_id"]
    assert await database["students"].count_documents({}) == 1
