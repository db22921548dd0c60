"""Escapes what a terminal would obey or hide."""

from unicodedata import category

_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_KEPT = "\u200c\u200d"  # join and part the letters of some scripts, and emoji


def printable(text: str) -> str:
    """Returns a text from a file in which control and format characters are escaped, such as \\x1b."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(c)[1:-1] if category(c) in _ESCAPED and c not in _KEPT else c for c in text)
