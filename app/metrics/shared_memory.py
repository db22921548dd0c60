"""Memory that a supervisor shares with its workers, in which each process has a slot for its metrics.

The memory is allocated before any process is forked. Each process writes only to its own slot, so no writer
needs a lock, and any process can read all slots at any time. What a process has counted survives its death,
and the next process in its slot continues to count.

A slot has a fixed table of rows for each family, and each row holds one series. See `Slot` for the layout.
"""

import mmap
from collections.abc import Iterator, Sequence
from enum import IntEnum
from time import time_ns
from typing import NamedTuple
from uuid import uuid4

from app.metrics.families import STORED, Family, Labels

_CELL = 8  # bytes of a cell, which holds a double
# Cells at the beginning of a slot: its state, whether the supervisor is draining, whether it was ever used.
_HEADER = 3
_LABEL_BYTES = 304
_ROW_HEADER = 2 + _LABEL_BYTES // _CELL  # cells: the row's state, the length of its labels, and its labels
EXEMPLAR_CELLS = 4  # an exemplar's trace id takes two cells, its value and its time one each
_SEPARATOR = "\x1f"  # between the values of labels, which have no control characters


class State(IntEnum):
    """The state of the worker that a slot belongs to."""

    FREE = 0
    STARTING = 1
    SERVING = 2
    STOPPING = 3


class RowState(IntEnum):
    """The state of a row. Rows are used in their order, so after an UNUSED one, there are no others.

    RETIRED: the series isn't shown unless another process still uses the same labels. REPLACED: another
    series is about to get the row.
    """

    UNUSED = 0
    USED = 1
    RETIRED = 2
    REPLACED = 3


class Table(NamedTuple):
    """Where the rows of a family are in each slot.

    begin: the first row's first cell. row: the number of cells in a row. values: the number of values in a
    row; for a histogram, one for each bucket, and the sum.
    """

    begin: int
    row: int
    values: int

    def value_cell(self, number: int) -> int:
        """Returns the cell of a row's first value."""
        return self.begin + number * self.row + _ROW_HEADER

    def number(self, value_cell: int) -> int:
        """Returns the number of the row with this first value."""
        return (value_cell - self.begin) // self.row


def _tables() -> tuple[dict[Family, Table], int]:
    """Returns the layout of a slot, and its size in cells."""
    tables, begin = {}, _HEADER
    for family in STORED:
        bars = len(family.buckets) + 1
        values = bars + 1 if family.buckets else 1
        row = _ROW_HEADER + values + (EXEMPLAR_CELLS * bars if family.has_exemplars else 0)
        tables[family] = Table(begin, row, values)
        begin += family.rows * row
    return tables, begin


TABLES, _SLOT_CELLS = _tables()


class Row(NamedTuple):
    """A copy of one row. exemplars: the bytes of the exemplars of all buckets; empty if there are none."""

    labels: Labels
    state: RowState
    values: list[float]
    exemplars: bytes


class Slot:
    """The metrics of one process. cells, bytes: two views of the same memory.

    A row consists of its state, the length of its labels, the labels, its values, and exemplars if its family
    has them. A new row's state is written last, so that nobody reads a row before it is complete.
    """

    def __init__(self, memory: memoryview) -> None:
        self.bytes = memory
        self.cells = memory.cast("d")

    @property
    def state(self) -> State:
        return State(int(self.cells[0]))

    @state.setter
    def state(self, state: State) -> None:
        self.cells[0] = state
        self.cells[2] = 1

    @property
    def was_used(self) -> bool:
        """Whether a worker has ever had this slot. Reading the rows of other slots would only take memory."""
        return bool(self.cells[2])

    @property
    def is_draining(self) -> bool:
        """Whether the supervisor, to which this slot belongs, is shutting down."""
        return bool(self.cells[1])

    def begin_drain(self) -> None:
        self.cells[1] = 1

    def write_row(self, family: Family, number: int, labels: Labels) -> int:
        """Begins a series in a row, with zeros. Returns the cell of its first value."""
        table = TABLES[family]
        begin, values = table.begin + number * table.row, table.value_cell(number)
        text = _SEPARATOR.join(labels).encode(errors="replace")[:_LABEL_BYTES]
        if self.cells[begin]:
            self.cells[begin] = RowState.REPLACED
        end = begin + table.row
        self.bytes[(begin + 1) * _CELL : end * _CELL] = bytes((end - begin - 1) * _CELL)
        self.bytes[(begin + 2) * _CELL : (begin + 2) * _CELL + len(text)] = text
        self.cells[begin + 1] = len(text)
        self.cells[begin] = RowState.USED
        return values

    def set_row_state(self, family: Family, number: int, state: RowState) -> None:
        table = TABLES[family]
        self.cells[table.begin + number * table.row] = state

    def rows(self, family: Family) -> Iterator[tuple[int, Row]]:
        """Yields the number and a copy of each row that is used or retired."""
        table = TABLES[family]
        for number in range(family.rows):
            begin = (table.begin + number * table.row) * _CELL
            copy = bytes(self.bytes[begin : begin + table.row * _CELL])
            cells: Sequence[float] = memoryview(copy).cast("d")
            if (state := RowState(int(cells[0]))) == RowState.UNUSED:
                return
            header = _ROW_HEADER * _CELL
            if state == RowState.REPLACED or copy[:header] != self.bytes[begin : begin + header]:
                continue  # the copy might mix two series
            text = copy[2 * _CELL : 2 * _CELL + int(cells[1])].decode(errors="replace")
            labels = tuple(text.split(_SEPARATOR)) if family.labels else ()
            end = _ROW_HEADER + table.values
            yield number, Row(labels, state, list(cells[_ROW_HEADER:end]), copy[end * _CELL :])


class SharedMemory:
    """The slots of the supervisor (number 0) and of its workers. A process without a supervisor has one slot.

    own: the slot of this process. id: identifies the supervisor and its workers. began: when the memory was
    created, in nanoseconds since the epoch.
    """

    def __init__(self, workers: int = 0) -> None:
        size = _SLOT_CELLS * _CELL
        self._memory = memoryview(mmap.mmap(-1, size * (1 + workers)))
        self.slots = [Slot(self._memory[n * size : (n + 1) * size]) for n in range(1 + workers)]
        self.own = self.slots[0]
        self.id, self.began = str(uuid4()), time_ns()
        if not workers:
            self.own.state = State.SERVING

    @property
    def used(self) -> list[Slot]:
        """The slots with metrics."""
        return [self.slots[0], *(slot for slot in self.slots[1:] if slot.was_used)]

    @property
    def is_draining(self) -> bool:
        return self.slots[0].is_draining

    def free_slot(self) -> Slot:
        """Returns a slot for a new worker. If all are taken, what the worker counts isn't shown."""
        free = (slot for slot in self.slots[1:] if slot.state == State.FREE)
        return next(free, None) or SharedMemory().own
