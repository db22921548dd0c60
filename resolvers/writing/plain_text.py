"""Text that people write, as it is stored: without HTML and control characters."""

import re
from unicodedata import category

# A URL, as Markdown has it.
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
# HTML's elements, and those of its past and its neighbours (https://html.spec.whatwg.org/#elements-3).
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
# A tag of one of them, bare or with an attribute, or a comment. "List<String>" is code and "a<b and c>d" a
# comparison: what is no tag to its writer stays.
_TAG = re.compile(rf"<(?:[!?][^<>]*+|/?(?:{_NAMES})(?:\s*/?|\s(?=[^<>]*=)[^<>]*+))>")
# What a page would take for a tag all the same, and swallow.
_BEGIN = re.compile(r"<(?=[A-Za-z/!?])")
# All but tab and line feed; also what turns the direction of the text that follows (Unicode's bidi controls).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Text without HTML's tags and control characters, and without space around it. What is left has nothing
    in it that is a tag on a page, however they were nested: "List<String>" is "List< String>". References
    such as "&amp;" stay as they were written.

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
