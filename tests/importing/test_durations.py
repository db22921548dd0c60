from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.durations import decide_duration, duration, hours


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("60days", 60),
        ("60 Days", 60),
        ("8 weeks", 56),
        ("8 wks", 56),
        ("1 week", 7),
        ("one week", 7),
        ("a week", 7),
        ("half a day", 1),
        ("1½ days", 2),
        ("1.5 months", 45),
        ("Approx. 33 hours", 5),
        ("8 hours", 1),
        ("4\u20136 weeks", 35),
        ("10 to 12 weeks", 77),
        ("2 weeks 3 days", 17),
        ("2 weeks, 3 days", 17),
        ("1 month and 2 weeks", 44),
        ("1h 30min", 1),
        ("15 h", 2),
        ("1 year", 365),
        ("3\u00a0weeks", 21),
        ("Duration: 10 days.", 10),
        ("6-week course", 42),
        ("up to 4 weeks", 28),
        ("3+ months", 90),
        ("45 days (6 weeks)", 45),
        ("12 weeks (84 days)", 84),
        ("2 days (16 hours)", 2),
        ("2 days / 16 hours", 2),
        ("16 Std., 2 Tage", 2),
        ("40 hours (1 week)", 5),
        ("13h45m", 2),
        ("10h30", 2),
        ("500'", 2),
        ("1/2 day", 1),
        ("3/4 hour", 1),
        ("two and a half days", 3),
        ("a year and a half", 548),
        ("12 x 2 hours", 3),
        ("4 \u00d7 5 days", 20),
        ("zwei Wochen", 14),
        ("dos semanas", 14),
        ("三个月", 90),
        ("半年", 183),
        ("3 tuần", 21),
        ("3 สัปดาห์", 21),
        ("4 hari", 4),
        ("(approx.) 4 weeks", 28),
        ("4 weeks of study, 3-5 hours/week", 28),
        ("3 months at 10 hours a week", 90),
        ("2 hours weekly for 6 weeks", 42),
        ("6 weeks, 40 hours", 42),
        ("6 weeks, 3 credits", 42),
        ("4 weeks or 30 days", 28),
        ("1 Stunde 30 Minuten", 1),
        ("4 bis 6 Wochen", 35),
        ("4 à 6 semaines", 35),
        ("6 mois", 180),
        ("3 meses", 90),
        ("3 tygodnie", 21),
        ("2 недели", 14),
        ("2 hafta", 14),
        ("\uff16週間", 42),
        ("4周", 28),
        ("3개월", 90),
        ("PT90M", 1),
        ("P4W", 28),
        ("P1DT12H", 3),
        ("01:30:00", 1),
        ("40:00:00", 5),
    ],
)
def test_duration(text: object, days: int) -> None:
    assert duration(text) == days


