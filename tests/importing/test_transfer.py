"""`lectern import` and `lectern export`, run as commands."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from bson import ObjectId
from pymongo.database import Database

from loaders.collections import complete
from loaders.model.ratings import wilson
from loaders.mongo import Document
from tests.importing.shell import Shell, closing, state

Shells = Callable[[str], Shell]

LECTERN = [sys.executable, "-c", "from app.cli import main; main()"]
# If a shell started the tests in the background, they and their children ignore Ctrl-C.
INTERRUPTIBLE = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);" + LECTERN[2],
]
COURSES = [{"id": f"c{n}", "title": f"Course {n}", "code": f"CODE-{n}"} for n in range(20)]
STUDENTS = [{"id": f"s{n}", "name": f"Student {n}"} for n in range(200)]


def reviews(count: int) -> list[Document]:
    return [
        {
            "id": f"r{n}",
            "course": f"c{n % 20}",
            "student": f"s{n % 210}",
            "rating": n % 6 or "",
            "text": f"Text {n} " * 20,
        }
        for n in range(count)
    ]


@pytest.fixture
def catalogue(shell: Shell) -> Shell:
    shell.ok("import", "courses", shell.write("courses.ndjson", COURSES), "--source", "s")
    shell.ok("import", "students", shell.write("students.ndjson", STUDENTS), "--source", "s")
    return shell


def test_a_dry_run_shows_the_mapping_and_the_counts_and_writes_nothing(catalogue: Shell) -> None:
    before = state(catalogue.database)
    file = catalogue.write("reviews.ndjson", reviews(100))
    result = catalogue.run("import", "reviews", file, "--source", "s", "--dry-run")
    assert result.exception is None
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["rating", "rating", "stars", "(scale", "5)", "1", "1"] in lines
    assert ["created", "100"] in lines
    assert state(catalogue.database) == before


def test_rejected_rows(catalogue: Shell) -> None:
    rows: list[Document] = [
        {"id": "1", "course": "c1", "rating": 5, "text": "Fine"},
        {"id": "2", "course": "nowhere", "rating": 5, "text": "Lost"},
        {"id": "3", "course": "c1", "rating": 9, "text": "Too many stars"},
        {"id": "4", "course": "c1", "rating": "", "text": ""},
        {"id": "1", "course": "c1", "rating": 4, "text": "Fine"},
        {"id": "1", "course": "c1", "rating": 5, "text": "Fine"},
        {"id": "5", "course": "c1", "rating": 5, "text": ""},
        {"id": "6", "course": "c1", "rating": "NA", "text": "Fine", "student": "gone"},
    ]
    file = catalogue.write("reviews.ndjson", rows)
    file.write_bytes(file.read_bytes() + b"{broken\n")
    rejects = catalogue.directory / "rejects.ndjson"
    result = catalogue.run("import", "reviews", file, "--source", "s", "--rejects", rejects)
    assert result.exception is None
    assert f"5 rejected rows: {rejects}" in result.stdout
    found = [orjson.loads(line) for line in rejects.read_bytes().splitlines()]
    assert [(r["row"], r["line"], r["reason"].split("JSON")[0]) for r in found] == [
        (2, 2, "course: there is no course “nowhere”"),
        (3, 3, "rating: “9” is not between 1 and 5"),
        (4, 4, "the review has neither text nor a rating"),
        (5, 5, "row 1 has the same id “1” but different values"),
        (9, 9, "not "),
    ]
    assert [r["data"] for r in found] == [rows[1], rows[2], rows[3], rows[4], "{broken"]
    again = catalogue.ok("import", "reviews", file, "--source", "s", "--rejects", rejects)
    assert (again["created"], again["unchanged"], again["duplicate"], again["rejected"]) == (0, 3, 1, 5)
    stored = [
        (r["externalId"]["id"], r["rating"], r["body"], r["studentId"]) for r in catalogue.all("reviews")
    ]
    assert stored == [("1", 5, "Fine", None), ("5", 5, "", None), ("6", None, "Fine", None)]


def test_unreadable_values_are_reported_with_an_example(shell: Shell) -> None:
    rows = [{"id": n, "title": "A", "price": "₹5", "cost": "5"} for n in range(9)]
    file = shell.write("c.ndjson", [*rows, {"id": 9, "title": "A", "price": "a lot"}])
    rejects = shell.directory / "rejects.ndjson"
    result = shell.run("import", "courses", file, "--source", "s", "--rejects", rejects)
    assert result.exception is None
    (line,) = [line for line in result.stdout.splitlines() if "unreadable, set to null: price" in line]
    assert line.endswith("1 (e.g. “a lot”)")
    assert "no rows were rejected" in result.stdout
    assert "rejected rows" not in result.stdout


def test_a_column_that_is_left_out_is_reported_with_an_example(shell: Shell) -> None:
    file = shell.write("c.csv", "id,title,fee,remark\n1,A,300 only,x\n")
    result = shell.run("import", "courses", file, "--source", "s", "--dry-run")
    assert "not imported (the name is not known): remark\n" in result.stdout
    assert "not imported: fee: looks like price, but “300 only” has no known currency" in result.stdout
    line = 'price = { column = "fee", currency = "EUR", invalid = "null" }'
    assert f"  to import it, put this into a mapping: {line}\n" in result.stdout
    mapping = shell.write("m.toml", f'[fields]\nid = "id"\ntitle = "title"\n{line}\n')
    shell.ok("import", "courses", file, "--source", "s", "--map", mapping)
    assert shell.all("courses")[0]["price"] == {"amountMinor": 30_000, "currency": "EUR"}


def test_a_row_may_refer_to_a_course_by_code_or_slug(catalogue: Shell) -> None:
    rows = [{"id": n, "course": c, "rating": 4} for n, c in enumerate(("CODE-3", "course-3", "c3"))]
    assert (
        catalogue.ok("import", "reviews", catalogue.write("r.ndjson", rows), "--source", "s")["created"] == 3
    )
    assert len({r["courseId"] for r in catalogue.all("reviews")}) == 1


def test_a_row_may_refer_to_a_course_by_a_former_slug(catalogue: Shell) -> None:
    """The present slug of another course wins."""
    catalogue.database["courses"].update_one(
        {"slug": "course-3"}, {"$set": {"oldSlugs": ["was-3", "course-4"]}}
    )
    rows = [{"id": n, "course": c, "rating": 4} for n, c in enumerate(("was-3", "course-4", "c3", "c4"))]
    file = catalogue.write("r.ndjson", rows)
    assert catalogue.ok("import", "reviews", file, "--source", "s")["created"] == 4
    third, fourth, *same = [review["courseId"] for review in catalogue.all("reviews")]
    assert same == [third, fourth]


def test_a_review_is_verified_by_an_enrolment(catalogue: Shell) -> None:
    enrolments = [
        {"course": "c1", "student": "s1"},
        {"course": "c2", "student": "s1", "status": "waitlisted"},
    ]
    catalogue.ok("import", "enrollments", catalogue.write("e.ndjson", enrolments), "--source", "s")
    rows = [{"id": c, "course": c, "student": "s1", "rating": 4} for c in ("c1", "c2", "c3")]
    catalogue.ok("import", "reviews", catalogue.write("r.ndjson", rows), "--source", "s")
    assert [r["verified"] for r in catalogue.all("reviews")] == [True, False, False]
    assert [c["studentCount"] for c in catalogue.all("courses") if c["title"] == "Course 1"] == [1]


def test_enrolments_need_their_course_and_student(catalogue: Shell) -> None:
    rows = [
        {"course": "c1", "student": "nobody"},
        {"course": "nothing", "student": "s1"},
        {"course": "c1", "student": "s1"},
    ]
    counts = catalogue.ok("import", "enrollments", catalogue.write("e.ndjson", rows), "--source", "s")
    assert (counts["created"], counts["rejected"]) == (1, 2)


def test_an_imported_average_is_combined_with_later_reviews(shell: Shell) -> None:
    shell.ok("import", "courses", shell.write("c.csv", "id,title,rating\n1,A,4.0 (10)\n"), "--source", "s")
    rows = [{"id": n, "course": "1", "rating": 5} for n in range(10)]
    shell.ok("import", "reviews", shell.write("r.ndjson", rows), "--source", "s")
    (course,) = shell.all("courses")
    assert (course["ratingAverage"], course["ratingCount"]) == (4.5, 20)
    again = shell.ok("import", "courses", shell.directory / "c.csv", "--source", "s")
    assert (again["unchanged"], again["aggregates updated"]) == (1, 0)
    shell.ok("import", "courses", shell.write("c.csv", "id,title,rating\n1,A,3.0 (10)\n"), "--source", "s")
    assert shell.all("courses")[0]["ratingAverage"] == 4.0


def vote(shell: Shell, count: int) -> None:
    """Adds votes to the first review."""
    review = shell.all("reviews")[0]
    for _ in range(count):
        key = {"reviewId": review["_id"], "studentId": ObjectId()}
        shell.database["votes"].insert_one({"_id": key})
    counted = review["helpfulCount"] + count
    score = {"helpfulCount": counted, "helpfulScore": wilson(counted, review["unhelpfulCount"])}
    shell.database["reviews"].update_one({"_id": review["_id"]}, {"$set": score})


def helpful(shell: Shell) -> list[tuple[int, int]]:
    return [(r["importedHelpfulCount"], r["helpfulCount"]) for r in shell.all("reviews")]


def test_votes_are_added_to_an_imported_count(catalogue: Shell) -> None:
    rows = [{"id": n, "course": "c1", "rating": 5, "helpful": n, "unhelpful": 1} for n in (4, 6)]
    file = catalogue.write("r.ndjson", rows)
    catalogue.ok("import", "reviews", file, "--source", "s")
    vote(catalogue, 2)
    assert helpful(catalogue) == [(4, 6), (6, 6)]
    counts = catalogue.ok("import", "reviews", file, "--source", "s")
    assert (counts["unchanged"], counts["aggregates updated"]) == (2, 0)
    rows[0]["helpful"], rows[1]["helpful"] = 9, ""
    counts = catalogue.ok("import", "reviews", catalogue.write("r.ndjson", rows), "--source", "s")
    assert (counts["updated"], counts["aggregates updated"]) == (2, 0)
    assert helpful(catalogue) == [(9, 11), (0, 0)]
    assert catalogue.all("reviews")[0]["helpfulScore"] == wilson(11, 1)


def test_an_export_omits_votes_and_importing_it_keeps_existing_ones(fresh_shell: Shells) -> None:
    first = prepared(fresh_shell("first"))
    rows = [{"id": 1, "course": "c1", "rating": 5, "helpful": 4}]
    first.ok("import", "reviews", first.write("r.ndjson", rows), "--source", "s")
    vote(first, 2)
    file = dict(exported(first, "x"))["reviews"]
    counts = first.ok("import", "reviews", file)
    assert (counts["unchanged"], counts["aggregates updated"]) == (1, 0)
    assert helpful(first) == [(4, 6)]
    second = prepared(fresh_shell("second"))
    second.ok("import", "reviews", file)
    assert helpful(second) == [(4, 4)]


WILD = """\ufeffCourses of the spring;;;;;;;\r
title;id;rating;num reviews;duration;skills;description;students\r
دورة بايثون;1;4.7;124,980;Approx. 33 hours;['a', 'b'];<p>Learn <b>more</b></p>;1,2k\r
🚀 Rockets;2;NA;NA;8\u00a0weeks;;if a < b;124,980\r
🚀 Rockets;2;NA;NA;8\u00a0weeks;;if a < b;124,980\r
"Broken;3;4;4;4;4;4;4\r
"Two
lines";4;4.5;10;2\u20133 weeks;"x|y";;7\r
Short;5\r
Good;6;4,9;12;60days;;"&amp; more";NA\r
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_catalogue_in_the_wild(shell: Shell, encoding: str) -> None:
    file = shell.write(
        "wild.csv", WILD.encode(encoding) if encoding == "utf-8" else WILD[1:].encode(encoding)
    )
    counts = shell.ok("import", "courses", file, "--source", "s")
    assert (counts["read"], counts["created"], counts["duplicate"], counts["rejected"]) == (7, 4, 1, 2)
    one, two, four, six = shell.all("courses")
    assert (one["title"], one["slug"], one["durationDays"], one["tags"]) == (
        "دورة بايثون",
        "دورة-بايثون",
        5,
        ["a", "b"],
    )
    assert one["importedRating"] == {"average": 4.7, "count": 124_980}
    assert (one["description"], one["studentCount"]) == ("Learn **more**", 1_200)
    assert (two["title"], two["importedRating"], two["durationDays"]) == ("🚀 Rockets", None, 56)
    assert (two["description"], two["studentCount"]) == ("if a < b", 124_980)
    assert (four["title"], four["durationDays"], four["tags"]) == ("Two lines", 18, ["x", "y"])
    assert (six["importedRating"], six["description"]) == ({"average": 4.9, "count": 12}, "& more")
    again = shell.ok("import", "courses", file, "--source", "s")
    assert (again["unchanged"], again["duplicate"], again["rejected"], again["updated"]) == (4, 1, 2, 0)


