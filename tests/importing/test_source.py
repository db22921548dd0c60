import codecs
import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.files import delimited
from app.importing.files.rows import Blank, Cells, Row, SourceError, Unreadable
from app.importing.files.source import open_source

PLAIN = "id,title\n1,Café Ökonomie\n2,“Quoted”\n"


def read(path: Path, content: bytes | str) -> tuple[list[Cells], list[Unreadable]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = open_source(str(path))
    found = list(source.rows())
    source.close()
    return [r.values for r in found if isinstance(r, Row)], [r for r in found if isinstance(r, Unreadable)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.encode("cp1252"),
        gzip.compress(PLAIN.encode(), mtime=0),  # no timestamp, so that each worker has the same test id
        gzip.compress(PLAIN.encode("utf-16"), mtime=0),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
    ],
)
def test_encodings_compression_and_dialects(file: Path, content: bytes) -> None:
    rows, bad = read(file, content)
    assert rows == [{"id": "1", "title": "Café Ökonomie"}, {"id": "2", "title": "“Quoted”"}]
    assert not bad


def test_a_stray_byte_of_cp1252_in_utf_8(file: Path) -> None:
    content = "id,title\n" + "1,é\n" * 100_000
    rows, _ = read(file, content.encode() + b"2,\x93quoted\x94\n")
    assert rows[-1] == {"id": "2", "title": "“quoted”"}


def test_lines_above_the_header_are_skipped(file: Path) -> None:
    rows, bad = read(file, "Our catalogue 2024,,\n\nexported on Monday\nid,title,price\n1,A,3\n2,B,4\n")
    assert rows == [{"id": "1", "title": "A", "price": "3"}, {"id": "2", "title": "B", "price": "4"}]
    assert not bad
    source = open_source(str(file))
    assert source.skipped == ["Our catalogue 2024,,", "", "exported on Monday"]
    source.close()


def test_column_names(file: Path) -> None:
    rows, _ = read(file, ' id\u00a0,"the\ntitle",,id\n1,A,x,9\n')
    assert rows == [{"id": "1", "the\ntitle": "A", "column 3": "x", "id 4": "9"}]


def test_texts_with_line_breaks_and_quotes(file: Path) -> None:
    rows, bad = read(file, 'id,text\n1,"two\nlines, ""quoted"""\n2,5" disk\n')
    assert rows == [{"id": "1", "text": 'two\nlines, "quoted"'}, {"id": "2", "text": '5" disk'}]
    assert not bad


def test_quotes_escaped_by_backslashes(file: Path) -> None:
    rows, _ = read(file, 'id,text\n1,"a \\"b\\", c"\n2,"d"\n')
    assert rows == [{"id": "1", "text": 'a "b", c'}, {"id": "2", "text": "d"}]


@pytest.mark.parametrize(
    "after",
    [
        '2,Fine,3\n3,"Quoted",4\n',
        "2,Fine,3\n3,Plain,4\n",
        '2,"Fine",3\n3,"Two\nlines",4\n',
        '2,"Fine",3\n3,"More",4\n',
    ],
)
def test_an_unclosed_quote_costs_only_its_own_row(file: Path, after: str) -> None:
    rows, bad = read(file, f'id,title,price\n0,First,1\n1,"Broken title,5\n{after}')
    assert [r["id"] for r in rows] == ["0", "2", "3"]
    assert [(b.number, b.line, b.text) for b in bad] == [(2, 3, '1,"Broken title,5')]
    assert "quote" in bad[0].reason


def test_rows_of_the_wrong_width_are_unreadable(file: Path) -> None:
    rows, bad = read(file, "id,title\n1,A\n2,B,C\n3\n4,D,,\n\n5,E\n")
    assert [r["id"] for r in rows] == ["1", "5"]
    assert [(b.number, b.line, b.reason) for b in bad] == [
        (2, 3, "3 cells, but the header has 2"),
        (3, 4, "1 cell, but the header has 2"),
        (4, 5, "4 cells, but the header has 2"),
    ]


def test_a_row_shifted_by_an_unquoted_comma_is_unreadable(file: Path) -> None:
    """Its last cell is empty, so the only extra cell is an empty one."""
    rows, bad = read(file, "id,title,rating,notes\n1,A,4.5 (12),x\n2,B,4.8 (1,204),\n3,C,4.1 (3),\n")
    assert [r["rating"] for r in rows] == ["4.5 (12)", "4.1 (3)"]
    assert [(b.text, b.reason) for b in bad] == [("2,B,4.8 (1,204),", "5 cells, but the header has 4")]


