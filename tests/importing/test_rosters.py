"""Files as learning management systems and review sites export them, without a mapping."""

import pytest

from app.importing.importable_fields import Importable
from app.importing.mapping import MappingError, infer_mapping
from tests.importing.shell import Shell


@pytest.fixture
def catalogue(shell: Shell) -> Shell:
    shell.ok("import", "courses", shell.write("courses.csv", "id,title\nc1,Statics\n"), "--source", "s")
    return shell


@pytest.mark.parametrize(
    ("roster", "names"),
    [
        # Moodle
        (
            "username,firstname,lastname,email\nada,Ada,Moe,a@x.org\nnull,Jo,Null,j@x.org\ncher,Cher,,c@x.org\n",
            ["Ada Moe", "Jo Null", "Cher"],
        ),
        # Canvas
        (
            "canvas_user_id,user_id,login_id,first_name,last_name,full_name,sortable_name,email,status\n"
            '1,u1,ada,Ada,Moe,Ada Moe,"Moe, Ada",a@x.org,active\n'
            '2,u2,ben,Ben,Roe,Ben Roe,"Roe, Ben",b@x.org,deleted\n',
            ["Ada Moe"],
        ),
        # OneRoster
        (
            "sourcedId,status,enabledUser,role,username,givenName,familyName,middleName,email\n"
            "1,active,true,student,ada,Ada,Moe,Jo,a@x.org\n2,active,true,teacher,ben,Ben,Roe,,b@x.org\n"
            "3,tobedeleted,true,student,cy,Cy,Doe,,c@x.org\n",
            ["Ada Jo Moe"],
        ),
        # Clever
        (
            "School_id,Student_id,Student_number,Last_name,Middle_name,First_name,Student_email\n"
            "9,s1,7,Moe,,Ada,a@x.org\n",
            ["Ada Moe"],
        ),
        # Google Classroom
        ("Last Name,First Name,Email Address\nMoe,Ada,a@x.org\n", ["Ada Moe"]),
    ],
    ids=["moodle", "canvas", "oneroster", "clever", "classroom"],
)
def test_a_roster_s_students_have_their_names(shell: Shell, roster: str, names: list[str]) -> None:
    shell.ok("import", "students", shell.write("s.csv", roster), "--source", "s")
    assert sorted(s["name"] for s in shell.all("students")) == sorted(names)
    assert all(s["email"] for s in shell.all("students"))


def test_teachers_and_deleted_rows_are_no_enrolments(catalogue: Shell) -> None:
    catalogue.ok(
        "import", "students", catalogue.write("s.csv", "id,name\nu1,Ada\nu2,Ben\nu3,Cy\n"), "--source", "s"
    )
    rows = (
        "course_id,user_id,role,status\nc1,u1,student,active\nc1,u2,teacher,active\nc1,u3,student,deleted\n"
    )
    result = catalogue.run("import", "enrollments", catalogue.write("e.csv", rows), "--source", "s")
    assert [e["externalId"]["id"] for e in catalogue.all("enrollments")] == ["c1-u1"]
    assert "left out: role is “teacher”" in result.stdout
    assert "left out: status is “deleted”" in result.stdout
    assert " rejected                       0\n" in result.stdout


def test_a_roster_of_teachers_enrols_nobody(catalogue: Shell) -> None:
    rows = "course_id,user_id,role,status\nc1,u1,teacher,active\nc1,u2,teacher,active\n"
    result = catalogue.run("import", "enrollments", catalogue.write("e.csv", rows), "--source", "s")
    assert result.exit_code == 0, result.exception
    assert "  left out: role is “teacher”  2\n" in result.stdout
    assert catalogue.all("enrollments") == []


def test_the_roles_of_other_languages(catalogue: Shell) -> None:
    catalogue.ok("import", "students", catalogue.write("s.csv", "id,name\nu1,A\nu2,B\n"), "--source", "s")
    for number, (student, teacher) in enumerate(
        [("学生", "教師"), ("Schüler", "Lehrer"), ("студент", "учитель")]
    ):
        rows = f"id,course_id,user_id,role\n{number},c1,u1,{student}\n{number + 10},c1,u2,{teacher}\n"
        result = catalogue.ok("import", "enrollments", catalogue.write("e.csv", rows), "--source", "s")
        assert result[f"left out: role is “{teacher}”"] == 1


def test_unknown_roles_are_told(shell: Shell) -> None:
    rows = "id,name,role\n1,Ada,5\n2,Ben,3\n"
    result = shell.run("import", "students", shell.write("s.csv", rows), "--source", "s")
    assert "not imported: role: has no known role, so all rows are imported" in result.stdout


@pytest.mark.parametrize(
    ("column", "deleted", "kept"),
    [
        ("is_deleted", "TRUE", "false"),
        ("deleted", "1", "0"),
        ("deleted_at", "2020-01-31", ""),
        ("state", "Deleted", "ok"),
    ],
)
def test_rows_that_are_marked_as_deleted_are_left_out(
    shell: Shell, column: str, deleted: str, kept: str
) -> None:
    rows = f"id,name,{column}\n1,Ada,{kept}\n2,Ben,{deleted}\n3,Cy,{kept}\n"
    shell.ok("import", "students", shell.write("s.csv", rows), "--source", "s")
    assert [s["name"] for s in shell.all("students")] == ["Ada", "Cy"]
    rows = f"id,title,{column}\n1,Statics,{kept}\n2,Heat,{deleted}\n"
    shell.ok("import", "courses", shell.write("c.csv", rows), "--source", "s")
    assert [c["title"] for c in shell.all("courses")] == ["Statics"]