@pytest.mark.parametrize("name", ["c.csv", "c.tsv", "c.json", "c.ndjson", "c.csv.gz"])
def test_every_format_imports_the_same_documents(shell: Shell, name: str) -> None:
    rows = [{"id": "1", "title": "A, B"}, {"id": "2", "title": "C"}]
    contents: dict[str, bytes] = {
        "c.csv": b'id,title\n1,"A, B"\n2,C\n',
        "c.tsv": b"id\ttitle\n1\tA, B\n2\tC\n",
        "c.json": json.dumps(rows, indent=1).encode(),
        "c.ndjson": b"".join(orjson.dumps(row) + b"\n" for row in rows),
    }
    content = contents.get(name) or gzip.compress(contents["c.csv"])
    assert shell.ok("import", "courses", shell.write(name, content), "--source", "s")["created"] == 2
    assert [(c["externalId"], c["title"]) for c in shell.all("courses")] == [
        ({"source": "s", "id": "1"}, "A, B"),
        ({"source": "s", "id": "2"}, "C"),
    ]


def test_the_source_is_the_folder_s_name_by_default(shell: Shell) -> None:
    file = shell.write("c.csv", "id,title\n1,A\n")
    shell.ok("import", "courses", file)
    mapping = shell.write("m.toml", 'source = "mapped"\n[fields]\nid = "id"\ntitle = "title"')
    shell.ok("import", "courses", file, "--map", mapping)
    shell.ok("import", "courses", file, "--map", mapping, "--source", "given")
    sources = {c["externalId"]["source"] for c in shell.all("courses")}
    assert sources == {shell.directory.name, "mapped", "given"}


