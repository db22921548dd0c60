"""Finds countries by their ISO 3166-1 codes and by their names."""

from collections.abc import Iterator, Mapping
from functools import cache

from babel import Locale
from pycountry import countries

from loaders.codes.name_matching import LONGEST_NAME, folded, unambiguous
from loaders.codes.own_names import own_country_names

_CODES = frozenset(country.alpha_2 for country in countries)

#: Common names and abbreviations that the tables lack, and the parts of the United Kingdom.
_ALIASES = {
    "UK": "GB", "U.K.": "GB", "Great Britain": "GB", "Britain": "GB", "England": "GB", "Scotland": "GB",
    "Wales": "GB", "Northern Ireland": "GB", "U.S.": "US", "U.S.A.": "US", "United States of America": "US",
    "UAE": "AE",
    "Emirates": "AE", "KSA": "SA", "PRC": "CN", "People's Republic of China": "CN", "Mainland China": "CN",
    "Hong Kong SAR": "HK", "Macau": "MO", "Macao SAR": "MO", "Republic of Korea": "KR", "ROK": "KR",
    "Korea (South)": "KR", "Korea, South": "KR", "DPRK": "KP", "Korea (North)": "KP", "Korea, North": "KP",
    "DRC": "CD", "DR Congo": "CD", "Congo (DRC)": "CD", "Congo (Kinshasa)": "CD", "Congo (Brazzaville)": "CG",
    "Republic of the Congo": "CG", "Turkey": "TR", "Holland": "NL", "Czech Republic": "CZ", "Burma": "MM",
    "Macedonia": "MK", "Swaziland": "SZ", "Ivory Coast": "CI", "East Timor": "TL", "Palestine": "PS",
    "Vatican": "VA", "香港": "HK", "台湾": "TW", "臺灣": "TW",
}  # fmt: skip


def is_country(code: str) -> bool:
    """Returns whether a string is an ISO 3166-1 alpha-2 code in capital letters: "GB" is, "UK" isn't."""
    return code in _CODES


def country_code(text: str) -> str | None:
    """Returns the ISO 3166-1 alpha-2 code of a country, or None if the country is unknown.

    text: a code of two or three letters, "UK", or the country's name in English or in one of its official
    languages.
    """
    if len(text) > LONGEST_NAME:
        return None
    if code := _codes().get(text.strip().casefold()):
        return code
    key = folded(text)
    return _english().get(key) or _own().get(key)


@cache
def _english() -> Mapping[str, str]:
    return {**unambiguous(_english_names()), **unambiguous(_ALIASES.items())}


@cache
def _codes() -> Mapping[str, str]:
    """Maps the alpha-2 and alpha-3 codes, in lower case, to alpha-2 codes.

    Codes are looked up with their punctuation, so that "N.A." isn't taken for the code of Namibia.
    """
    return {
        code.casefold(): country.alpha_2
        for country in countries
        for code in (country.alpha_2, country.alpha_3)
    }


@cache
def _own() -> Mapping[str, str]:
    return unambiguous(own_country_names(_CODES))


def _english_names() -> Iterator[tuple[str, str]]:
    """Yields the English names of countries in ISO 3166-1 and in the CLDR, each with the country's code.

    For a name such as "Korea, Republic of", also yields "Republic of Korea".
    """
    cldr = Locale("en").territories
    for country in countries:
        code = country.alpha_2
        yield cldr[code], code
        for attribute in ("name", "official_name", "common_name"):
            if written := getattr(country, attribute, None):
                yield written, code
                if ", " in written:
                    yield " ".join(reversed(written.split(", ", 1))), code
