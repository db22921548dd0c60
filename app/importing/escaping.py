"""Escapes characters that a terminal would interpret or hide."""

from unicodedata import category

_ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
_KEPT = "\u200c\u200d"  # zero-width characters that join or separate letters in some scripts, and join emoji


def printable(text: str) -> str:
    """Returns a string with its control and format characters escaped, for example as \\x1b."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(ascii(c)[1:-1] if category(c) in _ESCAPED and c not in _KEPT else c for c in text)
