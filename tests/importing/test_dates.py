from calendar import month_name
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from datetime import date as calendar_date
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.dates import date, day_offset, decide_date

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
    "text",
    [
        "",
        "soon",
        "2015",
        "May 2015",
        12,
        0,
        True,
        "2015-13-01",
        "31.02.2015",
        "99/99/2015",
        "12:30",
        "Tuesday",
    ],
)
def test_not_a_date(text: object) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        date(text)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01", "0001-01-01T00:00:00+05:00", "1899-12-31", "31/12/1899", "2200-01-01T00:00:00Z",
        "9999-12-31", "9999-12-31T23:59:59-05:00", "253402300799",
    ],
)  # fmt: skip
def test_years_that_stand_for_no_date_are_left_out(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date from 1900 to 2199"):
        date(text)


@pytest.mark.parametrize("text", ["1900-01-01", "2199-12-31"])
def test_the_first_and_the_last_year(text: str) -> None:
    assert date(text).date().isoformat() == text


def test_an_ambiguous_date_needs_day_first() -> None:
    with pytest.raises(ValueError, match="day_first"):
        date("11/06/2015")
    assert date("11/06/2015", day_first=True) == JUNE
    assert date("06/11/2015", day_first=False) == JUNE
    assert date("25/12/2015") == datetime(2015, 12, 25, tzinfo=UTC)
    assert date("12/25/2015 10:30") == datetime(2015, 12, 25, 10, 30, tzinfo=UTC)


@pytest.mark.alone
def test_numbers_are_read_quickly() -> None:
    started = process_time()
    for number in range(1_000):
        assert date(1_446_703_200_000 + number).year == 2015
        with suppress(ValueError):
            date(100.0 + number)  # too small for a date
    assert process_time() - started < 0.5


def test_a_strptime_pattern() -> None:
    assert date("11|2015|6", format="%d|%Y|%m") == JUNE


def test_times_are_truncated_to_milliseconds_as_mongodb_stores_them() -> None:
    assert date("2015-06-11T00:00:00.123999Z") == JUNE + timedelta(milliseconds=123)


@pytest.mark.parametrize(("days", "expected"), [("-159", -159), (0, 0), ("12", 12), ("167", 167)])
def test_day_offset(days: object, expected: int) -> None:
    assert day_offset(days, start="2013-10-01") == datetime(2013, 10, 1, tzinfo=UTC) + timedelta(expected)


@pytest.mark.parametrize("days", ["1e6", -100_000])
def test_an_offset_beyond_the_years_is_left_out(days: object) -> None:
    with pytest.raises(ValueError, match="is not a date from 1900 to 2199"):
        day_offset(days, start="2020-01-01")


@given(MOMENTS)
def test_round_trip_through_milliseconds_and_iso_8601(moment: datetime) -> None:
    assert date(round(moment.timestamp() * 1000)) == moment
    assert date(moment.isoformat()) == moment
    assert date(moment.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()) == moment


@given(st.text() | st.floats() | st.integers())
def test_any_value_is_a_date_or_raises_value_error(value: object) -> None:
    with suppress(ValueError):
        assert date(value).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Monday, 31 August 2020, 10:05 AM", datetime(2020, 8, 31, 10, 5)),
        ("8/31/2020 10:05:22 PM", datetime(2020, 8, 31, 22, 5, 22)),
        ("31/12/20", datetime(2020, 12, 31)),
        ("2020-01-31 10:00:00 UTC", datetime(2020, 1, 31, 10)),
        ("2020-01-31 10:00 EST", datetime(2020, 1, 31, 15)),
        ("2020-01-31 10:00:00 +0530", datetime(2020, 1, 31, 4, 30)),
        ("12:00 AM", None),
        ("Jan 5 2015 12:00am", datetime(2015, 1, 5)),
        ("Jan 5 2015 12:30 PM", datetime(2015, 1, 5, 12, 30)),
        ("March 3rd, 2021 at 5:00 PM", datetime(2021, 3, 3, 17)),
        ("Sun Jan 31 10:00:00 UTC 2021", datetime(2021, 1, 31, 10)),
        ("Wed Aug 27 13:08:45 +0000 2008", datetime(2008, 8, 27, 13, 8, 45)),
        ("31. August 2020", datetime(2020, 8, 31)),
        ("mardi 31 mars 2020", datetime(2020, 3, 31)),
        ("31 de agosto de 2020", datetime(2020, 8, 31)),
        ("31 sierpnia 2020", datetime(2020, 8, 31)),
        ("3 марта 2020", datetime(2020, 3, 3)),
        ("2020年8月31日", datetime(2020, 8, 31)),
        ("2020. 8. 31.", datetime(2020, 8, 31)),
        ("2020年8月31日(月) 10:05", datetime(2020, 8, 31, 10, 5)),
        ("2020/08/31\uff08月曜日\uff09", datetime(2020, 8, 31)),
        ("2020年8月31日 星期一 下午10:05", datetime(2020, 8, 31, 22, 5)),
        ("2020년 8월 31일 월요일 오전 10:05", datetime(2020, 8, 31, 10, 5)),
        ("segunda-feira, 31 de agosto de 2020 às 10:05", datetime(2020, 8, 31, 10, 5)),
        ("31 Agustus 2020", datetime(2020, 8, 31)),
        ("2020-08-31 10:05:22 +0000 UTC", datetime(2020, 8, 31, 10, 5, 22)),
        ("31 Feb 2020", None),
        ("Jan 5 2015 25:00", None),
        ("Jan 5 2015 13:00 PM", None),
    ],
)
def test_written_dates(text: str, expected: datetime | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="is not a date"):
            date(text)
    else:
        assert date(text) == expected.replace(tzinfo=UTC)


