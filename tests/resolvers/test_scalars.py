"""Scalars, as they are written."""

from datetime import UTC, datetime, timedelta, timezone

import orjson
from hypothesis import given
from hypothesis import strategies as st

from resolvers.scalars import encoded, written

LONG_AGO = datetime(2, 1, 1)
FAR_AHEAD = datetime(9998, 12, 31)


@given(st.datetimes(LONG_AGO, FAR_AHEAD))
def test_a_moment_is_the_same_whoever_writes_it(moment: datetime) -> None:
    assert orjson.loads(encoded({"at": moment})) == {"at": written(moment)}
    assert datetime.fromisoformat(written(moment)) == moment.replace(tzinfo=UTC)


def test_a_zone_is_kept() -> None:
    moment = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert written(moment) == "2026-07-01T09:30:00+05:30"
