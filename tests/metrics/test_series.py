"""Series in shared memory: what is counted can be read, whoever reads it and whoever continues."""

import os
from itertools import pairwise
from math import fsum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.metrics.families import (
    ADMISSION_WAIT,
    CACHE_REQUESTS,
    ERRORS,
    LANE_USED,
    OPERATION_DURATION,
    OTHER,
    STORED,
    Family,
    Labels,
)
from app.metrics.series import Counter, Gauge, Histogram, exemplars
from app.metrics.shared_memory import RowState, SharedMemory, Slot

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def read(slot: Slot, family: Family) -> dict[Labels, list[float]]:
    return {row.labels: row.values for _, row in slot.rows(family)}


def test_a_counter_counts_by_labels() -> None:
    slot = SharedMemory().own
    errors = Counter(ERRORS, slot)
    for code in ("TIMEOUT", "NOT_FOUND", "TIMEOUT"):
        errors.add((code,))
    assert read(slot, ERRORS) == {("TIMEOUT",): [2], ("NOT_FOUND",): [1]}


def test_a_gauge_has_its_last_value() -> None:
    slot = SharedMemory().own
    used = Gauge(LANE_USED, slot)
    for value in (5, 7, 0):
        used.set(value, ("cheap",))
    assert read(slot, LANE_USED) == {("cheap",): [0]}


@given(st.lists(st.floats(0, 20)))
def test_a_histogram_has_the_count_of_each_bucket_and_the_sum(values: list[float]) -> None:
    slot = SharedMemory().own
    waits = Histogram(ADMISSION_WAIT, slot)
    for value in values:
        waits.observe(value)
    *counts, total = read(slot, ADMISSION_WAIT).get((), [0.0] * (len(ADMISSION_WAIT.buckets) + 2))
    bounds = [-1.0, *ADMISSION_WAIT.buckets, float("inf")]
    expected = [sum(low < v <= high for v in values) for low, high in pairwise(bounds)]
    assert counts == expected
    assert abs(total - fsum(values)) < 1e-6


def test_labels_beyond_the_limit_are_counted_together() -> None:
    slot = SharedMemory().own
    errors = Counter(ERRORS, slot)
    for number in range(ERRORS.most + 50):
        errors.add((f"E{number}",))
        errors.add((f"E{number}",))
    found = read(slot, ERRORS)
    assert len(found) == ERRORS.most + 1
    assert found[OTHER,] == [100]


def test_a_family_with_all_its_labels_needs_no_other() -> None:
    slot = SharedMemory().own
    cache = Counter(CACHE_REQUESTS, slot)
    for result in ("hit", "miss"):
        cache.add((result,))
    assert set(read(slot, CACHE_REQUESTS)) == {("hit",), ("miss",)}


def test_the_families_of_a_slot_do_not_overlap() -> None:
    slot = SharedMemory().own
    for number, family in enumerate(STORED):
        kinds: dict[str, Any] = {"counter": Counter, "histogram": Histogram, "gauge": Gauge}
        series = kinds[family.kind](family, slot)
        for row in range(family.rows):
            labels = tuple(f"{family.name}-{row}" for _ in family.labels)
            if family.kind == "gauge":
                series.set(number + 1, labels)
            elif family.kind == "counter":
                series.add(labels, number + 1)
            else:
                series.observe(number + 1, labels, TRACE)
    for number, family in enumerate(STORED):
        found = read(slot, family)
        assert len(found) == family.rows
        assert {values[-1] for values in found.values()} == {number + 1}


def test_the_next_process_of_a_slot_continues() -> None:
    slot = SharedMemory().own
    Counter(ERRORS, slot).add(("A",))
    again = Counter(ERRORS, slot)
    again.add(("A",))
    again.add(("B",))
    assert read(slot, ERRORS) == {("A",): [2], ("B",): [1]}


def test_what_a_process_counted_survives_it() -> None:
    memory = SharedMemory(workers=1)
    if not (pid := os.fork()):
        Counter(ERRORS, memory.slots[1]).add(("A",), 3)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert read(memory.slots[1], ERRORS) == {("A",): [3]}


def test_a_retired_series_resumes_with_its_values() -> None:
    slot = SharedMemory().own
    errors = Counter(ERRORS, slot)
    errors.add(("A",), 5)
    errors.retire(("A",))
    assert [row.state for _, row in slot.rows(ERRORS)] == [RowState.RETIRED]
    errors.add(("A",))
    assert [(row.state, row.values) for _, row in slot.rows(ERRORS)] == [(RowState.USED, [6])]


def test_the_longest_retired_series_makes_room() -> None:
    slot = SharedMemory().own
    errors = Counter(ERRORS, slot)
    for number in range(ERRORS.most):
        errors.add((f"E{number}",))
    for number in (7, 3):
        errors.retire((f"E{number}",))
    Counter(ERRORS, slot).add(("new",), 2)  # what a process retired, its successor knows, too
    found = read(slot, ERRORS)
    assert len(found) == ERRORS.most
    assert found["new",] == [2]
    assert len({("E7",), ("E3",)} & found.keys()) == 1


def test_a_row_that_is_being_replaced_hides_no_other() -> None:
    slot = SharedMemory().own
    errors = Counter(ERRORS, slot)
    for code in ("A", "B", "C"):
        errors.add((code,))
    slot.set_row_state(ERRORS, 1, RowState.REPLACED)
    assert set(read(slot, ERRORS)) == {("A",), ("C",)}


def test_a_bucket_has_its_last_exemplar() -> None:
    slot = SharedMemory().own
    durations = Histogram(OPERATION_DURATION, slot)
    durations.observe(0.3, ("Q", "query"), "0" * 31 + "1")
    durations.observe(0.4, ("Q", "query"), TRACE)
    durations.observe(0.4, ("Q", "query"))
    (row,) = [row for _, row in slot.rows(OPERATION_DURATION)]
    (exemplar,) = [own for own in exemplars(row.exemplars) if own]
    assert (exemplar.trace_id, exemplar.value) == (TRACE, 0.4)
    assert exemplars(row.exemplars).index(exemplar) == OPERATION_DURATION.buckets.index(0.5)


@given(st.tuples(st.text(), st.text()))
def test_labels_of_any_length_and_character_can_be_read(labels: Labels) -> None:
    slot = SharedMemory().own
    Histogram(OPERATION_DURATION, slot).observe(1, labels)
    ((found, values),) = read(slot, OPERATION_DURATION).items()
    assert sum(values[:-1]) == 1
    if all(text.isprintable() for text in labels) and len("".join(labels).encode()) < 300:
        assert found == labels