def test_the_header_is_found_if_most_rows_are_shifted_by_an_unquoted_comma(file: Path) -> None:
    rows, bad = read(file, "id,title,rating\n1,A,4.5 (1,012)\n2,B,4.8 (1,204)\n3,C,4.1 (3)\n4,D,4 (1,000)\n")
    assert rows == [{"id": "3", "title": "C", "rating": "4.1 (3)"}]
    assert {b.reason for b in bad} == {"4 cells, but the header has 3"}


def test_a_trailing_delimiter_in_every_row_but_the_header(file: Path) -> None:
    rows, bad = read(file, "id,title\n" + "1,A,\n" * 300 + "2,B,more\n")
    assert rows == [{"id": "1", "title": "A"}] * 300
    assert [b.reason for b in bad] == ["3 cells, but the header has 2"]


def test_right_to_left_and_emoji(file: Path) -> None:
    rows, _ = read(file, "id,title\n1,دورة بايثون\n2,🚀 Rockets\n")
    assert [r["title"] for r in rows] == ["دورة بايثون", "🚀 Rockets"]


def test_ndjson(file: Path) -> None:
    rows, bad = read(file, b'{"id": 1}\n\n{"id": 2, "x": NaN}\n{broken\n[1]\n{"id": "\x93"}\n')
    assert [r["id"] for r in rows] == [1, 2, "“"]
    assert [(b.number, b.line, b.text) for b in bad] == [(3, 4, "{broken"), (4, 5, "[1]")]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array(file: Path, indent: int | None) -> None:
    items = [{"id": n, "text": "x" * (n * 1000 % 90_000)} for n in range(500)]
    rows, bad = read(file, json.dumps(items, indent=indent))
    assert rows == items
    assert not bad


def test_array_items_that_are_not_objects_are_unreadable(file: Path) -> None:
    rows, bad = read(file, '[{"id": 1}, 2, "three", {"id": 4}]')
    assert [r["id"] for r in rows] == [1, 4]
    assert [(b.number, b.text) for b in bad] == [(2, "2"), (3, '"three"')]


def test_a_broken_item_of_an_array_costs_only_its_own_row(file: Path) -> None:
    deep = '{"a":' * 2_000 + "1" + "}" * 2_000
    rows, bad = read(
        file, f'[{{"id": 1}}, nonsense, {{"id": 2, }}, {deep}, {{"id": {"9" * 5_000}}}, {{"id": 3}}]'
    )
    assert [r["id"] for r in rows] == [1, 3]
    assert [(b.number, b.reason) for b in bad] == [
        (2, "not JSON: Expecting value"),
        (3, "not JSON: Expecting property name enclosed in double quotes"),
        (4, "it is nested too deeply"),
        (5, "it has a number with too many digits"),
    ]


def test_an_item_that_is_too_large_to_parse_says_so(file: Path) -> None:
    long = "x" * (17 << 20)
    rows, bad = read(file, f'[{{"id": 1}}, {{"id": 2, "text": "{long}"}}, {{"id": 3}}]')
    assert [r["id"] for r in rows] == [1, 3]
    assert [(b.number, b.reason) for b in bad] == [(2, "it has more than 8,388,608 characters")]


@pytest.mark.parametrize("content", ['[{"id": 1}, {"id": ', '[{"id": 1}'])
def test_a_truncated_array_raises_after_its_rows(file: Path, content: str) -> None:
    items = ", ".join('{"id": 0}' for _ in range(300))
    file.write_text(f"[{items}, {content[1:]}")
    source = open_source(str(file))
    rows = source.rows()
    assert len([next(rows) for _ in range(300)]) == 300
    with pytest.raises(SourceError, match=r"array|JSON text"):
        list(rows)
    source.close()


def test_a_truncated_gzip_file_raises(file: Path) -> None:
    text = "id,title\n" + "".join(f"{n},{hash(str(n))}\n" for n in range(200_000))
    file.write_bytes(gzip.compress(text.encode())[:-1000])
    source = open_source(str(file))
    with pytest.raises(SourceError, match="can't be read to the end"):
        list(source.rows())
    source.close()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]", b"id,title\n"])
def test_a_file_without_rows(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SourceError, match=r"no rows|empty"):
        open_source(str(file))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        open_source(str(tmp_path / "absent.csv"))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(PLAIN.encode()))))
    source = open_source("-")
    assert [row.number for row in source.rows() if isinstance(row, Row)] == [1, 2]
    assert source.size is None
    source.close()


CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=20))
def test_round_trip_of_quoted_csv(table: list[tuple[str, str, str]]) -> None:
    text = "a,b,c\n" + "".join(
        ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' for c in row) + "\n" for row in table
    )
    rows = list(delimited.open_table(io.StringIO(text, newline="")).rows)
    plain = [tuple(map(delimited.plain, row)) for row in table if any(row)]
    assert [tuple(r.values.values()) for r in rows if isinstance(r, Row)] == plain
    assert sum(isinstance(r, Blank) for r in rows) == len(table) - len(plain)
