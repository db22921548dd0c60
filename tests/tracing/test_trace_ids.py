"""The trace ids of requests."""

import pytest

from app.observing import Record
from app.settings import Settings
from tests.app.test_instrumentation import Recorder, gateway

QUERY = {"query": "{ __typename }"}
ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Tracing(Recorder):
    needs_trace = True


async def test_a_request_has_its_client_s_trace_id_or_else_a_new_one(settings: Settings) -> None:
    recorder = Tracing()
    async with gateway(settings, recorder) as client:
        await client.post("/graphql", json=QUERY, headers={"traceparent": f"00-{ID}-{SPAN}-01"})
        for _ in range(2):
            await client.post("/graphql", json=QUERY, headers={"traceparent": "invalid"})
    sent, *new = [record.parent for record in recorder.of(Record)]
    assert sent == (ID, SPAN, True)
    assert len({trace.trace_id for trace in new}) == 2
    assert [(len(trace.trace_id), trace.span_id, trace.is_sampled) for trace in new] == [(32, "", False)] * 2


@pytest.mark.parametrize("headers", [{}, {"traceparent": "invalid"}])
async def test_without_traces_a_request_has_only_its_client_s_trace_id(
    settings: Settings, headers: dict[str, str]
) -> None:
    recorder = Recorder()
    async with gateway(settings, recorder) as client:
        await client.post("/graphql", json=QUERY, headers=headers)
    assert [record.parent.trace_id for record in recorder.of(Record)] == [""]
