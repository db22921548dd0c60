"""Mappings that join, look up, leave out and print."""

import tomllib

import pytest

from tests.importing.shell import Shell

ROSTER = (
    "username,firstname,lastname,email\nada,Ada,Moe,ada@example.org\nnull,Jo,Null,jo@example.org\n"
    "cher,Cher,,cher@example.org\n"
)


def test_a_join_can_skip_missing_parts_and_keep_sentinels(shell: Shell) -> None:
    mapping = shell.write(
        "m.toml",
        '[fields]\nid = "email"\nname = { join = ["firstname", "lastname"], with = " ", skip_empty = true,'
        " sentinels = false }\n",
    )
    shell.ok("import", "students", shell.write("s.csv", ROSTER), "--source", "s", "--map", mapping)
    assert [s["name"] for s in shell.all("students")] == ["Ada Moe", "Cher", "Jo Null"]


def test_joined_ids_do_not_collide(shell: Shell) -> None:
    mapping = shell.write("m.toml", '[fields]\nid = { join = ["a", "b"] }\ntitle = "title"\n')
    rows = "a,b,title\nx-y,z,One\nx,y-z,Two\nx,y,Three\n"
    assert (
        shell.ok("import", "courses", shell.write("c.csv", rows), "--source", "s", "--map", mapping)[
            "created"
        ]
        == 3
    )
    assert [c["externalId"]["id"] for c in shell.all("courses")] == ["x-y", "x-y\\-z", "x\\-y-z"]


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ('role = ["student"]', ["Ada"]),
        ('role = "Student"', ["Ada"]),
        ('role = { not = ["teacher"] }', ["Ada", "Cy"]),
    ],
)
def test_where_leaves_rows_out_and_tells(shell: Shell, where: str, left: list[str]) -> None:
    mapping = shell.write("m.toml", f'[where]\n{where}\n[fields]\nid = "id"\nname = "name"\n')
    rows = "id,name,role\n1,Ada,Student\n2,Ben,Teacher\n3,Cy,\n"
    result = shell.run("import", "students", shell.write("s.csv", rows), "--source", "s", "--map", mapping)
    assert sorted(s["name"] for s in shell.all("students")) == left
    assert "left out: role is “Teacher”" in result.stdout


def test_the_first_of_repeated_rows_can_win_without_rejects(shell: Shell) -> None:
    mapping = shell.write("m.toml", 'repeated = "first"\n[fields]\nid = "id"\nname = "name"\n')
    file = shell.write("s.csv", "id,name\n1,Ada\n1,Grace\n2,Ben\n")
    counts = shell.ok("import", "students", file, "--source", "s", "--map", mapping)
    assert (counts["created"], counts["duplicate"], counts["rejected"]) == (2, 1, 0)
    assert [s["name"] for s in shell.all("students")] == ["Ada", "Ben"]


