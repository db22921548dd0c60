"""Categories, instructors and course runs from files, and from exports."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.importing.importable_fields import Importable
from app.importing.mapping import MappingError, infer_mapping
from loaders.mongo import Document
from tests import factories
from tests.importing.shell import Shell

SOON = datetime.now(UTC).replace(microsecond=0, second=0, minute=0, hour=0) + timedelta(days=30)
COURSES = "id,title,code,mode\nc1,Statics,ST-1,online\nc2,Heat,HE-2,classroom\nc3,Light,,\n"


def imported(shell: Shell, collection: str, text: str, name: str = "rows.csv") -> dict[str, int]:
    return shell.ok("import", collection, shell.write(name, text), "--source", "s")


def output(shell: Shell, collection: str, text: str) -> str:
    result = shell.run("import", collection, shell.write("rows.csv", text), "--source", "s")
    assert result.exception is None, result.output
    return re.sub(" +", " ", result.stdout)


def found(shell: Shell, collection: str, *names: str) -> list[tuple[object, ...]]:
    return [tuple(document.get(name) for name in names) for document in shell.all(collection)]


# -- categories ----------------------------------------------------------------------------------------------


def test_categories_have_their_place_picture_and_description(shell: Shell) -> None:
    rows = (
        "id,name,sortorder,Image URL,Description\n"
        "7,Web & Design,2,https://a.example/w.png,<p>Pages</p>\n"
        "9,Données,1,http://a.example/d.png,\n"
        "11,Sprachen,,javascript:alert(1),\n"
    )
    printed = output(shell, "categories", rows)
    assert "imageUrl: is not an https URL 1 (e.g. “http://a.example/d.png”)" in printed
    assert "imageUrl: is not a URL with http:// or https://" in printed
    assert found(shell, "categories", "slug", "name", "position", "imageUrl", "description") == [
        ("sprachen", "Sprachen", 0, None, None),
        ("web-design", "Web & Design", 2, "https://a.example/w.png", "Pages"),
        ("donnees", "Données", 1, None, None),
    ]
    assert imported(shell, "categories", rows)["unchanged"] == 3


def test_a_category_that_courses_have_named_gets_its_row(shell: Shell) -> None:
    """It keeps its slug, and courses still refer to it, by its name or its id."""
    imported(shell, "courses", "id,title,category\nc1,Statics,Web & Design\n")
    counts = imported(shell, "categories", "id,name,position\n7,Web & Design,3\n8,New,1\n")
    assert (counts["created"], counts["updated"]) == (1, 1)
    imported(shell, "categories", "id,name,position\n7,Pages,3\n8,New,1\n")
    assert found(shell, "categories", "slug", "name", "position") == [
        ("web-design", "Pages", 3), ("new", "New", 1),
    ]  # fmt: skip
    imported(shell, "courses", "id,title,category\nc2,B,Pages\nc3,C,7\nc4,D,web design\nc5,E,8\n", "more.csv")
    assert found(shell, "courses", "categorySlug") == [("web-design",)] * 4 + [("new",)]
    assert len(shell.all("categories")) == 2


def test_rows_that_are_one_category_and_names_without_letters_are_rejected(shell: Shell) -> None:
    printed = output(shell, "categories", "id,name\n1,Web\n2,WEB!\n1,Web\n3,???\n")
    assert "row 2 (line 3): row 1 is the same category: “web”" in printed
    assert "row 4 (line 5): name: “???” has no letters or digits to make a slug from" in printed
    assert found(shell, "categories", "name") == [("Web",)]


def test_at_most_250_categories(shell: Shell) -> None:
    rows = "name\n" + "".join(f"Category {n}\n" for n in range(252))
    for option in ("--dry-run", "--source"):
        file = shell.write("c.csv", rows)
        arguments = ["--source", "s", option] if option == "--dry-run" else ["--source", "s"]
        counts = shell.ok("import", "categories", file, *arguments)
        assert (counts["created"], counts["rejected"]) == (250, 2)
    assert imported(shell, "categories", rows)["unchanged"] == 250


def test_a_category_s_former_slug_leads_to_it(shell: Shell) -> None:
    web = factories.category("web", oldSlugs=["the-web"])
    shell.database["categories"].insert_one(web)
    imported(shell, "categories", "slug,name,order\nthe-web,Web,4\n")
    (stored,) = shell.all("categories")
    assert (stored["_id"], stored["slug"], stored["position"]) == (web["_id"], "web", 4)
    assert stored["externalId"] == {"source": "s", "id": "the-web"}


def test_a_position_that_is_missing_leaves_the_stored_one(shell: Shell) -> None:
    imported(shell, "categories", "id,name,position\n1,Web,4\n")
    imported(shell, "categories", "id,name,position\n1,Web,\n")
    assert found(shell, "categories", "position") == [(4,)]


# -- instructors ---------------------------------------------------------------------------------------------


def test_instructors_have_their_headline_bio_and_picture(shell: Shell) -> None:
    rows = (
        "Staff ID,Full Name,Job Title,Biography,Avatar URL\n"
        "7,Ada Moe,Professor of Statics,<p>Born <b>1970</b></p>,https://a.example/a.jpg\n"
        "8,Ben Roe,,,ftp://a.example/b.jpg\n"
    )
    assert "avatarUrl: is not a URL" in output(shell, "instructors", rows)
    assert found(shell, "instructors", "name", "headline", "bio", "avatarUrl") == [
        ("Ada Moe", "Professor of Statics", "Born 1970", "https://a.example/a.jpg"),
        ("Ben Roe", None, None, None),
    ]
    assert imported(shell, "instructors", rows)["unchanged"] == 2


def test_an_instructor_that_courses_have_named_gets_the_row_with_the_name(shell: Shell) -> None:
    courses = "id,title,instructors\nc1,Statics,Ada Moe; Ben Roe\n"
    imported(shell, "courses", courses)
    counts = imported(shell, "instructors", "id,name,headline\n7,Ada Moe,Teaches\n")
    assert (counts["created"], counts["updated"]) == (0, 1)
    imported(shell, "courses", courses + "c2,Heat,Ada Moe; Cy Doe\nc3,Light,7\n", "more.csv")
    ada, *others = shell.all("instructors")
    assert (ada["externalId"], ada["headline"]) == ({"source": "s", "id": "7"}, "Teaches")
    assert [i["name"] for i in others] == ["Ben Roe", "Cy Doe"]
    assert [c["instructorIds"][0] for c in shell.all("courses")] == [ada["_id"]] * 3
    assert (
        imported(shell, "instructors", "id,name,headline\n7,Ada Moe-Roe,Teaches\n", "i.csv")["updated"] == 1
    )


def test_new_instructors_get_slugs_which_later_imports_keep(shell: Shell) -> None:
    shell.database["instructors"].insert_many(
        [
            factories.instructor("Ada Moe", slug="ada-moe"),
            factories.instructor("C", slug="c", oldSlugs=["bo"]),
        ]
    )
    courses = "id,title,instructors\nc1,Statics,Ada Moe; Ben Roe\n"
    imported(shell, "courses", courses)
    imported(shell, "instructors", "id,name\n7,Ada Moe\n8,Bo\n9,Ada Moe\n10,???\n", "i.csv")
    slugs = [
        ("ada-moe",),
        ("c",),
        ("ada-moe-s",),
        ("ben-roe",),
        ("ada-moe-7",),
        ("bo-8",),
        ("ada-moe-9",),
        ("10",),
    ]
    assert sorted(found(shell, "instructors", "slug")) == sorted(slugs)
    imported(shell, "instructors", "id,name\n8,Bob\n", "b.csv")
    bob = shell.database["instructors"].find_one({"slug": "bo-8"})
    assert bob is not None
    assert (bob["name"], bob["sortName"], bob["searchTerms"]) == ("Bob", "bob", ["bob"])


@pytest.mark.parametrize("collection", ["instructors", "courses"])
def test_an_export_restores_slugs_of_new_instructors(
    fresh_shell: Callable[[str], Shell], collection: str
) -> None:
    """Other people may have them there."""
    first = fresh_shell("one")
    imported(first, "courses", "id,title,instructor\nc1,Statics,Ada Moe\n")
    first.database["instructors"].update_one({}, {"$set": {"slug": "ada", "oldSlugs": ["countess"]}})
    file = first.directory / "export.ndjson"
    assert first.run("export", collection, file).exit_code == 0
    assert b"searchTerms" not in file.read_bytes()
    first.database["instructors"].update_one({}, {"$set": {"slug": "a"}})
    assert first.ok("import", collection, file)["unchanged"] == 1
    assert found(first, "instructors", "slug") == [("a",)]
    second = fresh_shell("two")
    assert second.ok("import", collection, file)["created"] == 1
    (ada,) = second.all("instructors")
    assert (ada["slug"], ada["oldSlugs"], ada["sortName"]) == ("ada", ["countess"], "ada moe")
    third = fresh_shell("two")
    third.database["instructors"].insert_one(factories.instructor("Another", slug="ada"))
    assert third.ok("import", collection, file)["created"] == 1
    assert len({slug for (slug,) in found(third, "instructors", "slug")}) == 2


def test_an_exported_instructor_without_a_name_does_not_stop_an_import(
    fresh_shell: Callable[[str], Shell],
) -> None:
    first = fresh_shell("one")
    imported(first, "courses", "id,title,instructor\nc1,Statics,Ada Moe\n")
    first.database["instructors"].update_one({}, {"$unset": {"name": 1}})
    file = first.directory / "courses.ndjson"
    assert first.run("export", "courses", file).exit_code == 0
    second = fresh_shell("two")
    assert second.ok("import", "courses", file)["created"] == 1
    assert found(second, "instructors", "slug", "name") == [("ada-moe", "")]


def test_without_ids_the_name_is_the_id(shell: Shell) -> None:
    imported(shell, "courses", "id,title,instructors\nc1,Statics,Ada Moe\n")
    imported(shell, "instructors", "first name,last name,bio\nAda,Moe,B\n")
    assert found(shell, "instructors", "name", "bio") == [("Ada Moe", "B")]


def test_none_of_several_people_of_one_name_is_taken_for_the_one_in_a_course(shell: Shell) -> None:
    imported(shell, "courses", "id,title,instructors\nc1,Statics,Ada Moe\n")
    printed = output(shell, "instructors", "id,name\n7,Ada Moe\n8,Ada Moe\n")
    assert "none of them is matched with that instructor" in printed
    assert [i["externalId"]["id"] for i in shell.all("instructors")] == ["7", "8", "Ada Moe"]


def test_only_the_teachers_of_a_roster_are_instructors(shell: Shell) -> None:
    rows = (
        "sourcedId,status,role,givenName,familyName\n"
        "1,active,teacher,Ada,Moe\n2,active,student,Ben,Roe\n3,tobedeleted,teacher,Cy,Doe\n"
    )
    printed = output(shell, "instructors", rows)
    assert found(shell, "instructors", "name") == [("Ada Moe",)]
    assert "left out: role is “student”" in printed


# -- runs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def catalogue(shell: Shell) -> Shell:
    imported(shell, "courses", COURSES, "courses.csv")
    return shell


def test_runs_have_their_dates_seats_and_place(catalogue: Shell) -> None:
    rows = (
        "Course,Batch,Start date,End date,Venue,Capacity,Mode\n"
        "ST-1,Evening,31/08/2026,15/09/2026,,max. 30 seats,online\n"
        'Heat,Weekend,01/09/2026,01/09/2026,"Pune, Lab 2",unlimited,classroom\n'
        "c3,,02/09/2026,01/09/2026,Zoom (online),12,\n"
    )
    printed = output(catalogue, "courseRuns", rows)
    assert (
        "note: the course is found by its title  1" in " ".join(printed.split("\n"))
        or "found by its title" in printed
    )
    assert "end left out: it is not after the start" in printed
    assert "no delivery mode: a new run is ONLINE" in printed
    day = datetime(2026, 9, 1, tzinfo=UTC)
    last = timedelta(hours=23, minutes=59, seconds=59)
    stored = found(
        catalogue, "courseRuns", "title", "startsAt", "endsAt", "location", "seats", "deliveryMode"
    )
    assert sorted(stored, key=lambda run: run[1].isoformat()) == [  # type: ignore[attr-defined]
        ("Evening", day - timedelta(days=1), day + timedelta(days=14) + last, None, 30, "ONLINE"),
        ("Weekend", day, day + last, "Pune, Lab 2", None, "ONSITE"),
        (None, day + timedelta(days=1), None, "Zoom (online)", 12, "ONLINE"),
    ]
    assert imported(catalogue, "courseRuns", rows)["unchanged"] == 3


def test_the_ends_show_the_order_of_day_and_month_of_the_starts(catalogue: Shell) -> None:
    rows = "course,start date,end date\nc1,01/09/2026,15/09/2026\nc2,05/10/2026,30/10/2026\n"
    printed = output(catalogue, "courseRuns", rows)
    assert "assumed: startsAt: day first, as in “end date” (day_first)" in printed
    assert [run.month for (run,) in found(catalogue, "courseRuns", "startsAt")] == [9, 10]  # type: ignore[attr-defined]


def test_the_starts_show_the_order_of_day_and_month_of_the_ends(catalogue: Shell) -> None:
    rows = "course,start date,end date\nc1,15/08/2026,01/09/2026\nc2,30/09/2026,05/10/2026\n"
    assert "assumed: endsAt: day first, as in “start date”" in output(catalogue, "courseRuns", rows)
    assert [run.month for (run,) in found(catalogue, "courseRuns", "endsAt")] == [9, 10]  # type: ignore[attr-defined]


def test_unclear_starts_are_told(catalogue: Shell) -> None:
    file = catalogue.write("r.csv", "course,start date\nc1,01/09/2026\n")
    result = catalogue.run("import", "courseRuns", file, "--source", "s")
    assert "start date looks like startsAt, but “01/09/2026”" in str(result.exception)


def test_a_run_needs_its_course_and_its_start(catalogue: Shell) -> None:
    rows = (
        "id,course,starts at,seats\n1,c9,2026-01-01,1\n2,c1,,1\n3,c1,2026-01-01,some\n4,c1,soon,2\n"
        "5,c1,2026-01-01,3\n6,c1,2026-01-01,4\n7,c1,2026-01-01,5\n8,c1,2026-01-01,6\n"
    )
    printed = output(catalogue, "courseRuns", rows)
    assert "row 1 (line 2): course: there is no course “c9”" in printed
    assert "row 2 (line 3): startsAt: no value in starts at" in printed
    assert "row 3 (line 4): seats: “some” is not a number of seats" in printed
    assert "row 4 (line 5): startsAt: “soon”" in printed
    assert found(catalogue, "courseRuns", "seats") == [(3,), (4,), (5,), (6,)]


def test_the_mode_of_a_run_is_the_course_s_or_follows_from_its_place(catalogue: Shell) -> None:
    rows = (
        "id,course,start,place\n1,c1,2026-01-01,Pune\n2,c2,2026-01-01,\n3,c3,2026-01-01,Pune\n"
        "4,c3,2026-01-01,\n"
    )
    imported(catalogue, "courseRuns", rows)
    assert [m for (m,) in found(catalogue, "courseRuns", "deliveryMode")] == [
        "ONLINE", "ONSITE", "ONSITE", "ONLINE",
    ]  # fmt: skip


def test_a_run_in_an_online_place_is_online_and_every_assumption_is_noted(catalogue: Shell) -> None:
    places = ["Zoom", "Teams", "Online", "https://example.org/a", "Berlin", "", "Room 5 / Zoom"]
    rows = "".join(f"{n},c3,2026-01-01,{place}\n" for n, place in enumerate(places))
    printed = output(catalogue, "courseRuns", "id,course,start,venue\n" + rows + "7,c2,2026-01-01,Zoom\n")
    assert [m for (m,) in found(catalogue, "courseRuns", "deliveryMode")] == [
        *["ONLINE"] * 4, "ONSITE", "ONLINE", "ONLINE", "ONLINE",
    ]  # fmt: skip
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    kept = "a stored one keeps its mode"
    assert f"note: no delivery mode: a new run is ONLINE by its place, {kept} 4 (e.g. “Zoom”)" in lines
    assert f"note: no delivery mode: a new run is ONLINE because it has no place, {kept} 1" in lines
    assert (
        f"note: no delivery mode: a new run is ONSITE because it has a place, {kept} 1 (e.g. “Berlin”)"
        in lines
    )
    why = "because its place is a URL, or names something online among other words"
    assert (
        f"note: no delivery mode: a new run is ONLINE {why}, {kept} 2 (e.g. “https://example.org/a”)" in lines
    )


def test_both_modes_are_told_because_a_run_has_one(catalogue: Shell) -> None:
    rows = "id,course,start,mode\n1,c1,2026-01-01,online\n" + "".join(
        f"{n},c1,2026-01-01,online\n" for n in range(2, 6)
    )
    printed = output(catalogue, "courseRuns", rows + "9,c2,2026-01-01,hybrid\n")
    assert "deliveryMode: names both delivery modes, but a run has only one 1 (e.g. “hybrid”)" in printed
    assert found(catalogue, "courseRuns", "deliveryMode")[-1] == ("ONSITE",)


def test_an_empty_cell_keeps_the_seats_and_a_word_frees_them(catalogue: Shell) -> None:
    head = "id,course,start,seats\n"
    imported(catalogue, "courseRuns", head + "1,c1,2026-01-01,5\n2,c1,2026-01-01,6\n")
    printed = output(
        catalogue, "courseRuns", head + "1,c1,2026-01-01,\n2,c1,2026-01-01,∞\n3,c1,2026-01-01,4\n"
    )
    assert "no number of seats: a new run has unlimited seats, a stored one keeps its number" in printed
    assert found(catalogue, "courseRuns", "seats") == [(5,), (None,), (4,)]


def enrolled(catalogue: Shell, run: Document, *statuses: str) -> None:
    course = catalogue.database["courses"].find_one({"_id": run["courseId"]})
    assert course
    people = [factories.student() for _ in statuses]
    catalogue.database["students"].insert_many(people)
    catalogue.database["enrollments"].insert_many(
        factories.enrollment(course, person, status=status, runId=run["_id"])
        for person, status in zip(people, statuses, strict=True)
    )
    seats = {"seatsTaken": statuses.count("ACTIVE"), "waitlistCount": statuses.count("WAITLISTED")}
    catalogue.database["courseRuns"].update_one({"_id": run["_id"]}, {"$set": seats})
    assert catalogue.run("recount", "--fix").exit_code == 0


def a_run(seats: int | str, place: str = "Pune", course: str = "c1") -> str:
    return f"id,course,start,place,seats\n1,{course},{SOON.date()},{place},{seats}\n"


def test_seats_below_those_taken_are_told_and_stay(catalogue: Shell) -> None:
    imported(catalogue, "courseRuns", a_run(3))
    enrolled(catalogue, catalogue.all("courseRuns")[0], "ACTIVE", "ACTIVE")
    printed = output(catalogue, "courseRuns", a_run(1, "Delhi"))
    assert "fewer seats than are taken: the stored number is kept" in printed
    assert found(catalogue, "courseRuns", "seats", "seatsTaken", "location") == [(3, 2, "Delhi")]
    assert imported(catalogue, "courseRuns", a_run(2, "Delhi"))["updated"] == 1
    assert found(catalogue, "courseRuns", "seats") == [(2,)]
    assert catalogue.all("courses")[0]["seatsUntil"] is None


def test_a_run_stays_with_its_course(catalogue: Shell) -> None:
    imported(catalogue, "courseRuns", a_run(3))
    assert "course: the run belongs to another course" in output(
        catalogue, "courseRuns", a_run(3, "Pune", "c2")
    )


@pytest.mark.parametrize("seats", [3, "unlimited"])
def test_more_seats_go_to_those_who_wait(catalogue: Shell, seats: int | str) -> None:
    imported(catalogue, "courseRuns", a_run(1))
    enrolled(catalogue, catalogue.all("courseRuns")[0], "ACTIVE", "WAITLISTED", "WAITLISTED")
    printed = output(catalogue, "courseRuns", a_run(seats))
    assert "note: students who moved up from a waitlist 2" in printed
    assert found(catalogue, "courseRuns", "seatsTaken", "waitlistCount") == [(3, 0)]
    assert {e["status"] for e in catalogue.all("enrollments")} == {"ACTIVE"}
    assert catalogue.all("courses")[0]["studentCount"] == 3
    entries = list(catalogue.database["auditLog"].find({"action": "import"}, sort=[("at", 1)]))
    moved = [c for entry in entries for c in entry["changes"] if c["collection"] == "enrollments"]
    assert len(moved) == 2
    assert catalogue.run("recount").exit_code == 0


def test_new_runs_count_for_their_courses(catalogue: Shell) -> None:
    imported(catalogue, "courseRuns", a_run(3))
    assert [c["seatsUntil"] for c in catalogue.all("courses")] == [SOON, None, None]
    past = "id,course,start\n2,c2,2001-01-01\n"
    imported(catalogue, "courseRuns", past)
    assert len(catalogue.all("courseRuns")) == 2


def test_runs_without_ids_are_told_apart(catalogue: Shell) -> None:
    rows = (
        "course,batch,start,place\nc1,A,2026-01-01,Pune\nc1,A,2026-01-01,Delhi\nc1,B,2026-01-01,\n"
        "c1,A,2026-01-01,Pune\n"
    )
    counts = imported(catalogue, "courseRuns", rows)
    assert (counts["created"], counts["duplicate"]) == (3, 1)
    alone = infer_mapping("courseRuns", ["course", "start"], [{"course": "c1", "start": "2026-01-01"}])
    assert alone.fields["id"].selection.columns == ("course", "start")


@pytest.mark.parametrize(
    ("collection", "columns", "missing"),
    [
        ("courseRuns", ["start", "venue"], "course"),
        ("courseRuns", ["course", "venue"], "startsAt"),
        ("categories", ["order"], "name"),
        ("instructors", ["bio"], "name"),
    ],
)
def test_what_is_missing_is_named(collection: Importable, columns: list[str], missing: str) -> None:
    row = dict.fromkeys(columns, "2026-01-01")
    with pytest.raises(MappingError, match=rf"no column looks like “{missing}”"):
        infer_mapping(collection, columns, [row])


@pytest.mark.parametrize(
    ("collection", "column", "value", "field"),
    [
        ("courseRuns", "Section Name", "A", "title"),
        ("courseRuns", "canvas_section_id", "1", "id"),
        ("courseRuns", "Enddatum", "2026-01-02", "endsAt"),
        ("courseRuns", "Veranstaltungsort", "Bern", "location"),
        ("courseRuns", "Plätze", "20", "seats"),
        ("courseRuns", "Lieu", "Lyon", "location"),
        ("courseRuns", "定員", "20", "seats"),
        ("courseRuns", "Mode of delivery", "Online", "deliveryMode"),
        ("categories", "menu_order", "2", "position"),
        ("categories", "Reihenfolge", "2", "position"),
        ("categories", "Image Src", "https://a.example/", "imageUrl"),
        ("categories", "Category Description", "About", "description"),
        ("instructors", "Profile Picture", "https://a.example/", "avatarUrl"),
        ("instructors", "Designation", "Trainer", "headline"),
        ("instructors", "Biografía", "B", "bio"),
        ("instructors", "Teacher_id", "1", "id"),
    ],
)
def test_headers_of_catalogues(collection: Importable, column: str, value: str, field: str) -> None:
    row = {"id": "1", "name": "A", "course": "c1", "start": "2026-01-01"}
    row = {name: cell for name, cell in row.items() if (field, name) not in {("id", "id"), ("title", "name")}}
    row[column] = value
    assert infer_mapping(collection, list(row), [row]).fields[field].selection.columns == (column,)


def test_cells_of_any_length_are_no_crash(catalogue: Shell) -> None:
    long = "x" * 1_100_000
    rows = f"id,course,start,title,seats\n1,c1,2026-01-01,a,1\n2,c1,2026-01-01,{long},{long}\n"
    counts = imported(catalogue, "courseRuns", rows)
    assert (counts["created"], counts["rejected"]) == (1, 1)
    url = f"https://a.example/{'x' * 3_000}"
    printed = output(catalogue, "instructors", f"id,name,avatar url\n1,Ada,{url}\n2,Ben,https://a.example/\n")
    assert "avatarUrl: is longer than 2,000 characters" in printed


# -- exports -------------------------------------------------------------------------------------------------


def test_exports_are_imported_as_they_were(fresh_shell: Callable[[str], Shell]) -> None:
    first = fresh_shell("one")
    imported(
        first, "categories", "id,name,position,image,description\n1,Web,2,https://a.example/,D\n2,Alone,1,,\n"
    )
    imported(first, "instructors", "id,name,headline,bio,photo\n1,Ada,H,B,https://a.example/\n2,Alone,,,\n")
    imported(first, "courses", "id,title,category,instructor\nc1,Statics,Web,Ada\n")
    imported(first, "courseRuns", a_run(3).replace("place", "title"))
    first.database["categories"].update_one({"name": "Web"}, {"$set": {"oldSlugs": ["www"]}})
    order = ("categories", "instructors", "courses", "courseRuns")
    files = {name: first.directory / f"{name}.ndjson" for name in order}
    for name, file in files.items():
        assert first.run("export", name, file).exit_code == 0
        assert first.ok("import", name, file)["updated"] == 0
    exported = {name: file.read_bytes() for name, file in files.items()}
    for names in (order, order[::-1]):
        second = fresh_shell("two")
        for name in names if names == order else ("courses", "courseRuns", "instructors", "categories"):
            assert second.ok("import", name, files[name])["rejected"] == 0
        for name in order:
            copy = second.directory / f"copy-{name}"
            assert second.run("export", name, copy).exit_code == 0
            assert rows_of(copy.read_bytes()) == rows_of(exported[name]), name


def rows_of(exported: bytes) -> list[Document]:
    return sorted(map(orjson.loads, exported.splitlines()), key=lambda row: str(row["_id"]))


def test_an_exported_category_is_one_that_has_its_slug(fresh_shell: Callable[[str], Shell]) -> None:
    first = fresh_shell("one")
    imported(first, "categories", "id,name,position\n1,Web,2\n")
    file = first.directory / "categories.ndjson"
    first.run("export", "categories", file)
    second = fresh_shell("two")
    second.database["categories"].insert_one(factories.category("web"))
    assert second.ok("import", "categories", file)["updated"] == 1
    assert found(second, "categories", "slug", "position", "externalId") == [
        ("web", 2, {"source": "s", "id": "1"})
    ]


def test_damaged_categories_do_not_stop_an_import(shell: Shell) -> None:
    shell.database["categories"].insert_many(
        [
            {"slug": ["a"], "name": "A", "externalId": 5},
            {"slug": "b", "name": {}, "externalId": {"id": ["x"], "source": "s"}, "oldSlugs": 7},
            {"slug": "c", "externalId": "z"},
        ]
    )
    file = shell.write("courses.csv", "id,title,category\n1,Heat,B\n2,Light,New\n")
    assert shell.ok("import", "courses", file, "--source", "s")["created"] == 2
    assert [course["categorySlug"] for course in shell.all("courses")] == ["b", "new"]


def test_a_damaged_reference_does_not_stop_an_export(shell: Shell) -> None:
    shell.database["reviews"].insert_many(
        [{"courseId": {"a": 1}, "body": "x"}, {"courseId": [1], "body": "y"}]
    )
    file = shell.directory / "reviews.ndjson"
    result = shell.run("export", "reviews", file)
    assert result.exit_code == 0, result.output
    assert file.read_text().count('"course":null') == 2


def test_damaged_courses_do_not_stop_an_import(shell: Shell) -> None:
    shell.database["courses"].insert_many(
        [{"slug": "x", "codes": [["C1"], {"a": 1}, "C1"], "oldSlugs": 5}, {"slug": ["C1"], "codes": "C1"}]
    )
    file = shell.write("courses.csv", "id,title,prerequisites\n1,Heat,C1\n")
    assert shell.ok("import", "courses", file, "--source", "s")["created"] == 1
