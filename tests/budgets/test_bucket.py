"""The buckets of several processes with a model of the bucket that they share."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from app.budget_classes import BudgetClass
from app.budgets.bucket import Bucket
from loaders.budget import Lease
from tests.budgets.shared_bucket import SharedBucket

KIND = BudgetClass("public", 500, 20_000)


@dataclass
class Processes:
    """Several processes with one client. They lease at once: no command takes time."""

    kind: BudgetClass
    number: int
    now: float = 0.0
    admitted: list[tuple[float, int]] = field(default_factory=list)
    running: list[tuple[Bucket, int, float]] = field(default_factory=list)
    holding: set[Bucket] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shared = SharedBucket(self.kind.rate, self.kind.size)
        self.buckets = [self.new() for _ in range(self.number)]

    def new(self) -> Bucket:
        return Bucket(self.kind, "client", self.now, self.holding)

    def request(self, process: int, price: int) -> bool:
        bucket = self.buckets[process]
        mark = bucket.draw(price, self.now)
        if mark and bucket.runs_low(self.now):
            bucket.put(self.shared.lease(bucket.ask_ahead(), self.now), self.now, self.now)
        if not mark and bucket.has_enough(price, self.now):
            bucket.put(self.shared.lease(bucket.ask(price), self.now), self.now, self.now)
            mark = bucket.draw(price, self.now)
        if mark:
            self.admitted.append((self.now, price))
            self.running.append((bucket, price, mark))
        return bool(mark)

    def end(self, part: float) -> None:
        """Ends the request that has run the longest, which has done a part of its price."""
        if not self.running:
            return
        bucket, price, mark = self.running.pop(0)
        rest = price - max(1, int(price * part))
        bucket.give_back(rest, mark, self.now)
        self.admitted.append((self.now, -rest))

    def sweep(self) -> None:
        for bucket in list(self.holding):
            if points := bucket.returns(self.now):
                self.shared.give_back(points, self.now)
            if bucket.is_empty:
                self.holding.remove(bucket)

    def kill(self, process: int) -> None:
        old, self.buckets[process] = self.buckets[process], self.new()
        self.holding.discard(old)
        self.running = [running for running in self.running if running[0] is not old]

    def check(self) -> None:
        """In no interval was more admitted than 105 % of the budget, and no points are forgotten."""
        assert all(bucket.is_empty or bucket in self.holding for bucket in self.buckets)
        most = least = total = 0.0
        for at, points in self.admitted:
            # The maximum over all intervals, in one pass: points so far, less what was restored.
            before = total - at * self.kind.rate
            least = min(least, before)
            total += points
            most = max(most, total - at * self.kind.rate - least)
        assert most <= 1.05 * self.kind.size + 1


STEPS = st.one_of(
    st.tuples(st.just("request"), st.integers(0, 3), st.integers(1, 6_000)),
    st.tuples(st.just("request"), st.integers(0, 3), st.integers(1, 50)),
    st.tuples(st.just("pass"), st.floats(0, 5), st.none()),
    st.tuples(st.just("pass"), st.floats(0, 100), st.none()),
    st.tuples(st.just("end"), st.floats(0, 1), st.none()),
    st.tuples(st.just("sweep"), st.none(), st.none()),
    st.tuples(st.just("kill"), st.integers(0, 3), st.none()),
)


@settings(max_examples=300)
@given(
    st.lists(STEPS, max_size=80),
    st.sampled_from([KIND, BudgetClass("tiny", 1, 1), BudgetClass("small", 3, 10), BudgetClass("w", 50, 50)]),
)
def test_processes_never_admit_more_than_105_percent(
    steps: list[tuple[str, float, int]], kind: BudgetClass
) -> None:
    processes = Processes(kind, 4)
    for step, first, second in steps:
        match step:
            case "request":
                processes.request(int(first), min(second, kind.size))
            case "pass":
                processes.now += first
            case "end":
                processes.end(first)
            case "sweep":
                processes.sweep()
            case "kill":
                processes.kill(int(first))
    processes.check()


def test_slices_taken_one_after_the_other_and_spent_together_stay_within_the_bound() -> None:
    """The worst case: idle processes hold slices while the shared bucket fills up again."""
    processes = Processes(KIND, 12)
    for process in range(12):
        processes.request(process, 1)
        processes.now += KIND.slice / KIND.rate  # the shared bucket is full again
    processes.admitted.clear()
    for process in range(12):
        while processes.request(process, 1):
            pass
    processes.check()


def drained(kind: BudgetClass, price: int) -> int:
    """The number of requests that a process admits at once."""
    processes = Processes(kind, 1)
    while processes.request(0, price):
        pass
    return len(processes.admitted)


def test_exactly_the_size_is_admitted_at_once() -> None:
    for kind in (KIND, BudgetClass("tiny", 1, 1), BudgetClass("small", 3, 10), BudgetClass("w", 50, 50)):
        assert drained(kind, 1) == kind.size
    assert drained(KIND, 20_000) == 1
    assert drained(KIND, 10_000) == 2
    assert drained(KIND, 10_001) == 1


def test_a_client_at_its_limit_gets_its_whole_rate_from_two_processes() -> None:
    processes = Processes(KIND, 2)
    while any([processes.request(0, 100), processes.request(1, 100)]):
        pass
    began = len(processes.admitted)
    for _ in range(2_000):  # 200 seconds, in which it asks for four times its rate
        processes.now += 0.1
        for process in (0, 1):
            processes.request(process, 100)
        processes.sweep()
    assert 0.95 * 200 * KIND.rate <= 100 * (len(processes.admitted) - began) <= 200 * KIND.rate + KIND.slice
    processes.check()


def test_a_refusal_is_remembered_until_the_bucket_can_have_enough() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1_000)
    bucket.put(Lease(0, 100.0), 0.0, 0.0)
    assert not bucket.has_enough(1_000, 1.79)
    assert bucket.has_enough(1_000, 1.8)
    assert bucket.seconds_until(1_000, 0.0) == 2
    assert bucket.seconds_until(1_000, 0.8) == 1


def test_what_a_process_got_back_counts_for_its_next_lease() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(10_000)
    bucket.put(Lease(10_000, 40.0), 0.0, 0.0)
    mark = bucket.draw(10_000, 0.0)
    assert not bucket.has_enough(10_000, 0.0)
    bucket.give_back(9_960, mark, 0.0)
    assert not bucket.draw(10_000, 0.0)
    assert bucket.has_enough(10_000, 0.0)
    assert not bucket.has_enough(10_001, 0.0)
    assert bucket.ask(10_000).returned == 9_960


def test_a_slice_expires_and_is_returned() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1_000)
    bucket.put(Lease(2_000, 18_000.0), 0.0, 0.1)
    assert bucket.draw(500, 0.99)
    assert bucket.returns(0.99) == 0
    assert not bucket.draw(500, 1.0)
    assert bucket.returns(1.0) == 1_500
    assert bucket.returns(1.0) == 0


def test_a_slice_that_expired_long_ago_is_dropped() -> None:
    for now, returned in ((1.99, 2_000), (2.0, 0)):
        bucket = Bucket(KIND, "client", 0.0, set())
        bucket.ask(1_000)
        bucket.put(Lease(2_000, 18_000.0), 0.0, 0.0)
        assert bucket.returns(now) == returned


def test_points_of_an_older_slice_are_returned_not_kept() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1_000)
    bucket.put(Lease(2_000, 18_000.0), 0.0, 0.0)
    mark = bucket.draw(1_000, 0.0)
    bucket.give_back(400, mark, 0.5)
    assert bucket.draw(1_400, 0.5)
    bucket.give_back(600, mark, 1.0)
    assert not bucket.draw(1, 1.0)
    assert bucket.returns(1.0) == 600


def test_points_that_come_back_to_a_full_bucket_are_dropped() -> None:
    processes = Processes(BudgetClass("w", 50, 50), 2)
    assert processes.request(1, 6)
    processes.now = 1.0
    processes.end(0.0)
    assert processes.request(0, 49)
    assert not processes.request(1, 5)
    processes.check()


def test_a_second_slice_is_leased_before_the_first_is_used_up() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1)
    bucket.put(Lease(2_000, 18_000.0), 0.0, 0.0)
    bucket.draw(1_500, 0.0)
    assert not bucket.runs_low(0.0)
    bucket.draw(1, 0.0)
    assert bucket.runs_low(0.0)
    assert bucket.ask_ahead().least == KIND.least
    bucket.put(Lease(2_000, 16_000.0), 0.5, 0.5)
    assert not bucket.runs_low(0.5)
    assert bucket.available(0.5) == 16_000 + 2_000 + 499
    assert bucket.draw(2_000, 0.5)  # the rest of the first slice goes back
    assert bucket.returns(0.5) == 499


def test_a_process_asks_for_no_second_slice_while_others_need_the_points() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1)
    bucket.put(Lease(2_000, 7_999.0), 0.0, 0.0)
    bucket.draw(2_000, 0.0)
    assert not bucket.runs_low(0.0)


def test_an_expired_slice_serves_requests_while_mongodb_is_away() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1)
    bucket.put(Lease(2_000, 18_000.0), 0.0, 0.0)
    assert bucket.draw(2_000, 100.0, aged=True)
    assert not bucket.draw(1, 100.0, aged=True)


def test_a_process_alone_keeps_to_the_rate_and_the_size() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.retry_at = 1.0
    assert bucket.draw_alone(19_000, 0.0)
    assert bucket.draw_alone(1_000, 0.0)
    assert not bucket.draw_alone(1, 0.0)
    assert (bucket.available(0.0), bucket.seconds_until(1_000, 0.0)) == (0, 2)
    assert not bucket.draw_alone(1_000, 1.999)
    assert bucket.draw_alone(1_000, 2.0)
    assert not bucket.draw_alone(20_001, 1_000.0)
    assert bucket.draw_alone(20_000, 1_000.0)


def test_a_process_alone_gets_back_what_a_request_didnt_need() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    mark = bucket.draw_alone(20_000, 0.0)
    bucket.give_back(19_990, mark, 0.0)
    assert not bucket.draw_alone(19_991, 0.0)
    assert bucket.draw_alone(19_990, 0.0)
    assert bucket.returns(0.0) == 0  # the shared bucket has lost nothing
    bucket.give_back(19_990, mark, 1_000.0)
    assert not bucket.draw_alone(20_001, 1_000.0)


def test_failures_that_come_again_give_no_more_than_one_that_lasts() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    for second in range(10):
        bucket.retry_at = second + 1.0
        while bucket.draw_alone(500, second):
            pass
        bucket.put(Lease(0, 20_000.0), second, second)
        assert not bucket.is_alone
        assert bucket.available(second) == 20_000
    assert not bucket.draw_alone(500, 9.0)
    assert bucket.draw_alone(500, 10.0)
    assert not bucket.draw_alone(1, 10.0)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 20_000), st.floats(0, 1)), max_size=60))
def test_a_client_within_its_budget_is_never_refused_by_a_process_alone(
    requests: list[tuple[float, int, float]],
) -> None:
    bucket, level, now = Bucket(KIND, "client", 0.0, set()), float(KIND.size), 0.0
    for pause, price, part in requests:
        now += pause
        level = min(KIND.size, level + pause * KIND.rate)
        if price > level - 1e-6:
            continue  # it would be over its budget
        actual = max(1, int(price * part))
        level -= actual
        mark = bucket.draw_alone(price, now)
        assert mark
        bucket.give_back(price - actual, mark, now)


def test_a_lease_after_a_failure_keeps_the_slice_until_it_succeeds() -> None:
    bucket = Bucket(KIND, "client", 0.0, set())
    bucket.ask(1)
    bucket.put(Lease(2_000, 18_000.0), 0.0, 0.0)
    assert bucket.ask_ahead().returned == 0  # fails
    assert bucket.ask_ahead().returned == 0
    bucket.put(Lease(2_000, 16_000.0), 0.5, 0.5)
    assert bucket.ask_ahead().returned == 2_000  # a third slice would have no place
    bucket.put(Lease(2_000, 16_000.0), 0.6, 0.6)
    assert bucket.draw(2_000, 0.6)
    assert bucket.draw(2_000, 0.6)
    assert not bucket.draw(1, 0.6)