def test_duration_options() -> None:
    assert duration("6", unit="weeks") == duration(6, unit="weeks") == 42
    assert duration("30 hours", hours_per_day=2) == 15
    assert duration("1.299 days", decimal=",") == 1299


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("soon", "is not a duration"),
        ("-", "is not a duration"),
        ("999999999 days", "is not a duration"),
        ("3 credits", "has no unit of time"),
        ("12 lectures", "has no unit of time"),
        ("2 semesters", "has no unit of time"),
        ("269", "has no unit"),
        (269, "has no unit"),
        ("2 days or 3 weeks", "names more than one length"),
        ("39:30", "can be read as hours or as minutes"),
        ("1.299 days", "thousands or with decimals"),
        ("10 hours a week", "is a rate"),
        ("45 min/lesson", "is a rate"),
        ("2 hours per session", "is a rate"),
        ("12 sessions of 2 hours", "is the length of each part"),
        ("10 clases de 2 horas", "is the length of each part"),
        ("3 lessons, 45 minutes each", "is the length of each part"),
        ("12 hours (6 weeks)", "names more than one length"),
        ("第三周", "is not a duration"),
    ],
)
def test_not_a_duration(text: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        duration(text)


@pytest.mark.parametrize(
    ("name", "cells", "unit", "assumed"),
    [
        ("duration hours", ["12"], "hours", False),
        ("duration in weeks", [6], "weeks", False),
        ("content duration", ["1.5"], "hours", True),
        ("duration", ["6 weeks", "8"], "weeks", True),
        ("duration", ["12", 45], "days", True),
        ("duration", ["6 weeks", "8 weeks"], None, False),
        ("duration", ["6 weeks", "30 days", "8"], None, False),
    ],
)
def test_the_unit_of_bare_numbers_is_decided_for_the_column(
    name: str, cells: list[object], unit: str | None, assumed: bool
) -> None:
    decision = decide_duration(Column(name, cells), {})
    assert decision.options.get("unit") == unit
    assert ("unit" in decision.assumed) is assumed


def test_bare_numbers_beside_several_units_are_told() -> None:
    decision = decide_duration(Column("duration", ["6 weeks", "30 days", "8"]), {})
    assert decision.notes == ["numbers without a unit are left out: the column has several units"]


@pytest.mark.parametrize(
    ("value", "number"),
    [("10", 10), (1.5, 1.5), ("about 12 h", 12), ("5-8", 6.5), ("2 hours/week", 2), ("90 min per week", 1.5)],
)
def test_hours(value: object, number: float) -> None:
    assert hours(value) == number


@pytest.mark.parametrize("value", ["2 hours a day", "3 days", "many", -1])
def test_not_hours(value: object) -> None:
    with pytest.raises(ValueError, match=r"hours|negative"):
        hours(value)


UNITS = {
    "minutes": (["{} minutes", "{} min", "{} Minuten", "{} minut", "{}分"], 1 / 480),
    "hours": (["{} hours", "{} hrs", "{}h", "{} Stunden", "{} heures", "{} часов", "{}時間"], 1 / 8),
    "days": (["{} days", "{} Tage", "{} jours", "{} días", "{} dni", "{} дней", "{}日間"], 1),
    "weeks": (["{} weeks", "{} wk", "{} Wochen", "{} semaines", "{} tygodni", "{} недель", "{}週間"], 7),
    "months": (["{} months", "{} Monate", "{} mois", "{} meses", "{} miesięcy", "{}ヶ月", "{}个月"], 30),
}
WRITTEN = st.sampled_from([(form, days) for forms, days in UNITS.values() for form in forms]).flatmap(
    lambda pair: st.integers(1, 900).map(lambda n: (pair[0].format(n), n * pair[1]))
)


@given(st.lists(WRITTEN, min_size=1))
def test_a_length_in_any_known_language_is_read_as_it_means(lengths: list[tuple[str, float]]) -> None:
    decision = decide_duration(Column("duration", [text for text, _ in lengths]), {})
    for text, days in lengths:
        assert duration(text, **decision.options) == -(-round(days, 6) // 1)


@given(st.text())
def test_any_text_is_a_duration_or_raises_value_error(text: str) -> None:
    for normaliser in (duration, hours):
        with suppress(ValueError):
            assert normaliser(text) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 hours 30 minutes", 2.5),
        ("2h30", 2.5),
        ("2 h 30 min per week", 2.5),
        ("1:30:00", 1.5),
        ("8 hours per week for 5 weeks", 8.0),
    ],
)
def test_hours_of_two_parts(text: str, expected: float) -> None:
    assert hours(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1:30", "hours or as minutes"),
        ("-2", "is negative"),
        ("1e1", "is not a number"),
        ("5 hours of video, 3 hours of reading", "more than one length"),
        ("1h30 pro Woche", "more than one length"),
    ],
)
def test_unclear_hours_are_left_out(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        hours(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 month - 2 weeks", "more than one length"),
        ("2 weeks to 1 month", "more than one length"),
        ("1 day x 3", "length of each part"),
        ("-3 days", "is negative"),
        ("1e3 days", "is not a number"),
    ],
)
def test_unclear_durations_are_left_out(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        duration(text)


@pytest.mark.parametrize(
    ("text", "days"), [("3 jours - 21h", 3), ("six to eight weeks", 49), ("seis a ocho semanas", 49)]
)
def test_durations_with_a_range_or_a_dash(text: str, days: int) -> None:
    assert duration(text) == days