def test_a_spreadsheet_s_days_are_read_if_the_column_has_no_other_numbers() -> None:
    decision = decide_date(Column("joined", ["44197", 44198.5, "2021-01-03"]), {})
    assert decision.options == {"excel": True}
    assert decision.assumed == {"excel": "bare numbers are a spreadsheet's days"}
    assert date("44197", **decision.options) == datetime(2021, 1, 1, tzinfo=UTC)
    assert date(44198.5, **decision.options) == datetime(2021, 1, 2, 12, tzinfo=UTC)
    assert decide_date(Column("joined", ["44197", "1433980800"]), {}).options == {}
    with pytest.raises(ValueError, match="excel = true"):
        date("44197")


@pytest.mark.parametrize(
    ("cells", "day_first"),
    [
        (["06/11/2015", "25/12/2015"], True),
        (["06/11/2015 10:00", "12/25/2015 11:30"], False),
        (["06/11/15", "12/25/15"], False),
        (["06/11/2015"], None),
        (["2015-06-11", "06/11/2015"], None),
        (["25/12/2015", "12/25/2015"], None),
    ],
)
def test_the_order_of_day_and_month_is_what_the_column_s_dates_show(
    cells: list[object], day_first: bool | None
) -> None:
    assert decide_date(Column("joined", cells), {}).options.get("day_first") == day_first


def test_a_column_in_both_orders_is_told() -> None:
    (note,) = decide_date(Column("joined", ["25/12/2015", "12/25/2015"]), {}).notes
    assert note == "some dates have the day first, others the month: unclear ones are left out"


def test_years_of_two_digits_are_told() -> None:
    assert "format" in decide_date(Column("joined", ["25/12/15"]), {}).assumed


FORMS = st.sampled_from(
    [
        "{d}/{m}/{y}", "{d:02}/{m:02}/{y}", "{m}/{d}/{y}", "{m}/{d}/{y} 10:30 AM", "{d}.{m}.{y}",
        "{d}-{m}-{y}", "{y}/{m}/{d}", "{y}-{m:02}-{d:02}", "{d} {name} {y}", "{name} {d}, {y}",
        "{d}-{short}-{y}", "{short} {d} {y}",
    ]
)  # fmt: skip


@given(FORMS, st.lists(st.dates(calendar_date(1980, 1, 1), calendar_date(2100, 1, 1)), min_size=1))
def test_a_column_of_dates_in_one_form_is_read_as_it_means_or_left_out(
    form: str, days: list[calendar_date]
) -> None:
    names = [month_name[day.month] for day in days]
    cells = [
        form.format(d=day.day, m=day.month, y=day.year, name=name, short=name[:3])
        for day, name in zip(days, names, strict=True)
    ]
    decision = decide_date(Column("joined", cells), {})
    for cell, day in zip(cells, days, strict=True):
        with suppress(ValueError):
            assert date(cell, **decision.options).date() == day
