"""Which requests are exported as traces."""

from enum import StrEnum
from random import random

from app.error_codes import OUR_FAULTS
from app.observing.record import Record

#: The maximum number of traces per second for clients' requests to be sampled, and again for requests that
#: failed or were slow.
MOST_PER_SECOND = 20

_SERVER_ERROR = 500
_ALL = "g"  # greater than all hexadecimal digits


class Sampled(StrEnum):
    """Why a request is exported.

    RATE: it is in the share that is sampled. CLIENT: the client has sampled the trace, or has sent
    such a trace id. FAILED, SLOW: how it ended. OVER: dropped by the rate limit.
    """

    RATE = "rate"
    CLIENT = "client"
    FAILED = "failed"
    SLOW = "slow"
    OVER = "over"


class TokenBucket:
    """Limits events to a number per second, which is also the largest burst."""

    def __init__(self, per_second: float) -> None:
        self._per_second = self._tokens = per_second
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Returns whether an event at this time is within the limit."""
        self._tokens = min(self._per_second, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Sampling:
    """Samples a share of all requests, and keeps those that failed or were slow.

    A request without a trace is sampled at random. For a client's trace, the share is decided as
    OpenTelemetry's TraceIdRatioBased does: by the lower 64 bits of the trace id, so that all services with
    the same rate choose the same traces. Clients can choose their trace ids, so these are limited like the
    sampled flag.

    rate: the share, from 0 to 1. slow: the number of seconds from which on a request is slow.
    """

    def __init__(self, rate: float, slow: float) -> None:
        self._rate, self._takes_all = rate, rate >= 1
        # Compared as text, because that is faster than parsing each trace id.
        self._bound = _ALL if self._takes_all else f"{round(rate * 2**64):016x}"
        self._slow = slow
        self._by_client, self._by_outcome = TokenBucket(MOST_PER_SECOND), TokenBucket(MOST_PER_SECOND)

    def of(self, record: Record) -> Sampled | None:
        """Returns why a request that has ended is exported, or None if it isn't."""
        trace = record.parent
        is_within_rate = trace.trace_id[16:] < self._bound if trace.trace_id else random() < self._rate  # noqa: S311
        if is_within_rate and (self._takes_all or not trace.span_id):
            return Sampled.RATE
        if record.errors and is_failed(record):
            reason, bucket = Sampled.FAILED, self._by_outcome
        elif record.ended - record.began >= self._slow:
            reason, bucket = Sampled.SLOW, self._by_outcome
        elif is_within_rate or trace.is_sampled:
            reason, bucket = Sampled.CLIENT, self._by_client
        else:
            return None
        return reason if bucket.take(record.ended) else Sampled.OVER


def is_failed(record: Record) -> bool:
    """Returns whether a request failed through no mistake of its client."""
    return record.status >= _SERVER_ERROR or record.code in OUR_FAULTS
