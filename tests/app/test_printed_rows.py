"""The tables of commands that list something, on terminals of several widths."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from app.commands.tables import Row, printed_rows, show_rows, show_values

ID = "6b0bb3776fa2f7245fc061ae"
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ROW: Row = {
    "id": ID,
    "event": "course_run.cancelled",
    "lastSeen": AT,
    "text": "some words " * 6,
    "next": None,
}


def printed(
    monkeypatch: pytest.MonkeyPatch, width: int, *rows: Row, details: tuple[str, ...] = ()
) -> list[str]:
    """Returns the lines that are printed on a terminal of some width."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(printed_rows, "Console", lambda: console)
    show_rows(rows, "nothing", in_json=False, details=details)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [200, 100, 80])
def test_ids_and_words_stay_whole(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = printed(monkeypatch, width, ROW, ROW)
    assert lines[0].split() == ["id", "event", "last", "seen", "text"]
    assert sum(ID in line and "course_run.cancelled" in line for line in lines) == 2
    assert max(map(len, lines)) <= width


def test_headings_give_way_before_values(monkeypatch: pytest.MonkeyPatch) -> None:
    row: Row = {"id": ID, "failedAttempts": 2, "lastSeen": AT, "text": "some words"}
    lines = printed(monkeypatch, 66, row)
    assert lines[-1].split() == [ID, "2", "2026-03-02", "09:30", "some", "words"]


def test_a_column_without_values_or_with_details_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "next" not in printed(monkeypatch, 200, ROW)[0]
    assert "2026-03-02 09:30" in printed(monkeypatch, 200, {**ROW, "next": AT})[1]
    assert "event" not in printed(monkeypatch, 200, ROW, details=("event",))[0]


def test_a_narrow_terminal_has_a_block_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(
        monkeypatch, 50, ROW, {"id": ID, "event": None, "lastSeen": None, "text": "", "next": None}
    )
    assert lines[:3] == [f"id         {ID}", "event      course_run.cancelled", "last seen  2026-03-02 09:30"]
    assert lines[-2:] == ["", f"id         {ID}"]


def test_a_long_word_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 80, {"id": ID, "url": "https://example.org/" + "x" * 100})
    assert max(map(len, lines)) <= 80
    assert "".join(lines).count("x") == 101


def test_the_values_of_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    show_values({"id": ID, "lastSeen": AT, "next": None})
    assert capsys.readouterr().out == f"id         {ID}\nlast seen  2026-03-02 09:30\n"
