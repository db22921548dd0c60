"""The wheel contains everything that `lectern` needs at run time, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.http import graphiql
from tests.support import missing

ROOT = Path(__file__).parents[1]
WHEEL = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir"]
SOURCE_DISTRIBUTION = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d"]


def test_the_wheel_contains_graphiql_and_the_sample_data(tmp_path: Path) -> None:
    if not (graphiql.STATIC / "index.html").is_file():
        missing("GraphiQL is not built: run `make setup`")
    # Through a source distribution: the wheel lacks what the source distribution leaves out.
    subprocess.run([*SOURCE_DISTRIBUTION, str(tmp_path)], cwd=ROOT, check=True)
    (source,) = tmp_path.glob("lectern-*.tar.gz")
    subprocess.run([*WHEEL, str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("lectern-*.whl")
    names = set(ZipFile(wheel).namelist())
    assert "app/static/index.html" in names
    assert {f"app/static/assets/{p.name}" for p in (graphiql.STATIC / "assets").iterdir()} <= names
    data = ROOT / "app" / "sample" / "data"
    assert {p.relative_to(ROOT).as_posix() for p in data.rglob("*.toml")} <= names
    messages = ROOT / "app" / "delivery" / "messages"
    texts = {p for folder in ("texts", "page") for p in (messages / folder).iterdir()}
    assert {p.relative_to(ROOT).as_posix() for p in texts} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "app",
        "resolvers",
        "loaders",
    }


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout without a build of GraphiQL."""
    folder = tmp_path / "clone"
    unbuilt = shutil.ignore_patterns("static", "node_modules", "__pycache__")
    for name in ("app", "resolvers", "loaders", "web"):
        shutil.copytree(ROOT / name, folder / name, ignore=unbuilt)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.parametrize("command", [[*WHEEL, "dist", "."], [*SOURCE_DISTRIBUTION, "dist"]])
def test_without_graphiql_nothing_is_built(clone: Path, command: list[str]) -> None:
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    assert done.returncode != 0
    assert "GraphiQL is not built" in done.stdout + done.stderr
    assert "python web/build.py" in done.stdout + done.stderr
    assert not list(clone.glob("dist/*"))


def test_a_checkout_can_be_installed_without_graphiql(clone: Path) -> None:
    """`make setup` installs it before it builds GraphiQL."""
    project = clone / "pyproject.toml"
    table = "[tool.hatch.build.targets.wheel]\n"
    # The other kind of editable install needs the package `editables`, which pip downloads.
    named = project.read_text(encoding="utf-8").replace(table, table + 'dev-mode-dirs = ["."]\n')
    project.write_text(named, encoding="utf-8")
    build = "import hatchling.build as b; b.build_editable('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=clone, check=True)
    assert list(clone.glob("dist/lectern-*.whl"))
