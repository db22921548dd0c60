"""Names of languages and countries in their own languages, from Babel's copy of the CLDR.

Reading all of these names takes about half a second, so callers cache the result, and try English names
first.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby

from babel import Locale, UnknownLocaleError, localedata
from babel.languages import get_official_languages


def own_language_names(codes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields each language's name in the language itself, with its code: ("Deutsch", "de")."""
    for code, locale in _locales(codes):
        if name := locale.languages.get(code):
            yield name, code


def own_country_names(codes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields each country's name in each of its official languages, with its code: ("Suisse", "CH")."""
    pairs = sorted((language, code) for code in codes for language in _spoken(code))
    countries: Mapping[str, list[str]] = {
        language: [code for _, code in group] for language, group in groupby(pairs, key=lambda pair: pair[0])
    }
    for language, locale in _locales(countries):
        for code in countries[language]:
            if name := locale.territories.get(code):
                yield name, code


def _spoken(country: str) -> Iterable[str]:
    return chain(
        get_official_languages(country, de_facto=True), get_official_languages(country, regional=True)
    )


def _locales(codes: Iterable[str]) -> Iterator[tuple[str, Locale]]:
    """Yields each language code for which Babel has a locale, with the locale.

    Babel caches every locale, which takes about 0.5 MB, so the cache is cleared after each one.
    """
    for code in codes:
        try:
            yield code, Locale.parse(code)
        except UnknownLocaleError:
            continue
        finally:
            localedata.clear_caches()
