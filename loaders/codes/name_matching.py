"""Folds names, so that "Côte d'Ivoire" and "COTE DIVOIRE" become equal."""

import re
from collections.abc import Iterable, Mapping
from unicodedata import category, combining, name, normalize

#: The maximum length of a name, in characters. Longer names aren't looked up.
LONGEST_NAME = 100

_ARTICLE = re.compile(r"^\s*the\s+|,\s*the\s*$", re.IGNORECASE)


def folded(text: str) -> str:
    """Returns a name in lower case, without spaces, punctuation or accents on Latin letters.

    "the" is removed from the beginning, or from the end if it follows a comma.
    """
    decomposed = normalize("NFKD", normalize("NFKC", _ARTICLE.sub("", text)).casefold())
    return "".join(_kept(decomposed.replace("&", "and").replace("\u0131", "i")))


def unambiguous(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Maps folded names to codes. Takes (name, code) pairs, and leaves out names with several codes."""
    codes: dict[str, str | None] = {}
    for text, code in pairs:
        key = folded(text)
        codes[key] = code if codes.get(key, code) == code else None
    return {key: code for key, code in codes.items() if key and code}


def _kept(decomposed: str) -> Iterable[str]:
    is_latin = False
    for character in decomposed:
        if combining(character):
            if not is_latin:  # in other scripts, marks such as vowel signs distinguish words
                yield character
        elif category(character)[0] in "LNM":
            is_latin = name(character, "").startswith("LATIN ")
            yield character
