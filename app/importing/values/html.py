"""Converts HTML to plain text or Markdown, and leaves everything else as it is.

A string is HTML if it has an HTML element with a closing tag, or an element that needs no closing tag, such
as <br>. Otherwise, its angle brackets are plain text: "List<String>", "if a <b and c> d", "the <h1> tag". A
tag that is only mentioned is plain text too: "the <br> tag", "<b> and </b> tags".
"""

import re
from html import unescape
from typing import Any

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

from app.importing.values.words import WORDS

_ELEMENTS = frozenset(WORDS["html"]["elements"])
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[a-z][a-z0-9]*)(?P<rest>(?:\s[^<>]*)?/?)>", re.IGNORECASE)
_BRACKET = re.compile(r"<(?!/?(?P<name>[a-z][a-z0-9]*)(?:\s[^<>]*)?/?>|!--)", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->|<!doctype[^>]*>", re.IGNORECASE | re.DOTALL)
_ANY = r"(?i:</?[a-z][a-z0-9]*\s?/?>)"
_OR = r",?\s+(?:and|or|und|oder|et|ou|y|o)\s+"
#: A series of tags. If `noun` matches, the text only mentions the tags: "the <br> tag or <hr>", "<b> and </b>
#: elements". After a space, "tag" must be in lower case, because "<br> Tag 1" means "day 1" in German. If the
#: noun were not optional, a series without a noun would be searched again from each of its tags.
_TAG_RUN = re.compile(
    rf"(?!</){_ANY}(?:(?:{_OR}|,?\s*|\s*[/&]\s*){_ANY})*+"
    rf"(?P<noun>(?:\s(?:tags?|elements?)\b|-(?:[Tt]ags?|[Ee]lemente?)\b)(?:{_OR}{_ANY})*)?"
)
_EMPTY = ("br", "hr", "img", "wbr")
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]*|#\d+|#x[0-9a-f]+);", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SAFE_SCHEMES = ("http:", "https:", "mailto:")
#: The address of a link in Markdown, and the bracket before it: [text](address), [label]: address or
#: <address>. If that bracket is escaped with a backslash, there is no link.
_LINK = re.compile(
    r"(?<!\\)\](?:\(\s*<?(?P<address>[^\s()<>]+)(?=>?\s*[()\"'])|:\s*<?(?P<labelled>[^\s()<>]+))"
    r"|(?<!\\)<(?P<bare>(?:javascript|vbscript|data):[^\s<>]+)>",
    re.IGNORECASE,
)
#: Invisible characters, some of which browsers ignore within the scheme of a URL.
_UNSEEN = re.compile(r"[\x00-\x20\u200b-\u200f\ufeff]")


class _Converter(MarkdownConverter):
    """Converts HTML to Markdown. Links with a scheme other than http, https or mailto become plain text.

    A "<" in the text of the HTML is escaped, so that it isn't taken for a tag.
    """

    def escape(self, text: str, parent_tags: Any) -> str:
        return re.sub(r"<(?=[a-z/!?])", r"\\<", str(super().escape(text, parent_tags)), flags=re.IGNORECASE)  # type: ignore[misc]  # not in the stubs

    def convert_a(self, el: Tag, text: str, parent_tags: Any) -> str:
        return str(super().convert_a(el, text, parent_tags)) if _is_safe(el.get("href")) else text  # type: ignore[misc]  # not in the stubs

    def convert_img(self, el: Tag, text: str, parent_tags: Any) -> str:
        alt = str(el.get("alt") or "")
        return str(super().convert_img(el, text, parent_tags)) if _is_safe(el.get("src")) else alt  # type: ignore[misc]  # not in the stubs


def is_html(text: str) -> bool:
    """Returns whether a string has an HTML element that is closed or needs no closing tag."""
    if "<" not in text:
        return False
    opened: set[str] = set()
    for tag in _TAG.finditer(_TAG_RUN.sub(lambda run: " " if run["noun"] else run[0], text)):
        name = tag["name"].casefold()
        if name in _EMPTY and not tag["close"]:
            return True
        if tag["close"] and name in opened:
            return True
        if name in _ELEMENTS:
            opened.add(name)
    return False


def to_plain(html: str) -> str:
    """Returns the text that HTML contains, with a space between different elements."""
    return _soup(html).get_text(" ")


def to_markdown(html: str) -> str:
    """Converts HTML to Markdown. Escapes text that looks like a tag.

    Raises ValueError if the elements are nested too deeply.
    """
    try:
        return str(_Converter(heading_style="ATX", bullets="-").convert_soup(_soup(html)))
    except RecursionError:
        raise ValueError("is HTML that is nested too deeply") from None


def without_entities(text: str, *, escape: bool = False) -> str:
    """Replaces HTML entities, such as &amp;, with their characters in text that isn't HTML.

    If `escape` is set, an entity for "<" is replaced with an escaped "<" for Markdown.
    """
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda entity: _plain_entity(entity[0], escape=escape), text)


def without_unsafe_links(markdown: str) -> str:
    """Turns links in Markdown into plain text if their scheme is not http, https or mailto."""
    return _LINK.sub(_escaped_link, markdown) if ":" in unescape(markdown) else markdown


def _escaped_link(link: re.Match[str]) -> str:
    address = unescape(link["address"] or link["labelled"] or link["bare"])
    return link[0] if _is_safe(address) else f"\\{link[0]}"


def _plain_entity(entity: str, *, escape: bool) -> str:
    character = unescape(entity)
    return "\\<" if escape and character == "<" else character


def _soup(html: str) -> BeautifulSoup:
    """Parses HTML. Tags that HTML doesn't have, or that are only mentioned, become text."""
    mentioned = _TAG_RUN.sub(
        lambda run: run[0].replace("<", "&lt;") if run["noun"] else run[0], _COMMENT.sub("", html)
    )
    known = _TAG.sub(_known_tag, _BRACKET.sub("&lt;", mentioned))
    soup = BeautifulSoup(known, "html.parser")
    for invisible in soup(["script", "style", "template"]):
        invisible.decompose()
    return soup


def _known_tag(tag: re.Match[str]) -> str:
    return tag[0] if tag["name"].casefold() in _ELEMENTS else f"&lt;{tag[0][1:]}"


def _is_safe(address: object) -> bool:
    plain = _UNSEEN.sub("", str(address or ""))
    scheme = _SCHEME.match(plain)
    return scheme is None or scheme[0].casefold() in _SAFE_SCHEMES
