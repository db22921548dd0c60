"""Scalars, as they are written."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.scalars import encoded, written

LONG_AGO = datetime(2, 1, 1)
FAR_AHEAD = datetime(9998, 12, 31)


@given(st.datetimes(LONG_AGO, FAR_AHEAD))
def test_a_moment_is_the_same_whoever_writes_it(moment: datetime) -> None:
    assert orjson.loads(encoded({"at": moment})) == {"at": written(moment)}
    assert datetime.fromisoformat(written(moment)) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("depth", [250, 260, 400])
def test_an_answer_may_be_deep(depth: int) -> None:
    answer: object = {"at": datetime(2026, 7, 1), "é": 1.5}
    for _ in range(depth):
        answer = [answer]
    written_out = b'{"at":"2026-07-01T00:00:00+00:00","\xc3\xa9":1.5}'
    assert encoded(answer) == b"[" * depth + written_out + b"]" * depth


def test_a_zone_is_kept() -> None:
    moment = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert written(moment) == "2026-07-01T09:30:00+05:30"
