"""Reads languages and countries from their codes, their English names or their local names."""

from app.importing.values.texts import line
from app.importing.values.words import WORDS
from loaders.codes import country_code, language_tag

_THREE_LETTERS = WORDS["three_letters"]["codes"]


def language(value: object) -> str:
    """Reads a BCP 47 tag, or the name of a language, such as "Español" or "Portuguese (Brazil)".

    Returns the tag. "no" and "NO" are read as Norwegian, but "No" is invalid, because it may mean the
    opposite of "Yes".
    """
    written = line(value)
    tag = language_tag(written)
    if tag is None or written == "No" or (len(tag.split("-")[0]) == 3 and not _is_taught(written, tag)):
        raise ValueError("is not a language (a BCP 47 tag such as pt-BR, or the name of one language)")
    return tag


def country(value: object) -> str:
    """Reads an ISO 3166-1 code of two or three letters, or the name of a country, such as "Germany".

    Returns the two-letter code. UK is read as GB.
    """
    code = country_code(line(value))
    if code is None:
        raise ValueError("is not a country (an ISO 3166-1 code such as DE, or a name)")
    return code


def _is_taught(written: str, tag: str) -> bool:
    """Returns whether a string that was read as a three-letter language code really means that language.

    A word of three letters, such as "all", can be the code of a rare language by chance.
    """
    return len(written) > 3 or tag in _THREE_LETTERS
