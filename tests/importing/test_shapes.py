"""Tables and JSON in the shapes in which programs write them."""

import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from app.commands.command_error import CommandError
from app.importing.files import Blank, Row, Source, SourceError, Unreadable, open_source
from tests.importing.shell import Shell

TWO = [{"id": 1, "title": "A"}, {"id": 2, "title": "B"}]


def read(file: Path, content: str | bytes, **options: Any) -> tuple[Source, list[Any], list[Unreadable], int]:
    """Returns the source, its rows, what is unreadable, and the number of blank rows."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    source = open_source(str(file), **options)
    parts = list(source.rows())
    source.close()
    rows = [part.values for part in parts if isinstance(part, Row)]
    return (
        source,
        rows,
        [p for p in parts if isinstance(p, Unreadable)],
        sum(isinstance(p, Blank) for p in parts),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "shape",
    [
        {"courses": TWO},
        {"total": 2, "results": TWO},
        {"data": {"page": {"courses": TWO}}},
        {"meta": {"tags": ["a", "b"], "next": None}, "items": TWO},
    ],
)
def test_rows_within_an_object_are_found(file: Path, shape: object, indent: int | None) -> None:
    _, rows, bad, _ = read(file, json.dumps(shape, indent=indent))
    assert (rows, bad) == (TWO, [])


def test_several_lists_within_an_object_need_a_choice(file: Path, shell: Shell) -> None:
    text = json.dumps({"courses": TWO, "people": {"staff": [{"id": 7}]}}, indent=1)
    with pytest.raises(
        SourceError, match=r"several lists: “courses” and “people.staff”; choose one with --rows"
    ):
        read(file, text)
    assert read(file, text, rows="people.staff")[1] == [{"id": 7}]
    with pytest.raises(SourceError, match="there is no list “nobody”"):
        read(file, text, rows="nobody")
    data = shell.write("c.json", text)
    assert shell.ok("import", "courses", data, "--source", "s", "--rows", "courses")["created"] == 2
    mapping = shell.write("m.toml", 'rows = "courses"\n[fields]\nid = "id"\ntitle = "title"\n')
    assert shell.ok("import", "courses", data, "--source", "s", "--map", mapping)["unchanged"] == 2


@pytest.mark.parametrize("text", ['[["id", "title"], [1, "A"]]', "[1, 2]", '[[{"id": 1}]]'])
def test_a_list_of_other_things_than_objects_is_told(file: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"no row can be read; the first one: not a JSON object \("):
        read(file, text)


def test_objects_one_after_another_are_rows(file: Path) -> None:
    text = "\n".join(json.dumps(row, indent=2) for row in TWO)
    assert read(file, text)[1] == TWO
    assert read(file, json.dumps(TWO[0], indent=2))[1] == TWO[:1]


def test_extended_json_of_mongoexport(file: Path) -> None:
    row = (
        '{"_id": {"$oid": "5f1"}, "at": {"$date": "2020-01-31T10:00:00Z"},'
        ' "ms": {"$date": {"$numberLong": "1580464800000"}}, "n": {"$numberInt": "5"},'
        ' "x": {"$numberDouble": "1.5"}, "p": {"$numberDecimal": "9.90"}, "ids": [{"$oid": "a"}]}'
    )
    expected = {
        "_id": "5f1", "at": "2020-01-31T10:00:00Z", "ms": "2020-01-31T10:00:00+00:00", "n": 5, "x": 1.5,
        "p": "9.90", "ids": ["a"],
    }  # fmt: skip
    assert read(file, f"{row}\n{row}\n")[1] == [expected, expected]
    assert read(file, f"[{row},\n{row}]")[1] == [expected, expected]


def test_a_line_or_a_cell_that_is_too_large_is_a_reject(file: Path) -> None:
    large = "x" * (1 << 20)
    for text in (
        f'{{"id": 1}}\n{{"id": "{large}y"}}\n{{"id": 3}}\n',
        f'[{{"id": 1}}, {{"id": "{large}y"}}, {{"id": 3}}]',
        f'{{"id": 1}}\n{{"id": "{large * 9}"}}\n{{"id": 3}}\n',
        f"id,t\n1,a\n2,{large}y\n3,b\n",
        f'id,t\n1,a\n2,"{large}y"\n3,b\n',
        f"id,t\n1,a\n2,{large * 5}\n3,b\n",
    ):
        _, rows, bad, _ = read(file, text)
        assert [str(row["id"]) for row in rows] == ["1", "3"]
        assert len(bad) == 1
        assert len(bad[0].text) <= 1_000


def test_cells_that_a_spreadsheet_keeps_as_text(file: Path) -> None:
    _, rows, _, blank = read(file, 'id,title\n"=""00123""",A\n\'00124,B\n,\n\'quoted\',C\n,\n')
    assert [row["id"] for row in rows] == ["00123", "00124", "'quoted'"]
    assert blank == 2


