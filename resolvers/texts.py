"""Text that people write, as it is stored: without HTML and control characters."""

import re

# A tag, a comment, or one that has begun and would swallow what follows it on a page. "a < b" is neither.
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*(?:>|$|(?=<))")
# All but tab and line feed; also what turns the direction of the text that follows (Unicode's bidi controls).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Text without tags and control characters, and without space around it: what is left has no tag in it,
    however they were nested. References such as "&amp;" stay as they were written.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    while (stripped := _TAG.sub("", text)) != text:
        text = stripped
    return text.strip()
