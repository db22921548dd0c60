"""Imports of the same file, of other files with the same source, and after an interruption."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.commands import transfer
from app.database import connect
from loaders.model import Document
from loaders.transfer import Touched
from tests.importing.shell import Shell
from tests.support import MongoCommands


@pytest.fixture
def folders(fresh_shell: Callable[[str], Shell]) -> Shell:
    shell = fresh_shell("first")
    for name in ("one", "two"):
        (shell.directory / name).mkdir()
    return shell


def test_the_same_file_from_another_folder_asks_for_the_source(folders: Shell) -> None:
    rows = "id,title\n1,Guitar\n"
    folders.ok("import", "courses", folders.write("one/a.csv", rows))
    for arguments in ((), ("--dry-run",)):
        result = folders.run("import", "courses", folders.write("two/b.csv", rows), *arguments)
        assert result.exit_code == 1
        assert "was imported on" in str(result.exception)
        assert "with the source “one”. Add --source one to update those courses" in str(result.exception)
    file = folders.directory / "two" / "b.csv"
    assert folders.ok("import", "courses", file, "--source", "one")["unchanged"] == 1
    assert folders.ok("import", "courses", file, "--source", "two")["created"] == 1
    assert folders.ok("import", "courses", file)["unchanged"] == 1


def test_a_file_with_other_columns_in_the_same_folder_asks_for_the_source(folders: Shell) -> None:
    folders.ok("import", "courses", folders.write("one/a.csv", "course_id,course_title\n1,Guitar\n"))
    other = folders.write("one/b.csv", "id,title\n1,Welding\n")
    result = folders.run("import", "courses", other)
    assert result.exit_code == 1
    assert "has other columns than" in str(result.exception)
    assert [course["title"] for course in folders.all("courses")] == ["Guitar"]
    assert folders.ok("import", "courses", other, "--source", "welders")["created"] == 1
    longer = folders.write("one/a.csv", "course_title,course_id\nGuitar,1\nPiano,2\n")
    assert folders.ok("import", "courses", longer)["created"] == 1


def test_files_of_several_collections_share_the_folder_s_name(folders: Shell) -> None:
    folders.ok("import", "courses", folders.write("one/c.csv", "id,title\nc1,Guitar\n"))
    folders.ok("import", "students", folders.write("one/s.csv", "id,name\ns1,Ada\n"))
    reviews = folders.write("one/r.csv", "id,course,student,rating\n1,c1,s1,5\n")
    assert folders.ok("import", "reviews", reviews)["created"] == 1


def test_the_closing_table_names_the_source_and_where_it_is_from(folders: Shell) -> None:
    file = folders.write("one/a.csv", "id,title\n1,Guitar\n")
    assert "source: “one” (the name of the file's folder; --source sets another)" in (
        folders.run("import", "courses", file).stdout
    )
    assert "source: “s” (--source)" in folders.run("import", "courses", file, "--source", "s").stdout


def test_every_import_is_in_the_audit_log(folders: Shell) -> None:
    file = folders.write("one/a.csv", "id,title\n1,Guitar\n2,\n")
    folders.ok("import", "courses", file, "--dry-run")
    folders.ok("import", "courses", file)
    folders.ok("import", "courses", file)
    first, second = folders.database["auditLog"].find(sort=[("at", 1)])
    assert (first["action"], first["actor"]["subject"]) == ("import", "command line")
    (change,) = first["changes"]
    assert (change["collection"], change["documentId"]) == ("courses", "one")
    assert change["after"] == {"file": str(file), "source": "one", "read": 2, "created": 1, "rejected": 1}
    assert second["changes"][0]["after"]["unchanged"] == 1


def test_an_import_after_an_interrupted_one_recounts_what_that_one_changed(
    folders: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.ok("import", "courses", folders.write("one/c.csv", "id,title\nc1,Guitar\nc2,Piano\n"))
    with monkeypatch.context() as interrupted:

        async def die(touched: Touched) -> int:
            raise KeyboardInterrupt

        interrupted.setattr(Touched, "recount", die)
        reviews = folders.write("one/r.csv", "id,course,rating\n1,c1,5\n2,c1,4\n")
        assert folders.run("import", "reviews", reviews).exit_code == 130
    assert [c["ratingCount"] for c in folders.all("courses")] == [0, 0]
    other = folders.write("one/r.csv", "id,course,rating\n3,c2,3\n")
    assert folders.ok("import", "reviews", other)["aggregates updated"] > 0
    assert [c["ratingCount"] for c in folders.all("courses")] == [2, 1]
    assert "No differences" in folders.run("recount").stdout


def test_ids_are_kept_until_they_are_recounted_and_not_longer(folders: Shell) -> None:
    folders.ok("import", "courses", folders.write("one/c.csv", "id,title\nc1,Guitar\n"))
    reviews = folders.write("one/r.csv", "id,course,rating\n1,c1,5\n")
    folders.ok("import", "reviews", reviews)
    assert folders.database["importedDocuments"].count_documents({}) == 0


def test_the_commands_of_an_import_do_not_grow_with_the_database(
    folders: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(number: int) -> list[str]:
        """Imports one review, and returns the commands that took."""
        listener = MongoCommands()
        with monkeypatch.context() as watched:
            watched.setattr(transfer, "connect", lambda settings: connect(settings, listener))
            folders.ok("import", "reviews", folders.write("one/r.csv", f"id,course,rating\nn{number},c1,5\n"))
        return sorted(command for command in listener.sent if not command.startswith("endSessions"))

    courses = "id,title\n" + "".join(f"c{n},Course {n}\n" for n in range(600))
    folders.ok("import", "courses", folders.write("one/c.csv", courses))
    sent(0)  # creates the collections, whose indexes the later imports compare
    few = sent(1)
    many: list[Document] = [{"id": n, "course": f"c{n % 600}", "rating": 4} for n in range(3_000)]
    folders.ok("import", "reviews", folders.write("one/many.ndjson", many), "--source", "one")
    assert sent(2) == few


def test_an_earlier_export_does_not_open_flags_again(folders: Shell) -> None:
    folders.ok("import", "courses", folders.write("one/c.csv", "id,title\nc1,Guitar\n"))
    folders.ok("import", "reviews", folders.write("one/r.csv", "id,course,rating,text\n1,c1,5,Good\n"))
    stored, exported = folders.database["reviews"], folders.directory / "reviews.ndjson"
    stored.update_one({}, {"$set": {"flagCount": 1, "flagRound": 1}})
    assert folders.run("export", "reviews", exported).exception is None
    assert "flag" not in exported.read_text()
    (review,) = folders.all("reviews")
    key = {"reviewId": review["_id"], "subject": "ann"}
    flag = {"_id": key, "studentId": None, "at": datetime.now(UTC), "round": 1}
    folders.database["flags"].insert_one(flag)
    stored.update_one({}, {"$set": {"flagCount": 0, "flagRound": 2}})  # as a moderation does
    folders.ok("import", "reviews", exported)
    (after,) = folders.all("reviews")
    assert (after["flagCount"], after["flagRound"]) == (0, 2)
    assert "No differences" in folders.run("recount").output
