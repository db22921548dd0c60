"""Scalars: how times are serialised."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from app.execution.encoding import encoded
from resolvers.values.scalars import written

LONG_AGO = datetime(2, 1, 1)
FAR_AHEAD = datetime(9998, 12, 31)


@given(st.datetimes(LONG_AGO, FAR_AHEAD))
def test_times_have_one_form_in_both_serialisers(moment: datetime) -> None:
    assert encoded([moment]) == f'["{written(moment)}"]'.encode()
    assert len(written(moment)) == 20
    assert datetime.fromisoformat(written(moment)) == moment.replace(microsecond=0, tzinfo=UTC)


def test_times_with_a_zone_are_written_in_utc() -> None:
    moment = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert written(moment) == "2026-07-01T04:00:00Z"
