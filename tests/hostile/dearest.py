"""The dearest operations that the defaults accept: `python -m tests.hostile.dearest --drawn 100`."""

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
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

_TRIES = 6  # what a busy machine adds to the cost, it does not add to each


class Found(NamedTuple):
    """The largest of a family that is accepted, and what it cost at the least."""

    size: int
    reply: Reply
    spent: Spent


def executor() -> Executor:
    """One with the defaults."""
    return make_executor(Settings())


def largest(executor: Executor, family: Family) -> int:
    """The largest size that is accepted; 0 where none is."""
    low, high = 0, family.most + 1
    while high - low > 1:
        middle = (low + high) // 2
        query, variables = family.make(middle, 0)
        prepared = executor.prepare(Operation(query, dict(variables or {})))
        low, high = (low, middle) if isinstance(prepared, Refusal) else (middle, high)
    return low


def measured(gateway: Gateway, family: Family, size: int, enough: tuple[float, float] = (0, 0)) -> Found:
    """What an operation costs. enough: seconds of CPU, and held, below which once is enough."""
    found = []
    for salt in range(1, _TRIES + 1):
        request = family.make(size, salt)
        found.append(Found(size, *gateway.measured(lambda: gateway.ask(*request, headers(family)))))  # noqa: B023
        if found[-1].spent.cpu <= enough[0] and found[-1].spent.held <= enough[1]:
            break
    return min(found, key=lambda one: max(one.spent.cpu, 5 * one.spent.held))


def headers(family: Family) -> Mapping[str, str]:
    if family.role is None:
        return {}
    viewer = Viewer(frozenset({family.role}), subject="somebody")
    return {"authorization": f"Bearer {TOKENS.access(viewer).text}"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.dearest", description=__doc__)
    parser.add_argument("--drawn", type=int, default=20, help="how many families are drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.drawn)
    found = ((f"drawn {seed}", drawn(seed)) for seed in seeds)
    with tempfile.TemporaryDirectory() as name, embedded.running(Path(name) / "mongod") as uri:
        settings = settings_of(uri, "dearest")
        asyncio.run(load(settings))
        with serving(Path(name), production(settings)) as gateway:
            rows = [_row(name, gateway, family) for name, family in chain(FAMILIES.items(), found)]
    rows.sort(key=lambda row: -float(str(row[3])))
    head = ("family", "size", "status", "CPU ms", "held ms", "answer, kB", "MB at most")
    print(report.table(head, rows))


def _row(name: str, gateway: Gateway, family: Family) -> list[object]:
    size = largest(executor(), family)
    _, reply, spent = measured(gateway, family, max(size, 1), (0.1, 0.03))
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
