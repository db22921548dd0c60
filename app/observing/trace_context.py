"""The trace context that a client or proxy sends (https://www.w3.org/TR/trace-context/)."""

import re
from random import getrandbits
from typing import NamedTuple

#: The fields of version 00. Later versions may have more, which are ignored.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


class TraceContext(NamedTuple):
    """The trace that a request belongs to, and the span that sent it.

    trace_id: 32 hexadecimal digits; empty if the request doesn't belong to a trace. span_id: 16 hexadecimal
    digits; empty if the trace begins with the request. is_sampled: whether the sender has sampled the trace.
    """

    trace_id: str = ""
    span_id: str = ""
    is_sampled: bool = False


NO_PARENT = TraceContext()


def read_traceparent(traceparent: bytes | None) -> TraceContext:
    """Parses the header `traceparent`. Returns NO_PARENT if it is missing or invalid."""
    if traceparent is None or (match := _TRACEPARENT.fullmatch(traceparent)) is None:
        return NO_PARENT
    trace_id, span_id, flags, more = match.groups()
    if not trace_id.strip(b"0") or not span_id.strip(b"0") or (more and traceparent.startswith(b"00")):
        return NO_PARENT
    return TraceContext(trace_id.decode(), span_id.decode(), bool(int(flags, 16) & _SAMPLED))


def new_trace() -> TraceContext:
    """Returns the context of a request that begins a trace."""
    # It needn't be secure, because a trace id is not a secret. Formatting bytes is faster than an int.
    return TraceContext(getrandbits(128).to_bytes(16).hex())