def test_a_row_of_empty_cells_is_blank_whatever_its_width(file: Path) -> None:
    _, rows, bad, blank = read(file, "id;title\n1;A\n;;;\n \n;\n ; \n2;B\n")
    assert ([row["id"] for row in rows], bad, blank) == (["1", "2"], [], 4)


def test_errors_of_a_spreadsheet_are_no_values(shell: Shell) -> None:
    rows = "id,title,level\n1,A,#NAME?\n#REF!,B,\n3,#VALUE!,\n,,\n"
    result = shell.run("import", "courses", shell.write("c.csv", rows), "--source", "s")
    assert [c["title"] for c in shell.all("courses")] == ["A"]
    assert "  rejected            2\n  blank               1\n" in result.stdout


def test_a_delimiter_that_the_first_line_names(file: Path) -> None:
    assert read(file, "sep=;\nid;title\n1;A, B\n")[1] == [{"id": "1", "title": "A, B"}]


def test_a_backslash_before_a_closing_quote_swallows_no_row(file: Path) -> None:
    text = 'id,text\n1,"The 15\\" screen"\n2,"C:\\dir\\"\n3,"ok"\n4,"say \\"hi\\" now"\n'
    _, rows, bad, _ = read(file, text)
    assert [row["text"] for row in rows] == ['The 15" screen', "C:\\dir\\", "ok", 'say "hi" now']
    assert not bad


HEADLESS = "1101102,Seminar A,2,1.0,Moe\n1101202,Seminar B,2,1.0,Roe\n1101302,Seminar C,3,1.5,Doe\n"


def test_a_table_without_a_header_loses_no_row(shell: Shell) -> None:
    file = shell.write("c.csv", HEADLESS)
    mapping = shell.write("m.toml", '[fields]\nid = "column 1"\ntitle = "column 2"\n')
    result = shell.run("import", "courses", file, "--source", "s", "--map", mapping)
    assert [c["title"] for c in shell.all("courses")] == ["Seminar A", "Seminar B", "Seminar C"]
    assert "assumed: the table has no header" in result.stdout
    by_first_row = shell.write("m.toml", '[fields]\nid = "1101102"\ntitle = "Seminar A"\n')
    assert shell.ok("import", "courses", file, "--source", "s", "--map", by_first_row)["unchanged"] == 3
    with_header = shell.write("m.toml", 'header = true\n[fields]\nid = "1101102"\ntitle = "Seminar A"\n')
    assert shell.ok("import", "courses", file, "--source", "s", "--map", with_header)["read"] == 2


def test_a_table_of_words_without_a_header_needs_to_say_so(shell: Shell) -> None:
    file = shell.write("c.csv", "a,Seminar A\nb,Seminar B\n")
    mapping = shell.write("m.toml", 'header = false\n[fields]\nid = "column 1"\ntitle = "column 2"\n')
    assert shell.ok("import", "courses", file, "--source", "s", "--map", mapping)["created"] == 2
    mapping = shell.write("m.toml", '[fields]\nid = "column 1"\ntitle = "column 2"\n')
    assert (
        shell.ok("import", "courses", file, "--source", "s", "--map", mapping, "--no-header")["unchanged"]
        == 2
    )


@pytest.mark.parametrize(
    "rows",
    [
        "CS101\tIntro\t2020-01-01\nCS102\tNext\t2020-02-01\n",
        "A;Intro;31.12.2020 10:30\nB;Next;1.1.2021\n",
        "Ada,Moe,ada@x.org\nBen,Roe,ben@x.org\n",
        "A,Intro,https://x.org/a\nB,Next,https://x.org/b\n",
        "A;Intro;49 €\nB;Next;12,50 €\n",
    ],
)
def test_a_first_row_with_values_like_those_below_is_no_header(file: Path, rows: str) -> None:
    source, found, _, _ = read(file, rows)
    assert source.columns == ["column 1", "column 2", "column 3"]
    assert len(found) == 2