def test_instructors_and_prices(shell: Shell) -> None:
    text = "id,title,instructors,price\n1,A,Ada; Grace,₹1299\n2,B,Grace,NA\n3,C,Grace,49 EUR\n"
    shell.ok("import", "courses", shell.write("c.csv", text), "--source", "s")
    assert [i["name"] for i in shell.all("instructors")] == ["Ada", "Grace"]
    assert [len(c["instructorIds"]) for c in shell.all("courses")] == [2, 1, 1]
    assert [c["price"] for c in shell.all("courses")] == [
        {"amountMinor": 129_900, "currency": "INR"},
        None,
        {"amountMinor": 4_900, "currency": "EUR"},
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("courses", "absent.csv"), "absent.csv: No such file or directory"),
        (("courses", "empty.csv"), "empty.csv: the file is empty"),
        (("courses", "c.csv", "--map", "absent.toml"), "absent.toml: No such file"),
        (("courses", "c.csv", "--map", "wrong.toml"), "wrong.toml: fields.titel: unknown key"),
        (("reviews", "c.csv"), "no column looks like “course”"),
        (("courses", "-"), "--source is required for standard input"),
        (("courses", "c.csv", "--map", "column.toml"), "has no column “nmae”"),
    ],
)  # fmt: skip
def test_errors_are_one_sentence_without_a_traceback(
    shell: Shell, arguments: tuple[str, ...], message: str
) -> None:
    shell.drop_database()
    shell.write("c.csv", "id,title\n1,A\n")
    shell.write("empty.csv", "")
    shell.write("wrong.toml", '[fields]\nid = "id"\ntitel = "title"')
    shell.write("column.toml", '[fields]\nid = "id"\ntitle = "nmae"')
    done = subprocess.run(
        [*LECTERN, "import", *arguments],
        cwd=shell.directory,
        capture_output=True,
        text=True,
        input="id,title\n1,A\n",
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert shell.database.list_collection_names() == []


def test_an_unreachable_database(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_MONGODB_URI", "mongodb://user:secret@127.0.0.1:1/?directConnection=true")
    monkeypatch.setenv("LECTERN_MONGODB_TIMEOUT", "0.2")
    result = shell.run("import", "courses", shell.write("c.csv", "id,title\n1,A\n"))
    assert "LECTERN_MONGODB_URI: MongoDB does not answer" in str(result.exception)
    assert "secret" not in str(result.exception)


def test_an_unknown_collection_is_a_usage_error(shell: Shell) -> None:
    result = shell.run("import", "lessons", "x.csv")
    assert result.exit_code == 2
    stderr = " ".join(result.stderr.replace("│", " ").split())
    assert "'lessons' is not one of 'categories', 'instructors', 'courses', 'courseRuns'," in stderr
    assert "Value error" not in stderr


def test_a_truncated_file_is_imported_up_to_the_break_and_fails(shell: Shell) -> None:
    items = ", ".join(json.dumps({"id": n, "title": "A"}) for n in range(500))
    result = shell.run("import", "courses", shell.write("c.json", f"[{items}, {{"), "--source", "s")
    assert "the JSON text ends within a value" in str(result.exception)
    assert "Fix the file and import it again" in str(result.exception)
    assert shell.database["courses"].count_documents({}) == 500


def test_piped_output_is_plain_lines(catalogue: Shell) -> None:
    file = catalogue.write("reviews.ndjson", reviews(5_000))
    done = subprocess.run(
        [*LECTERN, "import", "reviews", str(file), "--source", "s"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.isascii() or not set("│┃╭━") & set(done.stdout)
    assert "\x1b" not in done.stdout + done.stderr
    assert closing(done.stdout)["created"] == 5_000


def interrupted(shell: Shell, file: Path, how: signal.Signals) -> tuple[int, str]:
    """Stops an import when some, but not all, of its reviews are stored. Returns exit code and stderr."""
    process = subprocess.Popen(
        [*INTERRUPTIBLE, "import", "reviews", str(file), "--source", "s"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while shell.database["reviews"].estimated_document_count() == 0:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, how)
    _, stderr = process.communicate()
    time.sleep(0.5)  # MongoDB still completes the command it was sent
    return process.returncode, stderr


def test_ctrl_c_prints_how_to_resume(fresh_shell: Callable[[str], Shell]) -> None:
    shell = prepared(fresh_shell("first"))
    file = shell.write("reviews.ndjson", reviews(20_000))
    code, stderr = interrupted(shell, file, signal.SIGINT)
    assert code == 130
    assert stderr.endswith("Interrupted. Run the same command again to finish.\n")
    assert "Traceback" not in stderr


def test_a_killed_import_completes_when_run_again(
    fresh_shell: Callable[[str], Shell], tmp_path: Path
) -> None:
    undisturbed = prepared(fresh_shell("undisturbed"))
    file = undisturbed.write("reviews.ndjson", reviews(20_000))
    undisturbed.ok("import", "reviews", file, "--source", "s")
    killed = prepared(fresh_shell("first"))
    assert interrupted(killed, file, signal.SIGKILL)[0] == -signal.SIGKILL
    stored = killed.database["reviews"].count_documents({})
    assert 0 < stored < 20_000
    counts = killed.ok("import", "reviews", file, "--source", "s")
    assert (counts["unchanged"], counts["created"]) == (stored, 20_000 - stored)
    assert state(killed.database) == state(undisturbed.database)


def prepared(shell: Shell) -> Shell:
    shell.ok("import", "courses", shell.write("courses.ndjson", COURSES), "--source", "s")
    shell.ok("import", "students", shell.write("students.ndjson", STUDENTS), "--source", "s")
    return shell


def exported(shell: Shell, suffix: str) -> Iterator[tuple[str, Path]]:
    for collection in ("courses", "students", "enrollments", "reviews"):
        file = shell.directory / f"{collection}.{suffix}"
        assert shell.run("export", collection, file).exception is None
        yield collection, file


def add_live_documents(database: Database[Document]) -> None:
    """Stores documents without external ids, as no import does.

    They are a course with a run and two enrolments, one of them cancelled, and a reply to a review.
    """
    teacher, moment = ObjectId(), datetime(2030, 1, 1, tzinfo=UTC)
    student, other = [document["_id"] for document in database["students"].find().limit(2)]
    ada = {"_id": teacher, "slug": "ada", "name": "Ada", "headline": "Teaches"}
    database["instructors"].insert_one(complete("instructors", ada))
    database["categories"].insert_one({"slug": "live", "name": "Live!"})
    course = {
        "slug": "live",
        "title": "Live: the <table> element",  # what is typed into a mutation is kept as it is
        "description": "Use `<div>` and List<String> &amp;\n\n<b>e\u0301</b> \ufa19",
        "categorySlug": "live",
        "instructorIds": [teacher],
        "status": "ARCHIVED",
    }
    made = complete("courses", {**course, "price": {"amountMinor": 5, "currency": "EUR"}})
    course_id = database["courses"].insert_one({**made, "seatsUntil": moment, "studentCount": 1}).inserted_id
    run = complete("courseRuns", {"courseId": course_id, "startsAt": moment, "seats": 9})
    run_id = database["courseRuns"].insert_one({**run, "seatsTaken": 1}).inserted_id
    enrollment = {
        "courseId": course_id,
        "runId": run_id,
        "studentId": student,
        "progress": 0.25,
        "enrolledAt": moment,
    }
    cancelled = {**enrollment, "studentId": other, "cancelledAt": moment}
    database["enrollments"].insert_many(complete("enrollments", e) for e in (enrollment, cancelled))
    reply = {"instructorId": teacher, "body": "Thanks", "createdAt": moment}
    counts = {"importedHelpfulCount": 3, "helpfulCount": 3, "helpfulScore": wilson(3, 0)}
    database["reviews"].update_one({}, {"$set": {"reply": reply, **counts}})


@pytest.mark.parametrize("suffix", ["ndjson", "ndjson.gz"])
def test_an_export_imports_back_to_the_same_state(fresh_shell: Shells, suffix: str) -> None:
    first = prepared(fresh_shell("first"))
    first.ok("import", "reviews", first.write("reviews.ndjson", reviews(1_500)), "--source", "s")
    add_live_documents(first.database)
    files = list(exported(first, suffix))
    assert all(len(student["newestReviewIds"]) > 5 * 12 for student in first.all("students"))
    stored = {
        name: list(first.database[name].find(sort=[("_id", 1)]))
        for name in first.database.list_collection_names()
        if name != "migrations"  # has the time of the first import
    }
    second = fresh_shell("second")
    for collection, file in files:
        counts = second.ok("import", collection, file)
        assert counts["created"] == len(stored[collection])
    for name in stored.keys() - {"auditLog", "imports"}:  # which tell of the imports
        documents = stored[name]
        assert list(second.database[name].find(sort=[("_id", 1)])) == documents, name
    for collection, file in files:
        counts = second.ok("import", collection, file)
        assert (counts["unchanged"], counts["aggregates updated"]) == (len(stored[collection]), 0)
    assert state(second.database) == state(first.database)


def test_former_slugs_are_exported_and_imported_with_new_courses(fresh_shell: Shells) -> None:
    first = prepared(fresh_shell("first"))
    first.database["courses"].update_one({"slug": "course-3"}, {"$set": {"oldSlugs": ["a", "b"]}})
    file = dict(exported(first, "x"))["courses"]
    second = fresh_shell("second")
    second.ok("import", "courses", file)
    (course,) = second.database["courses"].find({"oldSlugs": {"$exists": True}})
    assert (course["slug"], course["oldSlugs"]) == ("course-3", ["a", "b"])
    second.database["courses"].update_one({"slug": "course-3"}, {"$set": {"oldSlugs": ["c"]}})
    assert second.ok("import", "courses", file)["unchanged"] == 20


def test_stored_documents_that_do_not_fit_stop_no_import(catalogue: Shell) -> None:
    database = catalogue.database
    database["courses"].update_one({"slug": "course-3"}, {"$set": {"oldSlugs": None}, "$unset": {"codes": 1}})
    database["categories"].insert_many([{"slug": "x"}, {"name": "Y", "oldSlugs": None, "externalId": 5}])
    reviews = catalogue.write("r.ndjson", [{"id": 1, "course": "course-3", "rating": 4}])
    assert catalogue.ok("import", "reviews", reviews, "--source", "s")["created"] == 1
    courses = catalogue.write("c.ndjson", [{"id": "new", "title": "New", "category": "X"}])
    assert catalogue.ok("import", "courses", courses, "--source", "s")["created"] == 1
    assert database["courses"].find_one({"title": "New"}, {"_id": 0, "categorySlug": 1}) == {
        "categorySlug": "x"
    }


@pytest.mark.parametrize("again", ["file", "export"])
def test_a_renamed_category_is_found_by_its_name_and_its_former_slugs(shell: Shell, again: str) -> None:
    """So importing a file again, or an earlier export, makes no second category of it."""
    rows = [{"id": n, "title": f"T{n}", "category": name} for n, name in enumerate(("Data", "Web", "Old"))]
    file = shell.write("courses.ndjson", rows)
    shell.ok("import", "courses", file, "--source", "s")
    export = dict(exported(shell, "x"))["courses"]
    renamed = {"data": {"slug": "d"}, "web": {"slug": "w", "oldSlugs": ["web"], "name": "The web"}}
    for slug, fields in renamed.items():
        shell.database["categories"].update_one({"slug": slug}, {"$set": fields})
    shell.database["courses"].delete_many({})
    shell.ok("import", "courses", *([file, "--source", "s"] if again == "file" else [export]))
    assert {category["slug"] for category in shell.all("categories")} == {"d", "w", "old"}
    assert [course["categorySlug"] for course in shell.all("courses")] == ["d", "w", "old"]


def test_an_export_imports_into_a_database_with_other_ids(fresh_shell: Shells) -> None:
    first = prepared(fresh_shell("first"))
    first.ok("import", "reviews", first.write("reviews.ndjson", reviews(500)), "--source", "s")
    files = [(collection, file) for collection, file in exported(first, "x") if collection != "enrollments"]
    second = prepared(fresh_shell("second"))
    for collection, file in files:
        second.ok("import", collection, file)
    assert state(second.database) == state(first.database)


def test_erased_students_stay_erased_in_another_database(fresh_shell: Shells) -> None:
    first = fresh_shell("first")
    erased_at = datetime(2026, 1, 2, tzinfo=UTC)
    erased = {"name": "Deleted student", "externalId": None, "erasedAt": erased_at, "keepsReviews": True}
    merging = {"name": "Ada", "mergedInto": ObjectId()}
    rows = [
        complete("students", row) for row in ({"_id": ObjectId(), **erased}, {"_id": ObjectId(), **merging})
    ]
    first.database["students"].insert_many(rows)
    file = first.directory / "students.ndjson"
    assert first.run("export", "students", file).exception is None
    second = fresh_shell("second")
    second.ok("import", "students", file)
    found = {row["name"]: row for row in second.all("students")}
    assert found["Deleted student"]["erasedAt"].replace(tzinfo=UTC) == erased_at
    assert found["Deleted student"]["keepsReviews"] is True
    assert "mergedInto" not in found["Ada"]  # its `_id` is that of another student there, or of nobody


def test_an_export_is_recognised(catalogue: Shell) -> None:
    file = catalogue.directory / "out"
    catalogue.run("export", "students", file)
    assert "this is an export of students" in str(catalogue.run("import", "courses", file).exception)
    assert "leave out --map and --source" in str(
        catalogue.run("import", "students", file, "--source", "x").exception
    )


def test_an_export_to_standard_output(catalogue: Shell) -> None:
    done = subprocess.run([*LECTERN, "export", "courses", "-"], capture_output=True, check=True)
    assert len([orjson.loads(line) for line in done.stdout.splitlines()]) == 20


def test_an_export_to_a_missing_folder_fails(catalogue: Shell) -> None:
    file = catalogue.directory / "absent" / "out"
    assert str(catalogue.run("export", "courses", file).exception) == f"{file}: No such file or directory"


@pytest.mark.parametrize("folder", [".", ".."])
def test_an_export_to_a_folder_fails(catalogue: Shell, folder: str) -> None:
    assert str(catalogue.run("export", "courses", folder).exception) == f"{folder}: Is a directory"


def test_lists_that_are_too_long_are_truncated_with_a_note(fresh_shell: Shells) -> None:
    shell = fresh_shell("first")
    long = [{"id": "a", "title": "A", "tags": [f"t{n:02}" for n in range(21)]}]
    long += [{"id": "b", "title": "B", "tags": [f"t{n:02}" for n in range(20)]}]
    file = shell.write("courses.ndjson", long)
    for created in (2, 0):
        counts = shell.ok("import", "courses", file, "--source", "s")
        assert counts["created"] == created
        assert counts["note: more than 20 tags: only the first 20 are kept"] == 1
    assert [len(course["tags"]) for course in shell.all("courses")] == [20, 20]


def test_an_exported_row_that_exceeds_the_category_limit_is_rejected(fresh_shell: Shells) -> None:
    first = fresh_shell("first")
    names = ["C1", "New", "Newer", "Newer", None]
    rows = [{"id": f"r{n}", "title": f"T{n}", "category": name} for n, name in enumerate(names)]
    first.run("import", "courses", first.write("courses.ndjson", rows), "--source", "s")
    file = dict(exported(first, "x"))["courses"]
    shell = fresh_shell("second")
    shell.database["categories"].insert_many({"slug": f"c{n}", "name": f"C{n}"} for n in range(249))
    for _ in range(2):
        result = shell.run("import", "courses", file)
        assert "category: “Newer” would exceed the limit of 250 categories" in result.stdout
        stored = {c["externalId"]["id"]: c["categorySlug"] for c in shell.all("courses")}
        assert stored == {"r0": "c1", "r1": "new", "r4": None}
        assert shell.database["categories"].count_documents({}) == 250


def test_a_row_that_exceeds_the_category_limit_is_rejected(fresh_shell: Shells) -> None:
    shell = fresh_shell("categories")
    shell.database["categories"].insert_many({"slug": f"c{n}", "name": f"C{n}"} for n in range(249))
    rows = [
        {"id": f"r{n}", "title": "T", "category": name}
        for n, name in enumerate(["C1", "New", "Newer", "new", None])
    ]
    result = shell.run("import", "courses", shell.write("courses.ndjson", rows), "--source", "s")
    assert "category: “Newer” would exceed the limit of 250 categories" in result.stdout
    stored = {c["externalId"]["id"]: c["categorySlug"] for c in shell.all("courses")}
    assert stored == {"r0": "c1", "r1": "new", "r3": "new", "r4": None}
    assert shell.database["categories"].count_documents({}) == 250
