"""Fuzzes a gateway: `python -m tests.hostile.fuzzing --requests 100000`."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from app import embedded
from tests.hostile.conftest import load, production
from tests.hostile.fuzzing import world
from tests.hostile.fuzzing.requests import Maker
from tests.hostile.fuzzing.run import fuzz, tracebacks
from tests.hostile.gateway import serving
from tests.storm.storm import settings_of

_SHOWN = 20  # complaints to print


def main() -> int:
    """Fuzzes and prints a summary. Returns 0 if there are no complaints."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name, embedded.running(Path(name) / "mongod") as uri:
        settings = settings_of(uri, "fuzzing")
        asyncio.run(load(settings))
        with serving(Path(name), production(settings)) as gateway:
            maker = Maker(arguments.seed, world.pool(gateway))
            before, began = gateway.resident(), time.monotonic()
            found, spent = gateway.measured(
                lambda: asyncio.run(fuzz(gateway.port, maker, most=arguments.requests, first=arguments.first))
            )
            log = gateway.log.read_text(errors="replace")
            print(f"{found.sent} requests in {time.monotonic() - began:.0f} s: {dict(found.statuses)}")
            print(f"CPU {spent.cpu:.0f} s, the event loop blocked for {spent.held * 1e3:.0f} ms at most")
            print(f"{before:.0f} MB at first, {spent.peak:.0f} at most, {gateway.resident():.0f} now")
            print(f"{log.count(chr(10))} lines in the log")
            found.complaints[:0] = tracebacks(log)
    print(f"{len(found.complaints)} complaints", *found.complaints[:_SHOWN], sep="\n")
    return bool(found.complaints)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzzing", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first request, as in a complaint"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
