"""The docs agree with the product: settings, commands with their options, links and headings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli import app
from app.settings import Settings

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("deploy/**/*.md")]
    if page.name != "CHANGELOG.md"  # it also names what is no longer there
)

_SETTING = re.compile(r"\bLECTERN_[A-Z][A-Z_]*[A-Z]\b")
_COMMAND = re.compile(r"\blectern ((?:[a-z]+ ?)+)([^\n`|]*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def settings() -> set[str]:
    """The names of all settings, as the environment has them."""
    names = {name.upper() for name in Settings.model_fields}
    full = {name if name.startswith("LECTERN_") else f"LECTERN_{name}" for name in names}
    return full | {f"{name}_FILE" for name in full}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_on_a_page_exists(page: Path) -> None:
    unknown = set(_SETTING.findall(page.read_text())) - settings()
    # Kubernetes sets two of these for a service, and one is misspelt to show the warning.
    assert not unknown - {"LECTERN_SERVICE_HOST", "LECTERN_PORT", "LECTERN_MAX_COSTS"}


def commands(text: str) -> Iterator[tuple[list[str], str]]:
    """The commands in a text: the words after `lectern`, and the rest of the line."""
    for words, rest in _COMMAND.findall(text.replace("\\\n", " ")):
        yield words.split(), rest


def named(words: list[str]) -> Any:
    """The command that words begin with, if the first is one."""
    command: Any = get_command(app)
    if words[0] not in command.commands:
        return None
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word not in command.commands:
            raise AssertionError(f"lectern {' '.join(words)}: there is no command {word}")
        command = command.commands[word]
    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_has_the_options_that_the_page_gives_it(page: Path) -> None:
    for words, rest in commands(page.read_text()):
        if (command := named(words)) is None:
            continue
        options = {option for parameter in command.params for option in (*parameter.opts, "--help")}
        options |= {option for parameter in command.params for option in parameter.secondary_opts}
        assert set(_OPTION.findall(rest.partition("|")[0].partition("#")[0])) <= options, (words, rest)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_on_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for path, anchor in _LINK.findall(text):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_can_be_reached_from_the_readme(page: Path) -> None:
    linked: set[Path] = set()
    pending = [REPOSITORY / "README.md"]
    while pending:
        current = pending.pop()
        if current in linked:
            continue
        linked.add(current)
        for path, _ in _LINK.findall(current.read_text()):
            target = (current.parent / path).resolve()
            if path.endswith(".md") and target.exists():
                pending.append(target)
    assert page in linked
