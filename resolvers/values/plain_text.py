"""Cleans text that users write: removes HTML tags and control characters before it is stored."""

import re
from unicodedata import category

# A URL in angle brackets, as in Markdown.
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
# The elements of HTML (https://html.spec.whatwg.org/#elements-3), obsolete ones, and roots of SVG and MathML.
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
# A comment, or a tag of one of these elements, bare or with an attribute. Everything else stays:
# "List<String>" is code, and "a<b and c>d" a comparison.
_TAG = re.compile(rf"<(?:[!?][^<>]*+|/?(?:{_NAMES})(?:\s*/?|\s(?=[^<>]*=)[^<>]*+))>")
# The start of anything that a browser would still parse as a tag, and hide.
_BEGIN = re.compile(r"<(?=[A-Za-z/!?])")
# Control characters except tab and line feed; also Unicode's bidi controls, which change the direction of the
# text that follows.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Removes HTML tags, control characters and surrounding white space from a text.

    The result contains nothing that a browser would parse as a tag, however tags were nested: a space is put
    after each remaining "<" that could start one, so "List<String>" becomes "List< String>". Character
    references such as "&amp;" stay as they are.
    Each step scans the text once. Removing tags repeatedly until none is left would take quadratic time.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    return _BEGIN.sub("< ", _TAG.sub("", _AUTOLINK.sub(r"\1", text))).strip()


def in_line(text: str) -> str:
    """Cleans a text as `clean` does, and collapses each run of white space into one space."""
    return " ".join(clean(text).split())


def is_visible(text: str) -> bool:
    """Whether a text has a letter, number, punctuation mark or symbol, not only white space and joiners."""
    return any(category(character)[0] in "LNPS" for character in text)
