"""Prerequisites of imported courses: what a row can refer to, cycles, repeated imports, exports."""

from collections.abc import Callable

import orjson
import pytest

from loaders.model import Document
from tests.importing.shell import Shell, state

CSV = """id,title,code,prerequisites
c1,Advanced,ADV-1,c2; MID-1; basics
c2,Second,SEC-1,
c3,Middle,MID-1,c4
c4,Basics,BAS-1,none at all
"""
UNKNOWN = "note: prerequisite left out: there is no such course"
ITSELF = "note: prerequisite left out: it is the course itself"
LEADS_BACK = "note: prerequisite left out: it requires the course itself, directly or through others"


def linked(shell: Shell) -> dict[str, list[str]]:
    """Maps the external id of each course that has prerequisites to theirs."""
    courses = shell.all("courses")
    names = {course["_id"]: course["externalId"]["id"] for course in courses}
    return {
        names[course["_id"]]: [names[one] for one in course["prerequisiteIds"]]
        for course in courses
        if course.get("prerequisiteIds")
    }


def table(**prerequisites: str) -> str:
    rows = [f'{name},Course {name},"{of}"' for name, of in prerequisites.items()]
    return "\n".join(["id,title,prerequisites", *rows, ""])


def test_a_row_refers_to_courses_by_id_code_or_slug_wherever_they_are_in_the_file(shell: Shell) -> None:
    counts = shell.ok("import", "courses", shell.write("c.csv", CSV), "--source", "s")
    assert linked(shell) == {"c1": ["c2", "c3", "c4"], "c3": ["c4"]}
    assert (counts["created"], counts[UNKNOWN]) == (4, 1)


def test_a_second_import_changes_nothing(shell: Shell) -> None:
    file = shell.write("c.csv", CSV)
    first = shell.ok("import", "courses", file, "--source", "s")
    before = shell.all("courses")
    again = shell.ok("import", "courses", file, "--source", "s")
    assert (again["unchanged"], again["updated"], again[UNKNOWN]) == (4, 0, first[UNKNOWN])
    assert shell.all("courses") == before


def test_a_dry_run_tells_the_same_and_writes_nothing(shell: Shell) -> None:
    file = shell.write("c.csv", CSV + "c5,Loop,L-5,L-6; c5\nc6,Hole,L-6,hole; c5\n")
    dry = shell.ok("import", "courses", file, "--source", "s", "--dry-run")
    assert shell.all("courses") == []
    wet = shell.ok("import", "courses", file, "--source", "s")
    told = (UNKNOWN, ITSELF, LEADS_BACK)
    assert [dry[note] for note in told] == [wet[note] for note in told] == [1, 2, 2]


def test_a_dry_run_of_a_change_counts_the_courses_that_it_would_update(shell: Shell) -> None:
    shell.ok("import", "courses", shell.write("c.csv", table(a="", b="a", c="b")), "--source", "s")
    changed = shell.write("d.csv", table(a="", b="", c="b; new", new="a"))
    dry = shell.ok("import", "courses", changed, "--source", "s", "--dry-run")
    assert linked(shell) == {"b": ["a"], "c": ["b"]}
    before = {course["externalId"]["id"]: course["updatedAt"] for course in shell.all("courses")}
    wet = shell.ok("import", "courses", changed, "--source", "s")
    for counts in (dry, wet):
        assert (counts["created"], counts["updated"], counts["unchanged"]) == (1, 2, 1)
    assert linked(shell) == {"c": ["b", "new"], "new": ["a"]}
    touched = {
        c["externalId"]["id"]
        for c in shell.all("courses")
        if c["updatedAt"] != before.get(c["externalId"]["id"])
    }
    assert touched == {"b", "c", "new"}


