"""The folders: each has one door and a contract for it, none has too many modules, and the docs name them."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "resolvers", "loaders")
MODULES = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

_EVERYTHING = [
    path for folder in (*PACKAGES, "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
]

#: The roots of resolvers and loaders have a module for each type or kind of document.
MOST_MODULES = {"": 16, "resolvers": 20, "loaders": 18}


def test_each_folder_has_a_contract_for_its_door() -> None:
    contracts = CONFIG["tool"]["importlinter"]["contracts"]
    doors = {own["allowed_importers"][0] for own in contracts if own["type"] == "protected"}
    assert doors == {".".join(folder.parts) for folder in FOLDERS if len(folder.parts) > 1}


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_no_folder_has_too_many_modules(folder: Path) -> None:
    modules = [path for path in MODULES if path.parent == folder and path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES.get(str(folder), MOST_MODULES[""])


@pytest.mark.parametrize("folder", [f for f in FOLDERS if len(f.parts) > 1], ids=str)
def test_each_door_says_what_is_behind_it(folder: Path) -> None:
    text = (ROOT / folder / "__init__.py").read_text("utf-8")
    assert text.startswith('"""')
    assert "__all__" in text


def test_a_name_is_used_once_except_for_one_subject_in_several_layers() -> None:
    """`course.py` resolves and loads courses: two modules of one folder tree never share a name."""
    for package in PACKAGES:
        names = Counter(path.name for path in MODULES if path.parts[0] == package and path.stem != "__init__")
        assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"], ids=str)
def test_the_modules_that_the_docs_name_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"`((?:app|resolvers|loaders|tests|benchmarks|web)/[\w/]*\w\.py)`", text))
    folders = set(re.findall(r"`((?:app|resolvers|loaders|tests|benchmarks)/[\w/]*)/`", text))
    missing = {name for name in named | folders if not (ROOT / name).exists()}
    # In a table or a sentence about one folder, a module is named without the folder.
    shortened = set(re.findall(r"`((?!(?:app|resolvers|loaders|tests|benchmarks|web)/)[\w/]*\w\.py)`", text))
    missing |= {name for name in shortened if not any(str(path).endswith(f"/{name}") for path in _EVERYTHING)}
    # The recipe's new modules, and what a benchmark writes.
    assert missing <= {"loaders/venue.py", "resolvers/venue.py", "benchmarks/results"}


@pytest.mark.parametrize(("subject", "most"), [("Course.reviews", 7), ("createReview", 9)])
def test_two_paths_through_the_code_are_short(subject: str, most: int) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    path = text.partition(f"To understand `{subject}`")[2].partition("\n\n")[2].partition("\n\n")[0]
    files = re.findall(r"^\d+\. `([\w/]+\.py)`", path, re.MULTILINE)
    assert 0 < len(files) <= most
    assert all((ROOT / file).exists() for file in files)
