"""Finds the BCP 47 tag of a language from a tag, an ISO 639 code or a name."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from babel import Locale
from pycountry import languages

from loaders.codes.countries import country_code, is_country
from loaders.codes.name_matching import LONGEST_NAME, folded, unambiguous
from loaders.codes.own_names import own_language_names

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?")
#: Matches a language with a script or country: "Chinese (Simplified)" or "Portuguese - Brazil".
_QUALIFIED = re.compile(r"([^(\[,]+?)\s*(?:[(\[]([^)\]]+)[)\]]|(?:,\s*|\s[-\u2013]\s)([^)\]]+))")

_ALIASES = {
    "Farsi": "fa", "Mandarin": "zh", "Mandarin Chinese": "zh", "Chinese Mandarin": "zh", "Putonghua": "zh",
    "Chinese Simplified": "zh-Hans", "Chinese Traditional": "zh-Hant", "简体中文": "zh-Hans",
    "繁體中文": "zh-Hant", "中文简体": "zh-Hans", "中文繁體": "zh-Hant", "汉语": "zh", "漢語": "zh",
    "Brazilian": "pt-BR", "Castilian": "es", "Castellano": "es", "Bahasa Indonesia": "id",
    "Bahasa Melayu": "ms", "Bahasa Malaysia": "ms", "Hebrew (modern)": "he", "Uighur": "ug",
    "Tiếng Việt": "vi", "Gaelic": "gd", "Irish Gaelic": "ga", "Scottish Gaelic": "gd", "Kirghiz": "ky",
    "Panjabi": "pa", "Pushto": "ps", "Oriya": "or", "Bokmål": "nb", "Nynorsk": "nn", "Slovene": "sl",
    "Valencian": "ca", "Flemish": "nl-BE", "हिंदी": "hi",
}  # fmt: skip


def language_tag(text: str) -> str | None:
    """Returns the BCP 47 tag of a language, such as "pt-BR" or "zh-Hans"; None if the language is unknown.

    text: a tag in any case, a code of two or three letters, or a name in English or in the language itself. A
    name can be followed by a script or a country.
    """
    text = text.strip()
    if len(text) > LONGEST_NAME:
        return None
    return _from_tag(text) or _from_name(text) or _from_qualified(text)


def _from_tag(text: str) -> str | None:
    match = _TAG.fullmatch(text)
    code = _codes().get(match[1].lower()) if match else None
    if not match or not code:
        return None
    script, region = (match[2] or "").title(), (match[3] or "").upper()
    if script and script not in _scripts().values():
        return None
    if region and not (is_country(region) or region in _regions()):
        return None
    return "-".join(filter(None, (code, script, region)))


def _from_name(text: str) -> str | None:
    key = folded(text)
    return _english().get(key) or _own().get(key)


def _from_qualified(text: str) -> str | None:
    match = _QUALIFIED.fullmatch(text)
    tag = _from_name(match[1]) if match else None
    if not match or not tag or "-" in tag:
        return None
    qualifier = match[2] or match[3]
    part = (
        _scripts().get(folded(qualifier))
        or country_code(qualifier)
        or _regions_by_name().get(folded(qualifier))
    )
    return f"{tag}-{part}" if part else None


@cache
def _codes() -> Mapping[str, str]:
    """Maps each ISO 639 code, of two or three letters, to the shortest code of the same language."""
    named = [language for language in languages if language.type != "S" and language.scope != "S"]
    return {
        code: getattr(language, "alpha_2", language.alpha_3)
        for language in named
        for attribute in ("alpha_3", "bibliographic", "alpha_2")
        if (code := getattr(language, attribute, None))
    }


@cache
def _english() -> Mapping[str, str]:
    return {**unambiguous(_english_names()), **unambiguous(_ALIASES.items())}


@cache
def _own() -> Mapping[str, str]:
    return unambiguous(own_language_names(sorted({code for code in _codes().values() if len(code) == 2})))


def _english_names() -> Iterator[tuple[str, str]]:
    for code, name in Locale("en").languages.items():
        if code.split("_")[0] in _codes():
            yield name, code.replace("_", "-")
    for language in languages:
        if code := getattr(language, "alpha_2", None):
            # Removes the note from names such as "Swahili (macrolanguage)".
            yield re.sub(r"\s*\(.*\)", "", language.name), code


@cache
def _scripts() -> Mapping[str, str]:
    return unambiguous((name, code) for code, name in Locale("en").scripts.items())


@cache
def _regions() -> frozenset[str]:
    """Returns the codes of regions that are larger than a country, such as 419 for Latin America."""
    return frozenset(code for code in map(str, Locale("en").territories) if code.isdigit())


@cache
def _regions_by_name() -> Mapping[str, str]:
    return unambiguous((Locale("en").territories[code], code) for code in _regions())
