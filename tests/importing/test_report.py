"""What a dry run and an import print."""

import tomllib

import pytest

from tests.importing.shell import Shell

ROWS = "id,title,length,fee,colour\n1,A,2,$5,red\n"


def printed(shell: Shell, rows: str, *options: str) -> list[str]:
    file = shell.write("c.csv", rows)
    return shell.run("import", "courses", file, "--source", "s", *options).stdout.splitlines()


def test_an_assumption_is_printed_once_and_its_brackets_are_explained(shell: Shell) -> None:
    for options in (("--dry-run",), ()):
        lines = printed(shell, ROWS, *options)
        assumed = [line for line in lines if line.startswith("assumed: ")]
        assert assumed == [
            "assumed: durationDays: days, for numbers without a unit (unit)",
            "assumed: price: “$” is USD (currency)",
        ]
        assert lines[lines.index(assumed[-1]) + 1].startswith("in brackets: the option to change")


def test_numbers_agree_with_their_nouns(shell: Shell) -> None:
    lines = printed(shell, "A catalogue\n" + ROWS, "--dry-run")
    assert "skipped above the header: 1 line" in lines
    assert any(line.startswith("1 row in ") for line in lines)
    lines = printed(shell, ROWS + "2,B,2,$5,red\n", "--dry-run")
    assert any(line.startswith("2 rows in ") for line in lines)


def test_a_dry_run_says_what_to_do_next_and_an_import_does_not(shell: Shell) -> None:
    lines = printed(shell, ROWS, "--dry-run")
    assert any("dry run: nothing was written, this is what an import would do" in line for line in lines)
    assert lines[-2:] == [
        "next: if this is right, run the command again without --dry-run",
        "otherwise: save what --print-map prints in a file, edit it, and add --map and the file",
    ]
    assert not any(line.startswith("next: ") for line in printed(shell, ROWS))
    mapping = shell.write("m.toml", '[fields]\nid = "id"\ntitle = "title"\n')
    lines = printed(shell, ROWS, "--dry-run", "--map", str(mapping))
    assert lines[-1].startswith("next: ")
    assert "not imported (not in the mapping): length, fee, colour" in lines


def test_the_columns_of_the_mapping_are_named_and_a_price_is_shown_as_one(shell: Shell) -> None:
    lines = printed(shell, ROWS, "--dry-run")
    assert lines[1].split() == ["column", "field", "normaliser", "example", "becomes"]
    assert any(line.split()[:2] == ["fee", "price"] and line.endswith("  5.00 USD") for line in lines)
    assert "not imported (the name is not known): colour" in lines


def test_parts_of_a_name_are_shown_with_a_plus(shell: Shell) -> None:
    file = shell.write("s.csv", "id,firstname,lastname\n1,Ada,Moe\n")
    assert "  firstname + lastname  name " in shell.run("import", "students", file, "--source", "s").stdout


def test_each_column_that_is_not_imported_has_its_reason(shell: Shell) -> None:
    lines = printed(shell, "id,title,name,level,colour\n1,A,B,,red\n2,B,C,n/a,blue\n", "--dry-run")
    assert [line for line in lines if line.startswith("not imported")] == [
        "not imported (its field comes from another column): name",
        "not imported (no value in the first 2 rows): level",
        "not imported (the name is not known): colour",
    ]


def test_rows_that_refer_to_what_is_not_there_have_advice(shell: Shell) -> None:
    file = shell.write("r.csv", "id,course,rating\n1,c1,5\n")
    lines = shell.run("import", "reviews", file, "--source", "s", "--dry-run").stdout.splitlines()
    assert any(line.startswith("courses and students come first: ") for line in lines)
    assert (
        "next: look at the rejected row; if the rest is right, run the command again without --dry-run"
        in lines
    )


def test_a_terminal_gets_no_markup_of_the_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = shell.write("c.csv", "id,title,:key:\n1,\\[/red]x,2\n")
    result = shell.run("import", "courses", file, "--source", "s", "--dry-run")
    assert result.exception is None
    assert "\\[/red]x" in result.stdout
    assert ":key:" in result.stdout


def test_a_printed_line_is_toml_whatever_its_column_is_called(shell: Shell) -> None:
    columns = ["Ge\u00adb\u00fchr", "a\u202eb", "c\x85d"]
    file = shell.write("c.csv", f"id,title,{','.join(columns)}\n1,A,2,3,4\n")
    printed = shell.run("import", "courses", file, "--source", "s", "--print-map").stdout
    assert "\u202e" not in printed
    (line,) = (line.removeprefix("# ") for line in printed.splitlines() if line.startswith("# price = "))
    assert tomllib.loads(line)["price"]["column"] == columns[0]


def test_half_a_surrogate_pair_in_a_name_does_no_harm(shell: Shell) -> None:
    file = shell.write("c.ndjson", '{"id": 1, "title": "A", "fee\\ud800": 3}\n')
    for option in ("--print-map", "--dry-run"):
        assert shell.run("import", "courses", file, "--source", "s", option).exception is None
