"""Cleans text written by users: removes HTML tags and control characters before the text is stored."""

import re
from unicodedata import category

# A URL in angle brackets, which is a link in Markdown.
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
# Names of HTML elements (https://html.spec.whatwg.org/#elements-3), including obsolete elements and the root
# elements of SVG and MathML.
_ELEMENTS = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink "
    "blockquote body br button canvas caption center cite code col colgroup data datalist dd del "
    "details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame "
    "frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd "
    "keygen label legend li link listing main map mark marquee math menu meta meter nav nobr noembed "
    "noframes noscript object ol optgroup option output p param picture plaintext portal pre progress "
    "q rp rt ruby s samp script search section select slot small source span strike strong style sub "
    "summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var "
    "video wbr xmp"
)
_NAMES = "|".join(f"{name}|{name.upper()}" if len(name) > 1 else name for name in _ELEMENTS.split())
# An HTML comment, or a tag of one of the elements above, with or without attributes. Everything else is kept,
# because "List<String>" is code, and "a<b and c>d" is a comparison.
_TAG = re.compile(rf"<(?:[!?][^<>]*+|/?(?:{_NAMES})(?:\s*/?|\s(?=[^<>]*=)[^<>]*+))>")
# A "<" that a browser would parse as the start of a tag.
_BEGIN = re.compile(r"<(?=[A-Za-z/!?])")
# Control characters, except tab and line feed. Includes Unicode's bidirectional controls, because they change
# the direction of the text that follows.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Removes HTML tags, control characters and surrounding white space from a string.

    The result contains nothing that a browser would parse as a tag, no matter how tags were nested: a space
    is inserted after each remaining "<" that could start a tag, so "List<String>" becomes "List< String>".
    Character references such as "&amp;" are left unchanged.
    Each step scans the text once. Removing tags repeatedly until none are left would take quadratic time.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    return _BEGIN.sub("< ", _TAG.sub("", _AUTOLINK.sub(r"\1", text))).strip()


def in_line(text: str) -> str:
    """Cleans a string like `clean`, and collapses each run of white space into one space."""
    return " ".join(clean(text).split())


def is_visible(text: str) -> bool:
    """Returns whether a string contains a letter, number, punctuation mark or symbol.

    A string that consists only of white space, marks and invisible characters is not visible.
    """
    return any(category(character)[0] in "LNPS" for character in text)
