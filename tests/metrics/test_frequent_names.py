"""Names that clients choose: the frequent ones have series, in bounded memory."""

import random

import pytest

from app.metrics import frequent_names
from app.metrics.families import CLIENT_REQUESTS, MOST_NAMES, OPERATION_DURATION, OTHER, Labels
from app.metrics.frequent_names import FrequentNames, clean
from app.metrics.series import Counter, Histogram
from app.metrics.shared_memory import RowState, SharedMemory, Slot

ANONYMOUS = ("", "query")


class Operations:
    """Counts operations by name, as the gateway does."""

    def __init__(self, slot: Slot | None = None) -> None:
        self.slot = slot or SharedMemory().own
        self.series = Histogram(OPERATION_DURATION, self.slot)
        self.names = FrequentNames(self.series, lambda labels: (OTHER, labels[1]), [ANONYMOUS])

    def run(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            self.series.observe(0.01, self.names.get((name, "query")))

    @property
    def counts(self) -> dict[str, float]:
        rows = [row for _, row in self.slot.rows(OPERATION_DURATION) if row.state == RowState.USED]
        return {row.labels[0]: sum(row.values[:-1]) for row in rows}


def test_a_name_gets_its_series_once_it_has_been_seen_five_times() -> None:
    operations = Operations()
    operations.run("Courses", 4)
    assert operations.counts == {OTHER: 4}
    operations.run("Courses", 3)
    assert operations.counts == {OTHER: 4, "Courses": 3}


def test_operations_without_a_name_have_their_own_series_at_once() -> None:
    operations = Operations()
    operations.run("")
    assert operations.counts == {"": 1}


def test_a_name_that_looks_like_the_others_is_counted_with_them() -> None:
    operations = Operations()
    operations.run(OTHER, 10)
    assert operations.counts == {OTHER: 10}


def test_endless_new_names_get_no_series_and_take_bounded_memory() -> None:
    operations = Operations()
    operations.run("Courses", 10)
    for number in range(100_000):
        operations.run(f"Flood{number}" + "x" * 500)
        if not number % 1000:
            operations.run("Courses")
    assert set(operations.counts) == {"Courses", OTHER}
    assert sum(operations.counts.values()) == 100_110
    kept = operations.names._candidates
    assert len(kept) == 1_000
    assert max(len(name) for name, _ in kept) == 100


def test_frequent_names_are_found_among_many() -> None:
    """Zipf's law: the names with more than their share have series, and nothing is counted twice."""
    operations, chooser = Operations(), random.Random(3)
    names = [f"N{number}" for number in range(2_000)]
    chosen = chooser.choices(names, [1 / (rank + 1) for rank in range(2_000)], k=100_000)
    for name in chosen:
        operations.run(name)
    counts = operations.counts
    assert len(counts) <= MOST_NAMES + 1
    assert {f"N{number}" for number in range(20)} <= counts.keys()


def test_a_name_that_becomes_frequent_replaces_the_least_frequent() -> None:
    operations = Operations()
    for number in range(MOST_NAMES):
        operations.run(f"N{number}", 100 if number else 10)
    operations.run("New", 8)
    assert "New" not in operations.counts
    operations.run("New", 100)
    assert "New" in operations.counts
    assert "N0" not in operations.counts
    assert len(operations.counts) == MOST_NAMES + 1


def test_old_sightings_count_less() -> None:
    operations = Operations()
    for number in range(MOST_NAMES):
        operations.run(f"N{number}", 1000)
    for _ in range(8):
        operations.names.age()
        for number in range(1, MOST_NAMES):
            operations.run(f"N{number}", 100)
    operations.run("New", 64)
    assert "New" in operations.counts
    assert "N0" not in operations.counts


def test_an_idle_name_loses_its_series_and_is_not_added_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 0.0
    monkeypatch.setattr(frequent_names, "monotonic", lambda: clock)
    operations = Operations()
    for name in ("Idle", "Busy"):
        operations.run(name, 10)
    for now in (60.0, 3000.0, 3700.0):
        clock = now
        operations.run("Busy")
        operations.names.age()
    assert operations.counts == {OTHER: 8, "Busy": 9}


def test_a_successor_knows_the_names_of_its_slot() -> None:
    first = Operations()
    first.run("Courses", 10)
    second = Operations(first.slot)
    second.run("Courses")
    assert second.counts == {OTHER: 4, "Courses": 7}


def test_client_names_have_the_same_bound() -> None:
    slot = SharedMemory().own
    requests = Counter(CLIENT_REQUESTS, slot)
    names = FrequentNames(requests, lambda _: (OTHER, OTHER), [("", "")])
    for number in range(300):
        for _ in range(10):
            requests.add(names.get(("web", f"1.{number}")))
    used = [row for _, row in slot.rows(CLIENT_REQUESTS) if row.state == RowState.USED]
    assert len(used) == MOST_NAMES + 1
    assert sum(row.values[0] for _, row in slot.rows(CLIENT_REQUESTS)) == 3000


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("web", "web"), ("a\nb\x1fc\x7f", "a�b�c�"), ("x" * 101, "x" * 100), ("\u202ea", "�a"), ('"\\', '"\\')],
)
def test_names_are_cleaned(sent: str, kept: str) -> None:
    labels: Labels = (clean(sent),)
    assert labels == (kept,)
