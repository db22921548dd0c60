"""Cleans text written by users: removes control characters before the text is stored.

Everything else is kept as it was typed, including text that looks like HTML, such as `List<String>`. Clients
that show the text in HTML must escape it. The text isn't normalised either, because Unicode's normal forms
replace the variants of Han characters that some names are written with. Only slugs, search terms and sort
keys are normalised.
"""

import re
from unicodedata import category

# Control characters, except tab and line feed. Includes Unicode's bidirectional controls, because they change
# the direction of the text that follows.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Removes control characters and surrounding white space from a string. Line ends become line feeds."""
    return _CONTROL.sub("", text.replace("\r\n", "\n")).strip()


def in_line(text: str) -> str:
    """Cleans a string like `clean`, and collapses each run of white space into one space."""
    return " ".join(clean(text).split())


def is_visible(text: str) -> bool:
    """Returns whether a string contains a letter, number, punctuation mark or symbol.

    A string that consists only of white space, marks and invisible characters is not visible.
    """
    return any(category(character)[0] in "LNPS" for character in text)
