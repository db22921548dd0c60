"""A storm of any size, and its report: `python -m tests.storm --writes 20000 --clients 200`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import embedded
from tests.storm import replica_set, storm
from tests.storm.replica_set import ReplicaSet
from tests.storm.storm import Plan


def main() -> int:
    """Runs a storm and prints its report. Returns 0 if there are no complaints."""
    arguments = _arguments()
    kills, primary_kills = arguments.kills, arguments.kills if arguments.replica_set else 0
    plan = Plan(arguments.writes, arguments.clients, kills, primary_kills, arguments.seed)
    with tempfile.TemporaryDirectory() as name, _mongodb(Path(name), arguments.replica_set) as (uri, members):
        report = asyncio.run(storm.run(plan, storm.settings_of(uri, "storm"), Path(name), members))
    print(report)
    return bool(report.complaints)


@contextmanager
def _mongodb(directory: Path, is_replica_set: bool) -> Iterator[tuple[str, ReplicaSet | None]]:
    if is_replica_set:
        with replica_set.running(directory) as members:
            yield members.uri, members
    else:
        with embedded.running(directory / "mongod") as uri:
            yield uri, None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--writes", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--replica-set", action="store_true", help="three mongods, and kills of the primary")
    parser.add_argument("--kills", type=int, default=2, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
