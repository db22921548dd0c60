"""Reads languages and countries by their codes or names, in English and in other languages.

The names are those of pycountry and the aliases in words.toml. A name must match exactly, apart from case,
accents and punctuation, because a similar name can mean another country, such as Niger and Nigeria.
"""

import gettext
import re
from collections.abc import Iterable, Iterator
from functools import cache
from unicodedata import category, normalize

import pycountry

from app.importing.values.texts import line
from app.importing.values.words import WORDS, by_word

_LOCALES = WORDS["locales"]["names"]
_THREE_LETTERS = WORDS["three_letters"]["codes"]
_MACROLANGUAGES = {"cmn": "zh", "arb": "ar", "pes": "fa", "prs": "fa", "nob": "nb"}
_ACCENTS = re.compile("[\u0300-\u036f]")
_TAG = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?", re.IGNORECASE)
_WITH_REGION = re.compile(r"(.+?)\s*[(,\uff08-]\s*(.+?)\s*[)\uff09]?")


def language(value: object) -> str:
    """Reads a BCP 47 tag, or the name of a language, such as "Español" or "Portuguese (Brazil)".

    Returns the tag.
    """
    written = line(value)
    named = _language_names().get(_folded(written)) or _tag(written.replace("_", "-"))
    if named is None and (parts := _WITH_REGION.fullmatch(written)):
        named = _with_region(*parts.groups())
    if named is None:
        raise ValueError("is not a language (a BCP 47 tag such as pt-BR, or the name of one language)")
    return named


def country(value: object) -> str:
    """Reads an ISO 3166-1 code of two or three letters, or the name of a country, such as "Germany".

    Returns the code of two letters. UK is read as GB.
    """
    written = line(value)
    folded = _folded(written)
    if len(folded) == 2 and (entry := pycountry.countries.get(alpha_2=folded.upper())):
        return str(entry.alpha_2)
    if len(folded) == 3 and (entry := pycountry.countries.get(alpha_3=folded.upper())):
        return str(entry.alpha_2)
    code = _country_names().get(folded) or _country_names().get(_turned(written))
    if code is None:
        raise ValueError("is not a country (an ISO 3166-1 code such as DE, or a name)")
    return code


def _tag(written: str) -> str | None:
    """Returns a language tag in its usual case, or None if its language or its country is unknown."""
    match = _TAG.fullmatch(written)
    if match is None:
        return None
    code, script, region = match[1].lower(), match[2], match[3]
    if (known := _language_code(code)) is None:
        return None
    if region and not region.isdigit() and pycountry.countries.get(alpha_2=region.upper()) is None:
        return None
    return "-".join(filter(None, (known, script and script.title(), region and region.upper())))


def _language_code(code: str) -> str | None:
    """Returns the shortest code of a language, given a code of two or three letters in lower case.

    Returns None if the language is unknown.
    """
    if len(code) == 2:
        return code if pycountry.languages.get(alpha_2=code) else None
    entry = pycountry.languages.get(alpha_3=code) or pycountry.languages.get(bibliographic=code)
    short = getattr(entry, "alpha_2", None) or _MACROLANGUAGES.get(code)
    return short or (code if code in _THREE_LETTERS else None)


def _with_region(name: str, region: str) -> str | None:
    """Reads "Portuguese (Brazil)", "English (US)" and "English - UK"."""
    code = _language_names().get(_folded(name))
    try:
        return f"{code}-{country(region)}" if code and "-" not in code else None
    except ValueError:
        return None


def _folded(name: str) -> str:
    """Returns a name in lower case, without accents and punctuation."""
    plain = _ACCENTS.sub("", normalize("NFD", name.casefold().replace("&", " and ")))
    letters = (c if c.isalnum() or category(c).startswith("M") else " " for c in normalize("NFC", plain))
    return " ".join("".join(letters).split())


def _turned(name: str) -> str:
    """Returns a name with a comma the other way round: "Korea, Republic of" becomes "republic of korea"."""
    last, comma, first = name.partition(",")
    return _folded(f"{first} {last}") if comma else ""


@cache
def _country_names() -> dict[str, str]:
    names: dict[str, set[str]] = {}
    for entry in pycountry.countries:
        forms = [getattr(entry, kind, None) for kind in ("name", "common_name", "official_name")]
        for name in _translations("iso3166-1", filter(None, forms)):
            names.setdefault(_folded(name), set()).add(entry.alpha_2)
            names.setdefault(_turned(name), set()).add(entry.alpha_2)
    return _unique(names) | {_folded(name): code for name, code in by_word("countries").items()}


@cache
def _language_names() -> dict[str, str]:
    names: dict[str, set[str]] = {}
    for entry in pycountry.languages:
        if hasattr(entry, "alpha_2"):
            for name in _translations("iso639-3", (entry.name,)):
                names.setdefault(_folded(name), set()).add(entry.alpha_2)
    return _unique(names) | {_folded(name): code for name, code in by_word("languages").items()}


def _translations(domain: str, names: Iterable[str]) -> Iterator[str]:
    """Yields English names, and their translations into the other languages."""
    for name in names:
        yield name
        for translate in _catalogues(domain):
            yield from translate.gettext(name).split("; ")


@cache
def _catalogues(domain: str) -> list[gettext.NullTranslations]:
    return [
        gettext.translation(domain, pycountry.LOCALES_DIR, [locale], fallback=True) for locale in _LOCALES
    ]


def _unique(names: dict[str, set[str]]) -> dict[str, str]:
    """Returns the names that have a single code, with that code."""
    return {name: codes.pop() for name, codes in names.items() if len(codes) == 1 and name}
