"""Which requests are exported."""

from random import Random

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from app import error_codes
from app.observing import NO_PARENT, Record, TraceContext, new_trace
from app.observing.tracing.sampling import MOST_PER_SECOND, Sampled, Sampling, TokenBucket
from tests.support import NOW

OWN, CLIENTS = NO_PARENT, TraceContext("f" * 32, "1" * 16)
OURS = {"OVERLOADED", "TIMEOUT", "SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"}
CODES = {value for name, value in vars(error_codes).items() if name.isupper() and isinstance(value, str)}


def ended(trace: TraceContext = OWN, *, status: int = 200, code: str = "", seconds: float = 0.1) -> Record:
    record = Record(NOW, parent=trace)
    record.status, record.code, record.errors = status, code, int(bool(code))
    record.began, record.ended = 1000.0, 1000.0 + seconds
    return record


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 1.0])
def test_the_rate_chooses_the_same_traces_as_opentelemetry(rate: float) -> None:
    random = Random(rate)
    ours, theirs = Sampling(rate, 1), TraceIdRatioBased(rate)
    sampled = 0
    for number in [random.getrandbits(128) for _ in range(10_000)]:
        is_sampled = ours.of(ended(TraceContext(f"{number:032x}"))) is Sampled.RATE
        decision = theirs.should_sample(None, number, "").decision
        assert is_sampled is (decision is Decision.RECORD_AND_SAMPLE)
        sampled += is_sampled
    assert abs(sampled - 10_000 * rate) <= 200


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_a_request_without_a_trace_is_chosen_at_random(rate: float) -> None:
    sampling = Sampling(rate, 1)
    sampled = sum(sampling.of(ended()) is Sampled.RATE for _ in range(10_000))
    assert abs(sampled - 10_000 * rate) <= 300 * (0 < rate < 1)  # at 0.3, six standard deviations are 275


def test_a_new_trace_has_a_random_id() -> None:
    traces = {new_trace() for _ in range(1000)}
    assert len(traces) == 1000
    assert all(len(trace.trace_id) == 32 and not trace.span_id for trace in traces)


@pytest.mark.parametrize(
    ("record", "sampled"),
    [
        (ended(), None),
        (ended(status=500, code="INTERNAL_SERVER_ERROR"), Sampled.FAILED),
        (ended(status=400, code="BAD_REQUEST"), None),
        (ended(status=499), None),
        (ended(seconds=0.99), None),
        (ended(seconds=1.0), Sampled.SLOW),
        (ended(CLIENTS), None),
        (ended(CLIENTS._replace(is_sampled=True)), Sampled.CLIENT),
        (ended(TraceContext("0" * 31 + "1")), Sampled.RATE),
        (ended(TraceContext("0" * 31 + "1", "1" * 16)), Sampled.CLIENT),
    ],
)
def test_a_request_is_exported_for_a_reason(record: Record, sampled: Sampled | None) -> None:
    assert Sampling(0 if record.parent is NO_PARENT else 0.01, 1).of(record) is sampled


@pytest.mark.parametrize("code", sorted(CODES | set(error_codes.BY_STATUS.values())))
def test_failed_are_requests_whose_code_is_not_the_client_s_mistake(code: str) -> None:
    assert (Sampling(0, 1).of(ended(code=code)) is Sampled.FAILED) is (code in OURS)


@pytest.mark.parametrize("trace", [CLIENTS._replace(is_sampled=True), TraceContext("0" * 31 + "1", "1" * 16)])
def test_a_client_s_choice_is_limited_and_failed_requests_have_a_limit_of_their_own(
    trace: TraceContext,
) -> None:
    sampling = Sampling(0.01, 1)
    chosen = [sampling.of(ended(trace)) for _ in range(100)]
    assert chosen == [Sampled.CLIENT] * MOST_PER_SECOND + [Sampled.OVER] * (100 - MOST_PER_SECOND)
    failed = [sampling.of(ended(trace, status=500, code="INTERNAL_SERVER_ERROR")) for _ in range(100)]
    assert failed.count(Sampled.FAILED) == MOST_PER_SECOND


def test_nothing_is_limited_if_everything_is_sampled() -> None:
    sampling = Sampling(1, 1)
    records = [ended(CLIENTS._replace(is_sampled=True)), ended(status=500, code="INTERNAL_SERVER_ERROR")]
    assert {sampling.of(record) for record in records * 100} == {Sampled.RATE}


def test_a_bucket_is_full_again_after_a_second() -> None:
    bucket = TokenBucket(2)
    assert [bucket.take(10.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(10.5) for _ in range(2)] == [True, False]
    assert [bucket.take(99.0) for _ in range(3)] == [True, True, False]
