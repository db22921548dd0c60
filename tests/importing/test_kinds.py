"""Files that aren't plain text: what they are is told, or they are read."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from app.importing.files import Row, SourceError, open_source
from app.terminal import printable
from tests.importing.shell import Shell

CSV = b"id,title\n1,A\n2,B\n"


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(CSV)
        archive.addfile(member, io.BytesIO(CSV))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (bz2.compress(CSV), "compressed with bzip2; unpack it"),
        (lzma.compress(CSV), "compressed with xz; unpack it"),
        (b"\x28\xb5\x2f\xfd" + CSV, "compressed with Zstandard; unpack it"),
        (b"7z\xbc\xaf\x27\x1c" + CSV, "a 7-Zip archive"),
        (b"Rar!\x1a\x07" + CSV, "a RAR archive"),
        (tarred(), "a tar archive"),
        (gzip.compress(tarred()), "a tar archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + CSV, "an old Excel workbook .*; save it as CSV or as .xlsx"),
        (b"%PDF-1.7\n" + CSV, "a PDF document"),
        (b"PAR1" + CSV, "a Parquet file"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"\x89PNG\r\n", "an image"),
        (b"  <!DOCTYPE html>\n<table>", "an HTML page"),
        (b'<?xml version="1.0"?><rows/>', "an XML file"),
        (zipped(a__csv=CSV, b__csv=CSV), "a ZIP archive with a.csv, b.csv; unpack it"),
        (zipped(), "an empty ZIP archive"),
        (
            zipped(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content__xml=b""),
            "an OpenDocument file",
        ),
        (zipped(a__csv__gz=gzip.compress(CSV, mtime=0)), "a.csv.gz is packed twice; unpack it"),
        (b"PK\x03\x04broken", "a ZIP archive that can't be read"),
    ],
)
def test_a_file_that_can_t_be_read_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=what):
        open_source(str(file))


def test_the_only_file_of_an_archive_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file.zip"
    file.write_bytes(zipped(a__csv=CSV, __DS_Store=b"x"))
    source = open_source(str(file))
    rows = [row.values for row in source.rows() if isinstance(row, Row)]
    source.close()
    assert rows == [{"id": "1", "title": "A"}, {"id": "2", "title": "B"}]


def test_control_characters_of_a_file_are_escaped_on_the_terminal(shell: Shell) -> None:
    escape = "\x1b[31m"
    file = shell.write("c.csv", f"id,title,{escape}evil\n1,A{escape},x\n1,B,x\u202e\n")
    result = shell.run("import", "courses", file, "--source", f"s{escape}")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\\x1b[31mevil" in result.stdout
    missing = shell.run("import", "courses", shell.write("d.csv", f"{escape}a,b\nx,y\n"))
    assert "\x1b" not in str(missing.exception)


def test_printable_keeps_letters_and_emoji() -> None:
    assert printable("日本\u3000語 👩\u200d🚀 é") == "日本\u3000語 👩\u200d🚀 é"
    assert printable("a\x00\x1b\u202e\ud800\n") == "a\\x00\\x1b\\u202e\\ud800\\n"


def test_rejects_never_overwrite_what_is_read(shell: Shell) -> None:
    file = shell.write("c.csv", "id,title\n1,\n")
    (shell.directory / "link.csv").symlink_to(file)
    mapping = shell.write("m.toml", '[fields]\nid = "id"\ntitle = "title"\n')
    for rejects in (file, shell.directory / "link.csv", mapping):
        result = shell.run("import", "courses", file, "--source", "s", "--map", mapping, "--rejects", rejects)
        assert result.exit_code == 1
        assert "would overwrite" in str(result.exception)
    assert file.read_text() == "id,title\n1,\n"
    assert mapping.read_text().startswith("[fields]")
