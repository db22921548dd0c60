"""The metrics of all processes together."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import NamedTuple

from app.metrics.families import BUILD_INFO, STORED, WORKERS, Family, Labels
from app.metrics.series import Exemplar, exemplars
from app.metrics.shared_memory import Row, RowState, SharedMemory, State

_ACROSS: dict[str, Callable[[Iterable[float]], float]] = {"sum": sum, "min": min, "max": max}


class Merged(NamedTuple):
    """The series of one family. Each has the values that are described at shared_memory.Table."""

    family: Family
    values: dict[Labels, list[float]]
    exemplars: dict[Labels, list[Exemplar | None]]


def merged(memory: SharedMemory) -> list[Merged]:
    """Reads the metrics of all processes, of those that have ended too, and merges them."""
    return [*(_merged(family, memory) for family in STORED), _workers(memory), _BUILD]


def _merged(family: Family, memory: SharedMemory) -> Merged:
    if family.kind == "gauge":
        living = [slot for slot in memory.used if slot.state in {State.SERVING, State.STOPPING}]
        rows = [row for slot in living for _, row in slot.rows(family)]
        return Merged(family, _combined(rows, _ACROSS[family.across]), {})
    rows = [row for slot in memory.used for _, row in slot.rows(family)]
    shown = {row.labels for row in rows if row.state == RowState.USED}
    rows = [row for row in rows if row.labels in shown]
    found: dict[Labels, list[Exemplar | None]] = {}
    for row in rows:
        if row.exemplars:
            own = exemplars(row.exemplars)
            before = found.setdefault(row.labels, own)
            found[row.labels] = [max(a, b, key=_time) for a, b in zip(before, own, strict=True)]
    return Merged(family, _combined(rows, sum), found)


def _combined(rows: list[Row], across: Callable[[Iterable[float]], float]) -> dict[Labels, list[float]]:
    by_labels: dict[Labels, list[list[float]]] = {}
    for row in rows:
        by_labels.setdefault(row.labels, []).append(row.values)
    return {
        labels: [across(column) for column in zip(*values, strict=True)]
        for labels, values in by_labels.items()
    }


def _time(exemplar: Exemplar | None) -> float:
    return exemplar.at if exemplar else 0.0


def _workers(memory: SharedMemory) -> Merged:
    states = Counter(slot.state for slot in memory.used)
    counted = (State.SERVING, State.STARTING, State.STOPPING)
    return Merged(WORKERS, {(state.name.lower(),): [float(states[state])] for state in counted}, {})


_BUILD = Merged(BUILD_INFO, {(version("lectern"), platform.python_version()): [1.0]}, {})
