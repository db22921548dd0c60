"""docs/deploy.md and the files in deploy/: what they name exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.images import ROOT
from tests.deploy.variables import unknown

PAGE = ROOT / "docs" / "deploy.md"
FILES = [PAGE, *(path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.suffix != ".pyc")]

#: A variable of Compose, and one that Kubernetes would set.
_NO_SETTINGS = {"LECTERN_IMAGE", "LECTERN_PORT"}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_variable_that_is_named_is_a_setting(file: Path) -> None:
    named = set(re.findall(r"\bLECTERN_[A-Z_]*[A-Z]\b", file.read_text("utf-8")))
    assert unknown(dict.fromkeys(named - _NO_SETTINGS)) == set()


def test_every_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`(deploy/[\w./-]+)`|\((\.\./deploy/[\w./-]+)\)", PAGE.read_text("utf-8"))
    assert len(named) > 6
    paths = [PAGE.parent / (link or f"../{path}") for path, link in named]
    assert [path for path in paths if not path.exists() and path.parent.name != "secrets"] == []


def test_the_page_has_every_option_of_the_build() -> None:
    command = [sys.executable, str(ROOT / "deploy" / "image" / "build.py"), "--help"]
    help_ = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^  (--[a-z]+)", help_, re.MULTILINE))
    assert set(re.findall(r"^\| `(--[a-z]+)`", PAGE.read_text("utf-8"), re.MULTILINE)) == options
