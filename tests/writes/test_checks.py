"""Checks of input values: which values are valid, and how they are stored."""

import string
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.text.slugs import slugify
from resolvers.errors import Reason
from resolvers.relay import ids
from resolvers.values import checks
from resolvers.values.input_check import Check, InvalidValueError, NotFoundError
from tests import factories
from tests.writes.support import Value

GOOD: Sequence[tuple[Check, Value, Value]] = [
    (checks.text(5), " a\x07\nb ", "a\nb"), (checks.line(5), " a\n\tb ", "a b"),
    (checks.text(2), "ab", "ab"),
    (checks.or_none(checks.text(5)), " \n", None), (checks.or_none(checks.term), "2014-3", "2014-3"),
    (checks.whole(1, 5), 5, 5), (checks.number(0, 1), 1, 1.0),
    (checks.each(checks.line(3), 2), ["a", " a"], ["a"]), (checks.slug, "web-design-2", "web-design-2"),
    (checks.slug, "हिन्दी", "हिन्दी"),
    (checks.slug, "데이터-과학", "데이터-과학"),
    (checks.slug, "デ\u30fcタ", "デ\u30fcタ"), (checks.slug, "йога", "йога"),
    (checks.slug, "\u1112\u1161\u11ab", "\ud55c"),
    (checks.slug, "பயிற்சி", "பயிற்சி"), (checks.slug, "λόγος", "λόγος"),
    (checks.currency, "EUR", "EUR"), (checks.country, "DE", "DE"),
    (checks.currency, "XCG", "XCG"), (checks.country, "GB", "GB"),
    (checks.language, "pt-BR", "pt-BR"), (checks.term, "2014-12", "2014-12"),
    (checks.url, "https://a.example/b?c#d", "https://a.example/b?c#d"), (checks.key, "k" * 200, "k" * 200),
    (checks.email, " Ada@Example.ORG ", "ada@example.org"),
    (checks.email, " " * 300 + "ada@example.org", "ada@example.org"),
    (checks.moment, datetime(2030, 1, 1, 2, 0, 0, 123_999, timezone(timedelta(hours=2))),
     datetime(2030, 1, 1, 0, 0, 0, 123_000, UTC)),
    (checks.moment, datetime(2030, 1, 1), datetime(2030, 1, 1, tzinfo=UTC)),
    (checks.at_most(3), "abc", "abc"), (checks.or_none(checks.text(5)), " " * 80_000, None),
    (checks.compared(3), "abcd", "abc"),
]  # fmt: skip

BAD: Sequence[tuple[Check, Value]] = [
    (checks.text(5), "abcdef"), (checks.text(5), "\x07"), (checks.text(5), "\u200b"),
    (checks.line(5), "x" * 21),
    (checks.whole(1, 5), 0), (checks.whole(1, 5), 6), (checks.number(0, 1), float("nan")),
    (checks.number(0, 1), float("inf")), (checks.number(0, 1), 1.0001),
    (checks.each(checks.line(3), 2), ["a"] * 3),
    (checks.slug, "Web"), (checks.slug, "a_b"), (checks.slug, "-a"), (checks.slug, "a-"), (checks.slug, ""),
    (checks.slug, "a" * 81), (checks.slug, "a\n"), (checks.currency, "eur"), (checks.currency, "BTC"),
    (checks.currency, "SQL"), (checks.currency, "XXX"), (checks.country, "XX"), (checks.country, "ZZ"),
    (checks.country, "UK"),
    (checks.country, "D"), (checks.country, "de"), (checks.country, "ÄÖ"), (checks.language, "e"),
    (checks.language, "en_US"), (checks.language, "en-" + "a" * 40), (checks.term, "2014-0"),
    (checks.term, "14-1"), (checks.term, "2014-1\n"), (checks.url, "ftp://a.example"), (checks.url, "https://"),
    (checks.url, 'https://a"b'), (checks.url, "https://" + "a" * 493),
    (checks.key, ""), (checks.key, "k" * 201), (checks.at_most(3), "abcd"),
    (checks.or_none(checks.text(5)), " " * 80_001),
    (checks.email, "ada@example"), (checks.email, "ada example.org"), (checks.email, "a@b.c\n.d"),
    (checks.email, "@example.org"), (checks.email, "a" * 250 + "@b.org"),
    (checks.moment, datetime(1969, 12, 31, tzinfo=UTC)), (checks.moment, datetime(2200, 1, 1, tzinfo=UTC)),
    (checks.moment, datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))),
    # in UTC, the year is another one, and a client couldn't send the stored time back
    (checks.moment, datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=12)))),
    (checks.moment, datetime(2199, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))),
]  # fmt: skip


@pytest.mark.parametrize(("check", "value", "stored"), GOOD)
def test_valid_values(check: Check, value: Value, stored: Value) -> None:
    assert check(value) == stored


@pytest.mark.parametrize(("check", "value"), BAD)
def test_invalid_values_raise_a_sentence_and_a_reason(check: Check, value: Value) -> None:
    with pytest.raises(InvalidValueError, match=r"^[A-Z].*[.:0-9a-z]$") as raised:
        check(value)
    assert raised.value.reason in get_args(Reason)


def test_the_code_of_the_united_kingdom_is_named() -> None:
    with pytest.raises(ValueError, match="United Kingdom is GB"):
        checks.country("UK")


@given(st.text(max_size=60))
def test_generated_slugs_are_valid(title: str) -> None:
    made = slugify(title)
    if made:
        assert checks.slug(made) == made


@given(st.text(alphabet=string.printable, max_size=40), st.integers(1, 20))
def test_stored_text_respects_its_maximum(value: str, most: int) -> None:
    try:
        stored = checks.line(most)(value)
    except ValueError:
        return
    assert 1 <= len(stored) <= most
    assert stored == " ".join(stored.split())
    assert checks.line(most)(stored) == stored


@given(st.text(max_size=30) | st.binary(max_size=20).map(bytes.hex))
def test_invalid_ids_are_not_found(value: str) -> None:
    with pytest.raises(NotFoundError, match="There is no course with this ID"):
        checks.global_id("Course")(value)


def test_ids_of_another_type_are_not_found() -> None:
    course = factories.course()
    assert checks.global_id("Course")(ids.encode_id("Course", course)) == course["_id"]
    with pytest.raises(NotFoundError, match="There is no run with this ID"):
        checks.global_id("CourseRun")(ids.encode_id("Course", course))


@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_a_time_is_stored_in_utc_to_the_millisecond(value: datetime) -> None:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        stored = checks.moment(value)
    except ValueError:
        assert not datetime(1970, 1, 1, tzinfo=UTC) <= aware < datetime(2200, 1, 1, tzinfo=UTC)
        return
    assert stored.utcoffset() == timedelta()
    assert stored.microsecond % 1000 == 0
    assert timedelta() <= aware - stored < timedelta(milliseconds=1)
