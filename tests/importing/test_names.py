import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.names import country, language


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("English", "en"),
        ("EN", "en"),
        ("ENG", "en"),
        ("ger", "de"),
        ("pt_br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("Español", "es"),
        ("Français", "fr"),
        ("日本語", "ja"),
        ("Русский", "ru"),
        ("हिन्दी", "hi"),
        ("Chinese (Simplified)", "zh-Hans"),
        ("Mandarin", "zh"),
        ("Farsi", "fa"),
        ("English (US)", "en-US"),
        ("Portuguese (Brazil)", "pt-BR"),
        ("Filipino", "fil"),
        ("no", "no"),
    ],
)
def test_language(value: str, tag: str) -> None:
    assert language(value) == tag


@pytest.mark.parametrize(
    "value", ["Yes", "No", "All", "TBD", "xx", "Klingonish", "English, Spanish", "en-XX", "mul", ""]
)
def test_not_a_language(value: str) -> None:
    with pytest.raises(ValueError, match="is not a language"):
        language(value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("in", "IN"),
        ("DEU", "DE"),
        ("NA", "NA"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("Great Britain", "GB"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("España", "ES"),
        ("日本", "JP"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Korea, Republic of", "KR"),
        ("Cote d'Ivoire", "CI"),
        ("Bosnia & Herzegovina", "BA"),
        ("The Netherlands", "NL"),
        ("Bahamas, The", "BS"),
        ("U.S.A.", "US"),
    ],
)
def test_country(value: str, code: str) -> None:
    assert country(value) == code


@pytest.mark.parametrize("value", ["XX", "ZZ", "EU", "N.A.", "Atlantis", "Nigerr", ""])
def test_not_a_country(value: str) -> None:
    with pytest.raises(ValueError, match="is not a country"):
        country(value)


@given(st.sampled_from(list(pycountry.countries)))
def test_every_country_is_read_by_its_codes_and_its_name(entry: pycountry.db.Country) -> None:
    for written in (entry.alpha_2, entry.alpha_2.lower(), entry.alpha_3, entry.name):
        assert country(written) == entry.alpha_2


@given(st.sampled_from([entry for entry in pycountry.languages if hasattr(entry, "alpha_2")]))
def test_every_language_with_a_code_of_two_letters_is_read(entry: pycountry.db.Data) -> None:
    for written in (entry.alpha_2, entry.alpha_3, entry.name.partition(" (")[0]):
        assert language(written) == entry.alpha_2
