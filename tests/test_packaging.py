"""The wheel: everything that `lectern` needs at run time, and nothing else."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from app.http import graphiql
from tests.support import missing

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_graphiql_and_the_sample_data(tmp_path: Path) -> None:
    if not (graphiql.STATIC / "index.html").is_file():
        missing("GraphiQL is not built: run `make setup`")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("lectern-*.whl")
    names = set(ZipFile(wheel).namelist())
    assert "app/static/index.html" in names
    assert {f"app/static/assets/{p.name}" for p in (graphiql.STATIC / "assets").iterdir()} <= names
    data = ROOT / "app" / "sample" / "data"
    assert {p.relative_to(ROOT).as_posix() for p in data.rglob("*.toml")} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "app",
        "resolvers",
        "loaders",
    }
