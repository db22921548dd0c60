"""The most expensive operations that the default limits accept.

Run `python -m tests.hostile.dearest --drawn 100` for a table.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from app import embedded
from app.execution import Executor, Operation, Refusal
from app.main import make_executor
from app.settings import Settings
from benchmarks import report
from resolvers.context import Viewer
from tests.hostile.conftest import load, production
from tests.hostile.drawn import drawn
from tests.hostile.families import FAMILIES, Family
from tests.hostile.gateway import Gateway, Reply, Spent, serving
from tests.storm.storm import settings_of
from tests.support import TOKENS


class Found(NamedTuple):
    """The largest accepted operation of a family, and its lowest measured cost."""

    size: int
    reply: Reply
    spent: Spent


def executor() -> Executor:
    """An executor with the default settings."""
    return make_executor(Settings())


def largest(executor: Executor, family: Family) -> int:
    """The largest size that is accepted; 0 if none is."""
    low, high = 0, family.most + 1
    while high - low > 1:
        middle = (low + high) // 2
        query, variables = family.make(middle, 0)
        prepared = executor.prepare(Operation(query, dict(variables or {})))
        low, high = (low, middle) if isinstance(prepared, Refusal) else (middle, high)
    return low


def measured(
    gateway: Gateway, family: Family, size: int, is_enough: Callable[[Reply, Spent], bool], tries: int
) -> Found:
    """Measures an operation up to `tries` times. is_enough: whether no further run is needed."""

    def ask(salt: int) -> Reply:
        return gateway.ask(*family.make(size, salt + 1), headers(family))

    return Found(size, *gateway.cheapest(ask, is_enough, tries))


def headers(family: Family) -> Mapping[str, str]:
    if family.role is None:
        return {}
    viewer = Viewer(frozenset({family.role}), subject="somebody")
    return {"authorization": f"Bearer {TOKENS.access(viewer).text}"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.dearest", description=__doc__)
    parser.add_argument("--drawn", type=int, default=20, help="the number of randomly generated families")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.drawn)
    random_families = ((f"drawn {seed}", drawn(seed)) for seed in seeds)
    with tempfile.TemporaryDirectory() as name, embedded.running(Path(name) / "mongod") as uri:
        settings = settings_of(uri, "dearest")
        asyncio.run(load(settings))
        with serving(Path(name), production(settings)) as gateway:
            rows = [_row(name, gateway, family) for name, family in chain(FAMILIES.items(), random_families)]
    rows.sort(key=lambda row: -float(str(row[3])))
    head = ("family", "size", "status", "CPU ms", "held ms", "answer, kB", "MB at most")
    print(report.table(head, rows))


def _is_cheap(reply: Reply, spent: Spent) -> bool:
    return spent.cpu <= 0.1 and spent.held <= 0.03


def _row(name: str, gateway: Gateway, family: Family) -> list[object]:
    size = largest(executor(), family)
    _, reply, spent = measured(gateway, family, max(size, 1), _is_cheap, 4)
    status = f"{reply.status} refused" if reply.refused else reply.status
    return [
        name,
        size,
        status,
        f"{spent.cpu * 1e3:.0f}",
        f"{spent.held * 1e3:.0f}",
        f"{len(reply.body) / 1e3:.0f}",
        f"{spent.peak:.0f}",
    ]


if __name__ == "__main__":
    main()
