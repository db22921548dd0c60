"""The help of the commands."""

from collections.abc import Iterator

import typer
from typer.testing import CliRunner

from app import cli


def helps(app: typer.Typer) -> Iterator[tuple[str, str]]:
    """Yields the name and the help of each command."""
    for command in app.registered_commands:
        yield command.callback.__name__ if command.callback else "", command.help or ""
    for group in app.registered_groups:
        if group.typer_instance:
            yield from helps(group.typer_instance)


def test_each_command_has_a_help_whose_paragraphs_are_lines() -> None:
    found = dict(helps(cli.app))
    assert {"check", "list_reviews", "erase"} <= found.keys()
    for name, text in found.items():
        assert text, name
        assert all("\n" not in paragraph for paragraph in text.split("\n\n")), name


def test_a_paragraph_fills_the_lines_of_the_terminal() -> None:
    lines = CliRunner(env={"COLUMNS": "100"}).invoke(cli.app, ["check", "--help"]).stdout.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(" Finds missing fields"))
    assert min(len(line.rstrip()) for line in lines[first : first + 4]) > 80
