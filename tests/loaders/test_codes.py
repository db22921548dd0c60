"""Codes of currencies, countries and languages, and the names that stand for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.codes import (
    country_code,
    currency_name,
    is_country,
    is_currency,
    language_name,
    language_tag,
    minor_units,
)


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("EUR", 2), ("JPY", 0), ("UYI", 0), ("UYU", 2), ("KWD", 3), ("CLF", 4), ("XCG", 2), ("ZWG", 2),
        ("SQL", None), ("XAU", None), ("XXX", None), ("XTS", None), ("DEM", None), ("eur", None), ("", None),
    ],
)  # fmt: skip
def test_a_currency_has_the_minor_unit_of_the_standard(code: str, digits: int | None) -> None:
    assert minor_units(code) == digits
    assert is_currency(code) is (digits is not None)


@pytest.mark.parametrize("code", ["DE", "GB", "NA", "XX", "ZZ", "UK", "EU", "XK", "AN", "de", "DEU", ""])
def test_only_the_codes_of_the_standard_are_countries(code: str) -> None:
    assert is_country(code) is (code in ("DE", "GB", "NA"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("USA", "US"), ("u.s.a.", "US"), ("United States of America", "US"), ("UK", "GB"), ("gb", "GB"),
        ("deu", "DE"), ("Turkey", "TR"), ("Türkiye", "TR"), ("TURKIYE", "TR"), ("South Korea", "KR"),
        ("Korea, Republic of", "KR"), ("Republic of Korea", "KR"), ("Russia", "RU"), ("Vietnam", "VN"),
        ("Viet Nam", "VN"), ("Niger", "NE"), ("Nigeria", "NG"), ("The Netherlands", "NL"),
        ("Cote d\u2019Ivoire", "CI"), ("Ivory Coast", "CI"), ("Bosnia & Herzegovina", "BA"),
        ("Deutschland", "DE"), ("España", "ES"), ("Schweiz", "CH"), ("Suisse", "CH"), ("Polska", "PL"),
        ("Россия", "RU"), ("Ελλάδα", "GR"), ("भारत", "IN"), ("مصر", "EG"), ("日本", "JP"), ("中国", "CN"),
        ("XX", None), ("ZZ", None), ("EU", None), ("Korea", None), ("Nigeri", None), ("Klingonia", None),
        ("", None), ("---", None),
    ],
)  # fmt: skip
def test_a_country_is_read_from_its_code_or_its_whole_name(text: str, code: str | None) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"), ("EN", "en"), ("en_us", "en-US"), ("pt-br", "pt-BR"), ("zh-hans", "zh-Hans"),
        ("es-419", "es-419"), ("eng", "en"), ("ger", "de"), ("deu", "de"), ("Farsi", "fa"), ("Persian", "fa"),
        ("Mandarin", "zh"), ("Chinese (Simplified)", "zh-Hans"), ("Chinese, Traditional", "zh-Hant"),
        ("Simplified Chinese", "zh-Hans"), ("Portuguese (Brazil)", "pt-BR"), ("French - Canada", "fr-CA"),
        ("Spanish (Latin America)", "es-419"), ("English (UK)", "en-GB"), ("Serbian (Latin)", "sr-Latn"),
        ("Brazilian Portuguese", "pt-BR"), ("Bengali", "bn"), ("Bangla", "bn"), ("Greek", "el"),
        ("Deutsch", "de"), ("español", "es"), ("francais", "fr"), ("Русский", "ru"), ("Ελληνικά", "el"),
        ("日本語", "ja"), ("中文", "zh"), ("हिन्दी", "hi"), ("עברית", "he"), ("Norsk", "no"),
        ("Klingonish", None), ("xx", None), ("und", None), ("zxx", None), ("en-XX", None), ("en-Qqqx", None),
        ("English, Spanish", None), ("English (Klingonia)", None), ("", None), ("()", None),
    ],
)  # fmt: skip
def test_a_language_is_read_from_its_tag_or_its_whole_name(text: str, tag: str | None) -> None:
    assert language_tag(text) == tag


def test_a_text_too_long_to_be_a_name_is_not_looked_at() -> None:
    assert country_code("a" * 20_000_000) is None
    assert language_tag("a (" * 7_000_000) is None


@given(st.text())
def test_what_is_read_is_a_code(text: str) -> None:
    code, tag = country_code(text), language_tag(text)
    assert code is None or is_country(code)
    assert tag is None or language_tag(tag) == tag


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("de", "Deutsch"), ("en", "English"), ("hi", "हिन्दी"), ("pt-BR", "Português (BR)"),
        ("zh-Hans", "中文 (Hans)"), ("la", "Latina"), ("tlh", "Klingon"), ("qqq", "qqq"), ("DE", "DE"),
        ("", ""), ("../en", "../en"), ("de-" + 200 * "x", f"Deutsch ({200 * 'x'})"),
    ],
)  # fmt: skip
def test_a_language_has_a_name_to_display(tag: str, name: str) -> None:
    assert language_name(tag) == name


@pytest.mark.parametrize(("code", "name"), [("EUR", "Euro"), ("INR", "Indian Rupee"), ("SQL", "SQL")])
def test_a_currency_has_a_name_to_display(code: str, name: str) -> None:
    assert currency_name(code) == name