@pytest.mark.parametrize(
    ("roster", "names"),
    [
        ("first_name,last_name\nAda,NULL\nN/A,Roe\n-,Doe\n", ["Ada", "Roe", "Doe"]),
        ("first_name,last_name\nAda,None\nJo,Null\n", ["Ada None", "Jo Null"]),
        ("first_name,age\nAda,7\nBen,8\n", ["Ada", "Ben"]),
        ("last_name,age\nMoe,7\nRoe,8\n", ["Moe", "Roe"]),
        ("name,surname\nAda,Moe\nBen,Roe\n", ["Ada Moe", "Ben Roe"]),
        ("name,surname\nAda Moe,Moe\nBen Roe,Roe\n", ["Ada Moe", "Ben Roe"]),
        ("fname,lname\nAda,Moe\n", ["Ada Moe"]),
        ("imię,nazwisko\nAda,Moe\n", ["Ada Moe"]),
        ("nom,prénom\nMoe,Ada\n", ["Ada Moe"]),
    ],
)
def test_names_in_parts(shell: Shell, roster: str, names: list[str]) -> None:
    header, *rows = roster.splitlines()
    text = "\n".join([f"id,{header}", *(f"{number},{row}" for number, row in enumerate(rows))])
    shell.ok("import", "students", shell.write("s.csv", text), "--source", "s")
    assert [s["name"] for s in shell.all("students")] == names


def test_a_surname_that_is_also_a_sentinel_is_told(shell: Shell) -> None:
    file = shell.write("s.csv", "id,firstname,lastname\n1,Jo,Null\n")
    assert (
        "assumed: name: “Null” is a name (sentinels)"
        in shell.run("import", "students", file, "--source", "s").stdout
    )


def test_a_type_that_is_no_role_leaves_nothing_out(shell: Shell) -> None:
    rows = "id,name,type\n1,Ada,premium\n2,Ben,basic\n"
    assert shell.ok("import", "students", shell.write("s.csv", rows), "--source", "s")["created"] == 2


def test_a_student_s_reviews_of_one_course_are_told_apart_by_their_dates(catalogue: Shell) -> None:
    rows = (
        "courseid,userid,rating,comment,date\n"
        "c1,u1,5,ok,2020-01-01\nc1,u1,4,no,2020-02-01\nc1,u2,3,hm,2020-01-01\n"
    )
    file = catalogue.write("r.csv", rows)
    assert catalogue.ok("import", "reviews", file, "--source", "s")["created"] == 3
    assert catalogue.ok("import", "reviews", file, "--source", "s")["unchanged"] == 3


def test_the_headers_of_scraped_reviews(catalogue: Shell) -> None:
    rows = (
        "reviews,reviewers,date_reviews,rating,course_id\n"
        "Good,Ada M,2019-05-04,5,c1\nOk,Ben R,2019-08-09,4,c1\n"
    )
    assert catalogue.ok("import", "reviews", catalogue.write("r.csv", rows), "--source", "s")["created"] == 2
    assert {r["body"] for r in catalogue.all("reviews")} == {"Good", "Ok"}


def test_the_author_is_named_if_that_is_what_is_missing() -> None:
    columns = ["text", "course_id", "rating"]
    with pytest.raises(MappingError, match=r"no column looks like “student”, .* when there is no id column"):
        infer_mapping("reviews", columns, [{"text": "a", "course_id": "c1", "rating": 5}])


def test_a_code_called_course_is_no_title_beside_a_title(shell: Shell) -> None:
    rows = "Course,Course Title,Credits\nAAS 100,Intro Asian Studies,3\nACE 240,Personal Finance,3\n"
    shell.ok("import", "courses", shell.write("c.csv", rows), "--source", "s")
    assert [(c["externalId"]["id"], c["title"], c["codes"]) for c in shell.all("courses")] == [
        ("AAS 100", "Intro Asian Studies", ["AAS 100"]),
        ("ACE 240", "Personal Finance", ["ACE 240"]),
    ]


@pytest.mark.parametrize(
    ("collection", "column", "value", "field"),
    [
        ("courses", "id number", "1", "id"),
        ("courses", "sourcedId", "1", "id"),
        ("courses", "Course_number", "A 1", "codes"),
        ("courses", "courseNameEn", "A", "title"),
        ("courses", "long_name", "A", "title"),
        ("courses", "fullname", "A", "title"),
        ("courses", "n_enrolled", "5.3k", "students"),
        ("courses", "course_students_enrolled", "17k", "students"),
        ("courses", "course_length", "6 weeks", "durationDays"),
        ("courses", "facultyName", "Ada", "instructors"),
        ("courses", "Lecturer", "Ada", "instructors"),
        ("courses", "Primary Instructor", "Ada", "instructors"),
        ("students", "idnumber", "1", "id"),
        ("students", "Student_email", "a@x.org", "email"),
        ("students", "Email address", "a@x.org", "email"),
        ("students", "signup_date", "2020-01-02", "joinedAt"),
        ("reviews", "rating_id", "1", "id"),
        ("reviews", "Review Date", "2020-01-02", "createdAt"),
        ("enrollments", "Section_id", "A", "course"),
        ("enrollments", "enrollment_date", "2020-01-02", "enrolledAt"),
    ],
)
def test_headers_of_real_files(collection: Importable, column: str, value: str, field: str) -> None:
    row = {"key": "1", "name": "A", "module": "A", "learner": "B"}
    row = {
        k: v
        for k, v in row.items()
        if (field, k) not in {("id", "key"), ("title", "name"), ("course", "module")}
    }
    row[column] = value
    assert infer_mapping(collection, list(row), [row]).fields[field].selection.columns == (column,)
