from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.dates import date, day_offset

JUNE = datetime(2015, 6, 11, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)


@pytest.mark.parametrize(
    "text",
    [
        "2015-06-11",
        "20150611",
        "2015-06-11T00:00:00Z",
        "2015-06-11 00:00:00",
        "2015-06-11T02:00:00+02:00",
        "June 11, 2015",
        "11 June 2015",
        "11 Jun 2015",
        "Jun 11 2015",
        "11th of June, 2015",
        "Thursday 11 June 2015",
        "11-Jun-2015",
        "Jun 11, 2015 12:00 AM",
        "2015/6/11",
        "11.06.2015",
        "Thu, 11 Jun 2015 00:00:00 GMT",
        1433980800,
        1433980800000,
        "1433980800",
        "1433980800000",
        1433980800.0,
        "June\u00a011, 2015",
    ],
)
def test_date(text: object) -> None:
    assert date(text) == JUNE


@pytest.mark.parametrize(
    "text", ["", "soon", "2015", 12, 0, True, "2015-13-01", "31.02.2015", "99/99/2015", "11/06/15"]
)
def test_not_a_date(text: object) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        date(text)


def test_an_ambiguous_date_needs_day_first() -> None:
    with pytest.raises(ValueError, match="day_first"):
        date("11/06/2015")
    assert date("11/06/2015", day_first=True) == JUNE
    assert date("06/11/2015", day_first=False) == JUNE
    assert date("25/12/2015") == datetime(2015, 12, 25, tzinfo=UTC)
    assert date("12/25/2015 10:30") == datetime(2015, 12, 25, 10, 30, tzinfo=UTC)


def test_a_strptime_pattern() -> None:
    assert date("11|2015|6", format="%d|%Y|%m") == JUNE


def test_times_are_truncated_to_milliseconds_as_mongodb_stores_them() -> None:
    assert date("2015-06-11T00:00:00.123999Z") == JUNE + timedelta(milliseconds=123)


@pytest.mark.parametrize(("days", "expected"), [("-159", -159), (0, 0), ("12", 12), ("167", 167)])
def test_day_offset(days: object, expected: int) -> None:
    assert day_offset(days, start="2013-10-01") == datetime(2013, 10, 1, tzinfo=UTC) + timedelta(expected)


@given(MOMENTS)
def test_round_trip_through_milliseconds_and_iso_8601(moment: datetime) -> None:
    assert date(round(moment.timestamp() * 1000)) == moment
    assert date(moment.isoformat()) == moment
    assert date(moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()) == moment


@given(st.text() | st.floats() | st.integers())
def test_any_value_is_a_date_or_raises_value_error(value: object) -> None:
    with suppress(ValueError):
        assert date(value).tzinfo is UTC
