"""The metrics of several processes together."""

from app.metrics.families import (
    ERRORS,
    LANE_USED,
    MISSING_INDEXES,
    MONGODB_UP,
    REQUEST_DURATION,
    WORKERS,
    Family,
    Labels,
)
from app.metrics.merging import Merged, merged
from app.metrics.series import Counter, Gauge, Histogram
from app.metrics.shared_memory import SharedMemory, State

LABELS = ("POST", "/graphql", "200")


def memory_of(*states: State) -> SharedMemory:
    memory = SharedMemory(workers=len(states))
    for slot, state in zip(memory.slots[1:], states, strict=True):
        slot.state = state
    return memory


def values(memory: SharedMemory, family: Family) -> dict[Labels, list[float]]:
    return one(memory, family).values


def one(memory: SharedMemory, family: Family) -> Merged:
    return next(own for own in merged(memory) if own.family is family)


def test_counters_of_ended_processes_still_count() -> None:
    memory = memory_of(State.SERVING, State.FREE)
    for slot in memory.slots:
        Counter(ERRORS, slot).add(("A",))
    assert values(memory, ERRORS) == {("A",): [3]}


def test_gauges_of_ended_processes_do_not() -> None:
    memory = memory_of(State.SERVING, State.FREE, State.STOPPING)
    for slot in memory.slots[1:]:
        Gauge(LANE_USED, slot).set(2, ("cheap",))
    assert values(memory, LANE_USED) == {("cheap",): [4]}


def test_mongodb_is_up_if_it_is_for_all_and_the_most_missing_indexes_count() -> None:
    memory = memory_of(State.SERVING, State.SERVING)
    for number, slot in enumerate(memory.slots[1:]):
        Gauge(MONGODB_UP, slot).set(number)
        Gauge(MISSING_INDEXES, slot).set(number)
    assert values(memory, MONGODB_UP) == {(): [0]}
    assert values(memory, MISSING_INDEXES) == {(): [1]}


def test_a_histogram_has_the_sums_and_the_newest_exemplars() -> None:
    memory = memory_of(State.SERVING, State.SERVING)
    for number in (2, 1):
        Histogram(REQUEST_DURATION, memory.slots[number]).observe(0.2 * number, LABELS, f"{number:032x}")
    Histogram(REQUEST_DURATION, memory.slots[1]).observe(0.3, LABELS, f"{9:032x}")
    *counts, total = values(memory, REQUEST_DURATION)[LABELS]
    assert sum(counts) == 3
    assert abs(total - 0.9) < 1e-9
    found = one(memory, REQUEST_DURATION).exemplars[LABELS]
    assert [own and own.trace_id[-1] for own in found if own] == ["1", "9"]


def test_a_retired_series_is_shown_while_another_process_uses_it() -> None:
    """Otherwise, the sum would decrease, which looks like a restart."""
    memory = memory_of(State.SERVING, State.SERVING)
    first, second = (Counter(ERRORS, slot) for slot in memory.slots[1:])
    for errors in (first, second):
        errors.add(("A",), 2)
    first.retire(("A",))
    assert values(memory, ERRORS) == {("A",): [4]}
    second.retire(("A",))
    assert values(memory, ERRORS) == {}


def test_workers_are_counted_by_state() -> None:
    memory = memory_of(State.SERVING, State.FREE, State.STARTING, State.SERVING)
    found = values(memory, WORKERS)
    assert found == {("serving",): [2], ("starting",): [1], ("stopping",): [0]}


def test_a_slot_is_free_until_a_worker_takes_it() -> None:
    memory = memory_of(State.SERVING, State.FREE)
    assert memory.free_slot() is memory.slots[2]
    memory.slots[2].state = State.STARTING
    assert memory.free_slot() not in memory.slots