@pytest.mark.parametrize("header", ["id,2019,2020", "id,title,price"])
def test_a_header_with_numbers_or_above_numbers_is_one(file: Path, header: str) -> None:
    source, rows, _, _ = read(file, f"{header}\nx,A,9\ny,B,8\n")
    assert source.columns == header.split(",")
    assert len(rows) == 2


def workbook(file: Path, *sheets: list[list[Any]]) -> Path:
    book = Workbook()
    for index, rows in enumerate(sheets):
        sheet = book.active if index == 0 else book.create_sheet(f"Sheet {index}")
        assert sheet is not None
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


def test_a_workbook(file: Path) -> None:
    rows: list[list[Any]] = [
        ["Our catalogue"],
        [],
        ["id", "title", "price", "since", "seen"],
        [101, "A", 9.5, date(2020, 1, 31), datetime(2020, 1, 31, 10, 5)],
        [None, None, None],
        ["00102", "B\nC", 12.0, None, None],
        [103, "D", "#N/A", True],
    ]
    source = open_source(str(workbook(file, rows)))
    found = [part.values for part in source.rows() if isinstance(part, Row)]
    source.close()
    assert (source.format, source.part, list(source.skipped)) == (
        "workbook",
        "sheet “Sheet”",
        ["Our catalogue"],
    )
    assert found[0] == {
        "id": 101, "title": "A", "price": 9.5, "since": "2020-01-31", "seen": "2020-01-31 10:05:00",
    }  # fmt: skip
    assert [row["id"] for row in found] == [101, "00102", 103]
    assert found[1]["price"] == 12
    assert (found[2]["price"], found[2]["since"]) == ("#N/A", True)


def test_the_first_sheet_with_rows_is_read_and_told(file: Path) -> None:
    source = open_source(str(workbook(file, [], [["id"], [1]], [["id"], [2]])))
    assert [part.values for part in source.rows() if isinstance(part, Row)] == [{"id": 1}]
    assert source.part == "sheet “Sheet 1” of 3"
    source.close()


def test_a_workbook_is_imported(shell: Shell) -> None:
    file = workbook(shell.directory / "c.xlsx", [["Course ID", "Title", "Fee"], [7, "Statics", "49 €"]])
    shell.ok("import", "courses", file, "--source", "s")
    (course,) = shell.all("courses")
    assert (course["externalId"]["id"], course["price"]) == ("7", {"amountMinor": 4900, "currency": "EUR"})


def test_a_far_cell_costs_little(file: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["B1"], sheet["A2"] = "id", "title", 1
    sheet["XFD1048576"] = "far"
    book.save(file)
    source = open_source(str(file))
    parts = list(source.rows())
    source.close()
    assert isinstance(parts[0], Row)
    assert [part.reason for part in parts if isinstance(part, Unreadable)] == [
        "16,384 cells, but the header has 2"
    ]


def test_a_workbook_that_unpacks_to_too_much_is_refused(file: Path) -> None:
    workbook(file, [["id"], [1]])
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b" " * (30 << 20))
    with pytest.raises(SourceError, match="too large to read; save it as CSV"):
        open_source(str(file))


def test_a_damaged_workbook_is_told(file: Path) -> None:
    content = bytearray(workbook(file, [["id"], [1]]).read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    with pytest.raises(SourceError, match="can't be read"):
        read(file, bytes(content))


@pytest.mark.parametrize("after", [0, 300])
def test_a_workbook_with_an_impossible_cell_is_told(file: Path, shell: Shell, after: int) -> None:
    workbook(file, [["id", "title"], *[[f"c{n}", f"Course {n}"] for n in range(after)]])
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    damaged = b"<row r='9999'><c r='ZZZZZZ9999'><v>1</v></c></row></sheetData>"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", damaged)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    result = shell.run("import", "courses", file, "--source", "s")
    assert result.exit_code == 1
    assert isinstance(result.exception, CommandError)
    assert "can't be read" in str(result.exception)
    assert len(shell.all("courses")) == after