def test_cycles_are_left_out_and_told_with_an_example(shell: Shell) -> None:
    file = shell.write("c.csv", table(a="b", b="c", c="a; d", d="", e="a; e"))
    result = shell.run("import", "courses", file, "--source", "s")
    assert result.exception is None
    assert linked(shell) == {"c": ["d"], "e": ["a"]}
    told = [line.split("  ") for line in result.stdout.splitlines() if "prerequisite left out" in line]
    assert [(line[1], line[-1]) for line in told] == [
        (ITSELF, "1 (e.g. “e” of “e”)"),
        (LEADS_BACK, "3 (e.g. “b” of “a”)"),
    ]
    again = shell.ok("import", "courses", file, "--source", "s")
    assert (again["unchanged"], again[LEADS_BACK]) == (5, 3)


def test_a_cycle_through_courses_of_other_files_is_left_out(shell: Shell) -> None:
    """The stored course keeps its prerequisite; the file's is left out."""
    shell.ok("import", "courses", shell.write("c.csv", table(a="b", b="c", c="")), "--source", "s")
    (shell.directory / "only.csv").write_text(table(c="a"), "utf-8")
    counts = shell.ok("import", "courses", shell.directory / "only.csv", "--source", "s")
    assert (counts["unchanged"], counts[LEADS_BACK]) == (1, 1)
    assert linked(shell) == {"a": ["b"], "b": ["c"]}


def test_an_id_takes_precedence_over_a_code_even_of_a_course_that_comes_later(shell: Shell) -> None:
    shell.ok("import", "courses", shell.write("o.csv", "id,title,code\nx,Other,A1\n"), "--source", "other")
    file = shell.write("c.csv", table(n="A1", A1=""))
    shell.ok("import", "courses", file, "--source", "s", "--dry-run")
    shell.ok("import", "courses", file, "--source", "s")
    assert linked(shell) == {"n": ["A1"]}


def test_courses_of_another_source_are_found_by_code(shell: Shell) -> None:
    shell.ok("import", "courses", shell.write("o.csv", "id,title,code\nx,Other,A1\n"), "--source", "other")
    shell.ok("import", "courses", shell.write("c.csv", table(n="A1")), "--source", "s")
    assert linked(shell) == {"n": ["x"]}


def test_codes_with_hyphens_are_whole(shell: Shell) -> None:
    rows: list[Document] = [
        {
            "id": n,
            "title": "A",
            "code": f"X-{n}-L",
            "prerequisites": [{"code": f"X-{n - 1}-L"}] if n > 4 else f"X-{n - 1}-L",
        }
        for n in range(1, 7)
    ]
    shell.ok("import", "courses", shell.write("c.ndjson", rows), "--source", "s")
    assert linked(shell) == {str(n): [str(n - 1)] for n in range(2, 7)}


def test_at_most_twenty_are_kept_each_once(shell: Shell) -> None:
    courses = {f"c{n:02}": "" for n in range(30)}
    many = "; ".join(["c00", "c00", *courses])
    counts = shell.ok("import", "courses", shell.write("c.csv", table(**courses, n=many)), "--source", "s")
    assert linked(shell) == {"n": [f"c{n:02}" for n in range(20)]}
    assert counts["note: more than 20 prerequisites: only the first 20 are kept"] == 1


def test_a_file_without_the_column_leaves_them_alone(shell: Shell) -> None:
    shell.ok("import", "courses", shell.write("c.csv", table(a="b", b="")), "--source", "s")
    shell.ok("import", "courses", shell.write("d.csv", "id,title\na,New name\n"), "--source", "s")
    assert linked(shell) == {"a": ["b"]}


def test_rows_with_one_id_and_other_prerequisites_differ(shell: Shell) -> None:
    rows: list[Document] = [{"id": n % 2_100, "title": "A", "prerequisites": ""} for n in range(2_102)]
    rows[0]["prerequisites"] = rows[2_100]["prerequisites"] = "7"
    rows[2_101]["prerequisites"] = "5"
    rows += [
        {"id": 3_000, "title": "B", "prerequisites": "1"},
        {"id": 3_000, "title": "B", "prerequisites": "2"},
    ]
    counts = shell.ok("import", "courses", shell.write("c.ndjson", rows), "--source", "s")
    assert (counts["created"], counts["duplicate"], counts["rejected"]) == (2_101, 1, 2)
    assert linked(shell) == {"0": ["7"], "3000": ["1"]}


