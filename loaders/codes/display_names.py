"""Names of languages and currencies, for people to choose from."""

from collections.abc import Mapping
from functools import cache

from babel import Locale

from loaders.codes.own_names import own_language_names


def language_name(tag: str) -> str:
    """Returns the name of a language in the language itself.

    For example, returns "Deutsch" for "de", and "Português (BR)" for "pt-BR". If that name is unknown,
    returns the English name, or else the tag.
    """
    language, _, variant = tag.partition("-")
    if language not in _english_languages():
        return tag
    return f"{_name(language)} ({variant})" if variant else _name(language)


def currency_name(code: str) -> str:
    """Returns the English name of a currency: "Euro" for "EUR". Returns the code if it is unknown."""
    return _english_currencies().get(code, code)


@cache  # only for the codes that Babel knows
def _name(language: str) -> str:
    own = next(own_language_names([language]), None)
    name = own[0] if own else _english_languages()[language]
    return name[0].upper() + name[1:]


@cache
def _english_languages() -> Mapping[str, str]:
    return dict(Locale("en").languages.items())


@cache
def _english_currencies() -> Mapping[str, str]:
    return dict(Locale("en").currencies.items())
