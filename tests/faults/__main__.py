"""Seeds faults one at a time, and runs the tests that should find them.

    .venv/bin/python -m tests.faults [--in ../other --side before] [--name word]

It works in a copy of the tree, so the checkout stays as it is. Exits with 1 if a fault is not found.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parents[2]
FAULTS = Path(__file__).with_name("faults.toml")
_COPIED = ("app", "resolvers", "loaders", "tests", "benchmarks", "docs", "examples", "web", "schema.graphql",
           "pyproject.toml", "CONTRIBUTING.md", "README.md", "Makefile")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--in", dest="tree", type=Path, default=HERE)
    parser.add_argument("--side", choices=["now", "before"], default="now")
    parser.add_argument("--name", default="", help="only faults whose name has this word")
    options = parser.parse_args()
    faults = [
        fault for fault in tomllib.loads(FAULTS.read_text("utf-8"))["fault"] if options.name in fault["name"]
    ]
    missed = []
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "tree"
        _copy(options.tree, copy)
        for fault in faults:
            found = _is_found(copy, options.tree, fault, options.side)
            print(f"{'found' if found else 'MISSED'}: {fault['name']}", flush=True)
            missed += [] if found else [fault["name"]]
    print(f"{len(faults) - len(missed)} of {len(faults)} faults were found")
    return 1 if missed else 0


def _copy(tree: Path, copy: Path) -> None:
    copy.mkdir()
    for name in _COPIED:
        source = tree / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        elif source.exists():
            shutil.copy(source, copy / name)


def _is_found(copy: Path, tree: Path, fault: dict[str, object], side: str) -> bool:
    seed: dict[str, str] = fault[side]  # type: ignore[assignment]  # TOML has no types
    path = copy / seed["path"]
    text = path.read_text("utf-8")
    if seed["find"] not in text:
        sys.exit(f"{fault['name']}: {seed['path']} no longer has {seed['find']!r}")
    path.write_text(text.replace(seed["find"], seed["replace"], 1), "utf-8")
    try:
        python = tree.resolve() / ".venv" / "bin" / "python"
        tests = [name for name in str(fault["tests"]).split() if (copy / name).exists()]
        command = [str(python), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(command, cwd=copy, env=_environment(copy), capture_output=True, check=False)
        return done.returncode == 1
    finally:
        path.write_text(text, "utf-8")


def _environment(copy: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(copy)}


if __name__ == "__main__":
    sys.exit(main())
