"""Messages of commands: what they quote can't control the terminal."""

from io import StringIO

import pytest
from rich.console import Console

from app import cli
from app.commands import CommandError
from app.terminal import say


def test_a_message_keeps_its_lines_and_escapes_other_control_characters() -> None:
    console = Console(file=StringIO(), width=20)
    say("a\x1b[31m [b] :smile:\n" + "x" * 30, console)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == "a\\x1b[31m [b] :smile:\n" + "x" * 30 + "\n"


def test_an_error_of_a_command_is_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise CommandError("`\x1b]0;a\x07` is wrong.\nCorrect it.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == "`\\x1b]0;a\\x07` is wrong.\nCorrect it.\n"
