"""Compares docs/import.md with the code: normalisers, fields, sentinels and printed output."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from app.importing.importable_fields import TARGETS
from app.importing.mapping import SENTINELS
from tests.importing.examples import table
from tests.importing.shell import Shell

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "import.md").read_text("utf-8")


def section(title: str) -> str:
    return GUIDE.split(f"# {title}\n")[1].split("\n#")[0]


def test_the_guide_s_table_of_normalisers_is_made_from_the_examples() -> None:
    assert table() in section("Normalisers"), "python -m tests.importing.examples prints the table"


@pytest.mark.parametrize("collection", TARGETS)
def test_the_guide_lists_the_fields(collection: str) -> None:
    listed = section("Fields").split(f"- `{collection}`: ")[1].split("\n- ")[0]
    found = re.findall(r"(\*\*)?`(\w+)`(?:\*\*)?\s+(\w+)", listed)
    targets = next(fields for name, fields in TARGETS.items() if name == collection)
    assert {name: (bool(bold), normaliser) for bold, name, normaliser in found} == {
        name: (target.required, target.normaliser) for name, target in targets.items()
    }


def test_the_guide_lists_the_sentinels() -> None:
    named = re.findall(r"`([^`]+)`", section("Missing values").split("and those that the mapping adds")[0])
    assert {name.casefold() for name in named} == SENTINELS - {""}


def test_the_guide_shows_what_the_commands_print(
    fresh_shell: Callable[[str], Shell], shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shell = fresh_shell("first")
    blocks = [
        block
        for part in re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)
        for block in part.split("$ ")[1:]
    ]
    assert len(blocks) == 8
    for block in blocks:
        command, printed = block.split("\n", 1)
        result = shell.run(*shlex.split(command)[1:])
        assert untimed(result.stdout) == untimed(printed), command


def untimed(text: str) -> str:
    return re.sub(r"rows? in [\d.]+ s", "rows", text).strip()
