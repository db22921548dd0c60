"""Seeds faults one at a time, and runs the tests that should find them.

    .venv/bin/python -m tests.faults [--in ../other --side before] [--name word]

It works in a copy of the tree, so the checkout stays as it is. The tests must pass there before a fault is
seeded. Exits with 1 if a fault is not found.
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
_COPIED = ("app", "resolvers", "loaders", "tests", "benchmarks", "deploy", "docs", "examples", "web",
           "schema.graphql", "pyproject.toml", "CONTRIBUTING.md", "README.md", "Makefile")  # fmt: skip


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
        _require_success(copy, options.tree, faults)
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
        return _tried(copy, tree, _tests(copy, fault)).returncode == 1
    finally:
        path.write_text(text, "utf-8")


def _require_success(copy: Path, tree: Path, faults: list[dict[str, object]]) -> None:
    """Runs all tests of these faults, and exits if one fails without any fault."""
    tests = sorted({name for fault in faults for name in _tests(copy, fault)})
    done = _tried(copy, tree, tests)
    if done.returncode:
        sys.exit(f"a test fails without a fault:\n{done.stdout[-3000:]}")


def _tests(copy: Path, fault: dict[str, object]) -> list[str]:
    tests = [name for name in str(fault["tests"]).split() if (copy / name.partition("::")[0]).exists()]
    return tests or sys.exit(f"{fault['name']}: none of its tests exists in this tree")


def _tried(copy: Path, tree: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    python = tree.resolve() / ".venv" / "bin" / "python"
    command = [str(python), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy)}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
