"""The counters, gauges and histograms of a process: they write the series of one family into its slot.

They are only used on the event loop. An update takes a fraction of a microsecond.
"""

import struct
from bisect import bisect_left
from time import time
from typing import NamedTuple

from app.metrics.families import OTHER, Family, Labels
from app.metrics.shared_memory import EXEMPLAR_CELLS, TABLES, RowState, Slot


class Exemplar(NamedTuple):
    """A value that a histogram has counted, and its trace. at: seconds since the epoch."""

    at: float
    trace_id: str
    value: float


class Series:
    """The series of one family, by their labels. Continues the series that are already in the slot."""

    def __init__(self, family: Family, slot: Slot) -> None:
        self.family = family
        self._slot, self._cells = slot, slot.cells
        self._table = TABLES[family]
        self._at: dict[Labels, int] = {}  # the cells of the first values
        self._retired: dict[Labels, int] = {}  # the numbers of the rows; the longest retired first
        self._next = 0
        for number, row in slot.rows(family):
            self._next = number + 1
            if row.state == RowState.USED:
                self._at[row.labels] = self._table.value_cell(number)
            else:
                self._retired[row.labels] = number

    @property
    def labels(self) -> list[Labels]:
        """The labels of the series in use."""
        return list(self._at)

    def total(self, labels: Labels) -> float:
        """Returns how often something has been counted."""
        return self._counted(self._at[labels])

    def _counted(self, at: int) -> float:
        return sum(self._cells[at : at + max(1, self._table.values - 1)])

    def retired_total(self, labels: Labels) -> float:
        """Returns the `total` of a retired series, with which it would continue; 0 if there is none."""
        number = self._retired.get(labels)
        return 0.0 if number is None else self._counted(self._table.value_cell(number))

    def retire(self, labels: Labels) -> None:
        """Stops showing a series. Its values are kept for as long as no other series needs the row."""
        self._retired[labels] = number = self._table.number(self._at.pop(labels))
        self._slot.set_row_state(self.family, number, RowState.RETIRED)

    def _begin(self, labels: Labels) -> int:
        """Begins a series, or resumes a retired one. Returns the cell of its first value.

        If there is no row left, returns the one for everything else. The last row is reserved for it.
        """
        if (number := self._retired.pop(labels, None)) is not None:
            self._slot.set_row_state(self.family, number, RowState.USED)
        elif (number := self._free_row(labels)) is not None:
            self._slot.write_row(self.family, number, labels)
        else:
            other = (OTHER,) * len(labels)
            return self._at[other] if other in self._at else self._begin(other)
        self._at[labels] = at = self._table.value_cell(number)
        return at

    def _free_row(self, labels: Labels) -> int | None:
        if self._next < self.family.rows - (len(labels) > 0 and labels != (OTHER,) * len(labels)):
            self._next += 1
            return self._next - 1
        if self._retired:
            return self._retired.pop(next(iter(self._retired)))
        return None


class Counter(Series):
    def add(self, labels: Labels = (), amount: float = 1) -> None:
        try:
            self._cells[self._at[labels]] += amount
        except KeyError:
            self._cells[self._begin(labels)] += amount


class Gauge(Series):
    def set(self, value: float, labels: Labels = ()) -> None:
        at = self._at.get(labels)
        self._cells[self._begin(labels) if at is None else at] = value


class Histogram(Series):
    def __init__(self, family: Family, slot: Slot) -> None:
        super().__init__(family, slot)
        self._bounds = family.buckets
        self._sum = len(family.buckets) + 1

    def observe(self, value: float, labels: Labels = (), trace_id: str = "") -> None:
        """Counts a value. trace_id: the trace to which the value belongs; becomes the bucket's exemplar."""
        at = self._at.get(labels)
        if at is None:
            at = self._begin(labels)
        cells, bucket = self._cells, bisect_left(self._bounds, value)
        cells[at + bucket] += 1
        cells[at + self._sum] += value
        if trace_id and self.family.has_exemplars:
            exemplar = 8 * (at + self._sum + 1 + EXEMPLAR_CELLS * bucket)
            _EXEMPLAR.pack_into(self._slot.bytes, exemplar, bytes.fromhex(trace_id), value, time())


_EXEMPLAR = struct.Struct("=16sdd")  # trace id, value, time


def exemplars(packed: bytes) -> list[Exemplar | None]:
    """Returns the exemplar of each bucket of a row; None if the bucket has none."""
    found = _EXEMPLAR.iter_unpack(packed)
    return [Exemplar(at, trace.hex(), value) if at else None for trace, value, at in found]