def test_a_lookup_table_can_be_in_a_file(shell: Shell) -> None:
    shell.write("people.csv", "key,full name\n7,Ada Moe\n7,Other\n8,\n")
    mapping = shell.write(
        "m.toml",
        '[fields]\nid = "id"\nname = { column = "who", lookup = "people" }\n'
        '[lookups.people]\nfile = "people.csv"\nkey = "key"\nvalue = "full name"\n',
    )
    file = shell.write("s.csv", "id,who\n1,7\n2,8\n3,9\n")
    shell.ok("import", "students", file, "--source", "s", "--map", mapping)
    assert [s["name"] for s in shell.all("students")] == ["Ada Moe", "Anonymous student", "9"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("people.csv", "nobody.csv"), "No such file"),
        (("full name", "name"), "has no column “name”; it has key, full name"),
    ],
)
def test_a_lookup_file_that_can_t_be_used_is_an_error(
    shell: Shell, change: tuple[str, str], reason: str
) -> None:
    shell.write("people.csv", "key,full name\n7,Ada Moe\n")
    text = (
        '[fields]\nid = "id"\nname = { column = "who", lookup = "people" }\n'
        '[lookups.people]\nfile = "people.csv"\nkey = "key"\nvalue = "full name"\n'
    )
    mapping = shell.write("m.toml", text.replace(*change))
    result = shell.run(
        "import", "students", shell.write("s.csv", "id,who\n1,7\n"), "--source", "s", "--map", mapping
    )
    assert result.exit_code == 1
    assert reason in str(result.exception)


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ('unit = "fortnights"', "fields.durationDays.unit: must be one of “minutes”, “hours”, “days”"),
        ("hours_per_day = 0", "fields.durationDays.hours_per_day: must be a number above 0"),
        ("hours_per_day = inf", "fields.durationDays.hours_per_day: must be a number above 0"),
        ('hours_per_day = "8"', "fields.durationDays.hours_per_day: must be a number above 0"),
        ('decimal = "x"', "fields.durationDays.decimal: must be one of “.”, “,”"),
        ('as = "price", currency = "EURO"', "fields.durationDays.currency: ISO 4217 has no currency “EURO”"),
        ('as = "date", format = "%Q"', "fields.durationDays.format: 'Q' is a bad directive in format '%Q'"),
        (
            'as = "date", format = "%Y %Y"',
            "fields.durationDays.format: can't be used: it has the same directive twice",
        ),
        ('as = "date", day_first = "yes"', "fields.durationDays.day_first: must be true or false"),
        ('as = "stars", scale = 7', "fields.durationDays.scale: must be one of 0, 5, 10, 100"),
        ("skip_empty = 1", "fields.durationDays.skip_empty: must be true or false"),
    ],
)
def test_an_option_is_checked_before_anything_is_read(shell: Shell, option: str, reason: str) -> None:
    mapping = shell.write(
        "m.toml", f'[fields]\nid = "id"\ntitle = "id"\ndurationDays = {{ column = "length", {option} }}\n'
    )
    result = shell.run(
        "import", "courses", shell.write("c.csv", "id,length\n1,2\n"), "--source", "s", "--map", mapping
    )
    assert result.exit_code == 1
    assert reason in str(result.exception)
    assert shell.all("courses") == []


def test_a_printed_mapping_imports_what_the_guess_imports(shell: Shell) -> None:
    rows = (
        "Course,Course Title,Fee,Length,Taught by,Rating,Remark\n"
        'AAS 100,"Intro",$20,6 weeks,"Moe, Ada",4.7 (55),x\nACE 240,Finance,30,8,"Roe, Ben",4.5 (20),y\n'
    )
    file = shell.write("c.csv", rows)
    printed = shell.run("import", "courses", file, "--source", "s", "--print-map")
    assert printed.exit_code == 0
    assert shell.all("courses") == []
    document = tomllib.loads(printed.stdout)
    assert document["fields"]["durationDays"] == {"column": "Length", "unit": "weeks", "invalid": "null"}
    assert "# assumed: weeks, for numbers without a unit" in printed.stdout
    assert "# Remark" in printed.stdout
    shell.ok("import", "courses", file, "--source", "s")
    counts = shell.ok("import", "courses", file, "--map", shell.write("m.toml", printed.stdout))
    assert counts["unchanged"] == 2


def test_a_roster_s_printed_mapping_can_be_read(shell: Shell) -> None:
    roster = ROSTER.replace("email\n", "email,role\n").replace(".org\n", ".org,student\n")
    printed = shell.run("import", "students", shell.write("s.csv", roster), "--source", "s", "--print-map")
    shell.ok("import", "students", shell.directory / "s.csv", "--map", shell.write("m.toml", printed.stdout))
    assert [s["name"] for s in shell.all("students")] == ["Ada Moe", "Cher", "Jo Null"]


