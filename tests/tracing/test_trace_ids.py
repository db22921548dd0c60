"""The trace ids of requests."""

import pytest

from app.observing import Record, Traces
from app.observing.tracing.sampling import Sampling
from app.settings import Settings
from tests.app.test_instrumentation import Recorder, gateway
from tests.tracing.test_span_queue import Exporter

QUERY = {"query": "{ __typename }"}
ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_a_request_has_its_client_s_trace_id(settings: Settings) -> None:
    recorder = Recorder()
    async with gateway(settings, recorder) as client:
        await client.post("/graphql", json=QUERY, headers={"traceparent": f"00-{ID}-{SPAN}-01"})
    assert [record.parent for record in recorder.of(Record)] == [(ID, SPAN, True)]


@pytest.mark.parametrize("headers", [{}, {"traceparent": "invalid"}])
async def test_without_one_it_has_a_trace_id_only_if_it_is_exported(
    settings: Settings, headers: dict[str, str]
) -> None:
    for rate in (0.0, 1.0):
        recorder, traces = Recorder(), Traces(Sampling(rate, slow=60), Exporter())
        async with gateway(settings, traces, recorder) as client:
            for _ in range(2):
                await client.post("/graphql", json=QUERY, headers=headers)
        found = [record.parent for record in recorder.of(Record)]
        assert len({trace.trace_id for trace in found}) == (2 if rate else 1)
        assert [len(trace.trace_id) for trace in found] == [32 if rate else 0] * 2
        assert [(trace.span_id, trace.is_sampled) for trace in found] == [("", False)] * 2
        traces.close()