@pytest.mark.parametrize(
    "cell",
    ["x" * 1_000_000, ";" * 1_000_000, "\x1b[2J", "a;" * 400_000, "[" * 999, '["a", 5, null, {"b": 1}]'],
)
def test_a_hostile_cell_is_no_prerequisite(shell: Shell, cell: str) -> None:
    rows = [{"id": "a", "title": "A", "prerequisites": cell}, {"id": "n", "title": "N", "prerequisites": "a"}]
    result = shell.run("import", "courses", shell.write("c.ndjson", rows), "--source", "s")
    assert result.exception is None
    assert "\x1b" not in result.stdout
    assert linked(shell) == {"n": ["a"]}


def test_an_export_imported_again_is_identical(fresh_shell: Callable[[str], Shell]) -> None:
    first = fresh_shell("one")
    columns = "id,title,credits,university,url,image,prerequisites,rating\n"
    rows = "a,A,3,U,http://a.example/,https://a.example/i.png,b; c,4.5\nb,B,7.5,,,,c,4.5 (10)\nc,C,,,,,,\n"
    first.ok("import", "courses", first.write("c.csv", columns + rows), "--source", "s")
    first.ok("import", "courses", first.write("d.csv", "id,title\nd,D\n"), "--source", "t")
    one, two = first.directory / "one.ndjson", first.directory / "two.ndjson"
    first.run("export", "courses", one)
    before, kept = state(first.database), linked(first)
    second = fresh_shell("two")
    counts = second.ok("import", "courses", one)
    assert (counts["created"], counts["rejected"]) == (4, 0)
    assert state(second.database) | {"courses": []} == before | {"courses": []}
    assert linked(second) == kept == {"a": ["b", "c"], "b": ["c"]}
    again = second.ok("import", "courses", one)
    assert (again["unchanged"], again["updated"]) == (4, 0)
    second.run("export", "courses", two)
    assert two.read_bytes() == one.read_bytes()


@pytest.mark.parametrize("value", ["abc", 5, [5], ["a"], [{}], {"a": 1}, None])
def test_an_export_with_broken_prerequisites_is_rejected(shell: Shell, value: object) -> None:
    shell.ok("import", "courses", shell.write("c.csv", table(a="b", b="")), "--source", "s")
    file = shell.directory / "export.ndjson"
    shell.run("export", "courses", file)
    row, other = (orjson.loads(line) for line in file.read_bytes().splitlines())
    row["prerequisites"] = value
    counts = shell.ok("import", "courses", shell.write("broken.ndjson", [row, other]))
    assert (counts["unchanged"], counts["rejected"]) == (1, 1)
    assert linked(shell) == {"a": ["b"]}


def test_a_code_that_several_courses_have_is_told(shell: Shell) -> None:
    courses = "id,title,code,prerequisites\na,A,CS1,\nb,B,CS1,\nc,C,CS2,CS1\n"
    counts = shell.ok("import", "courses", shell.write("c.csv", courses), "--source", "s")
    assert counts["note: prerequisite: several courses have the code; the oldest is used"] == 1
    reviews = "id,course,text\n1,CS1,Good\n2,CS2,Fair\n"
    counts = shell.ok("import", "reviews", shell.write("r.csv", reviews), "--source", "s")
    assert counts["note: course: several courses have the code; the oldest is used"] == 1
    runs = "course,start\nCS1,2030-01-31\nCS2,2030-01-31\n"
    counts = shell.ok("import", "courseRuns", shell.write("runs.csv", runs), "--source", "s")
    assert counts["note: course: several courses have the code; the oldest is used"] == 1