def test_a_printed_mapping_has_a_line_for_each_required_field_without_a_column(shell: Shell) -> None:
    file = shell.write("c.csv", "Foo,Bar\nStatics,a\nHeat,b\n")
    printed = shell.run("import", "courses", file, "--source", "s", "--print-map")
    assert printed.exit_code == 0
    assert '\n# title = "Foo"\n' in printed.stdout
    assert '\n# id = { column = "Foo", as = "slug" }\n' in printed.stdout
    as_it_is = shell.run("import", "courses", file, "--map", shell.write("m.toml", printed.stdout))
    assert "“id” is missing" in str(as_it_is.exception)
    completed = printed.stdout.replace("# title =", "title =").replace("# id =", "id =")
    assert shell.ok("import", "courses", file, "--map", shell.write("m.toml", completed))["created"] == 2
    assert [c["title"] for c in shell.all("courses")] == ["Heat", "Statics"]


def test_the_message_about_a_missing_column_has_the_lines_to_write(shell: Shell) -> None:
    file = shell.write("c.csv", "Foo,Bar\nStatics,a\n")
    message = str(shell.run("import", "courses", file, "--source", "s", "--dry-run").exception)
    assert (
        "no column looks like “title”, which is required to import courses. The columns are: Foo, Bar"
        in message
    )
    assert '\n  title = "Foo"\n  id = { column = "Foo", as = "slug" }' in message
    assert "--print-map" in message


@pytest.mark.parametrize(
    ("collection", "header", "row", "lines"),
    [
        ("students", "Foo,Country", "a,DE", ['id = "Foo"']),
        ("reviews", "Foo,Bar", "a,5", ['course = "Foo"', 'id = { join = ["Foo", "Bar"], with = "-" }']),
        ("reviews", "course,Bar", "a,x", ['id = { join = ["course", "Bar"], with = "-" }']),
        (
            "courseRuns",
            "course,start date",
            "a,01/02/2026",
            [
                'startsAt = { column = "start date", day_first = true }',
                'id = { join = ["course", "start date"], with = "-" }',
            ],
        ),
        ("instructors", "Foo", "a", ['name = "Foo"', 'id = { column = "Foo", as = "line" }']),
        ("categories", "Foo", "a", ['name = "Foo"', 'id = { column = "Foo", as = "slug" }']),
    ],
)
def test_the_lines_of_each_collection(
    shell: Shell, collection: str, header: str, row: str, lines: list[str]
) -> None:
    file = shell.write("c.csv", f"{header}\n{row}\n")
    printed = shell.run("import", collection, file, "--source", "s", "--print-map").stdout
    assert [line[2:] for line in printed.splitlines() if line.startswith("# ") and " = " in line][
        : len(lines)
    ] == lines
    message = str(shell.run("import", collection, file, "--source", "s").exception)
    assert "".join(f"\n  {line}" for line in lines) in message


def test_a_column_that_is_left_out_has_a_line_that_imports_it(shell: Shell) -> None:
    file = shell.write("c.csv", "id,title,fee\n1,A,300\n")
    printed = shell.run("import", "courses", file, "--source", "s", "--print-map").stdout
    assert printed.endswith('\n# price = { column = "fee", currency = "EUR", invalid = "null" }\n')
    completed = printed.replace("# price =", "price =")
    shell.ok("import", "courses", file, "--map", shell.write("m.toml", completed))
    assert shell.all("courses")[0]["price"] == {"amountMinor": 30_000, "currency": "EUR"}


def test_the_currency_of_each_row_can_be_in_another_column(shell: Shell) -> None:
    file = shell.write("c.csv", "id,title,fee,curr\n1,A,100,EUR\n2,B,100,JPY\n")
    text = (
        '[fields]\nid = "id"\ntitle = "title"\nprice = { column = "fee", currency = { column = "curr" } }\n'
    )
    shell.ok("import", "courses", file, "--source", "s", "--map", shell.write("m.toml", text))
    assert [c["price"] for c in shell.all("courses")] == [
        {"amountMinor": 10_000, "currency": "EUR"},
        {"amountMinor": 100, "currency": "JPY"},
    ]


def test_the_message_about_a_missing_column_says_what_was_assumed_about_the_file(shell: Shell) -> None:
    file = shell.write("d.csv", "1,Statics\n2,Heat\n3,Light\n")
    message = str(shell.run("import", "courses", file, "--source", "s").exception)
    assert "\nassumed: the table has no header (header = true in a mapping)\n" in message
