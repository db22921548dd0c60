"""Text that people write, as it is stored: without HTML and control characters."""

import re
from unicodedata import category

# A URL, as Markdown has it.
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
# A tag or a comment; "a < b" is neither.
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>")
# What would begin one, and swallow what follows it on a page: in "n<k", or where tags were within tags.
_BEGIN = re.compile(r"<(?=[A-Za-z/!?])")
# All but tab and line feed; also what turns the direction of the text that follows (Unicode's bidi controls).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Text without tags and control characters, and without space around it: what is left has no tag in it,
    however they were nested. References such as "&amp;" stay as they were written.

    Each step passes the text once: to look for tags until there are none would take the square of its length.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    return _BEGIN.sub("< ", _TAG.sub("", _AUTOLINK.sub(r"\1", text))).strip()


def in_line(text: str) -> str:
    """Clean text as a line: any space in it is one space."""
    return " ".join(clean(text).split())


def is_visible(text: str) -> bool:
    """Whether it has a letter, a number or a sign: not only space, and what joins characters."""
    return any(category(character)[0] in "LNPS" for character in text)
