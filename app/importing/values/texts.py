"""Normalises strings: trims them, removes control characters, and converts HTML. Also reads URLs."""

import re
from math import isfinite

from app.importing.values.html import is_html, to_markdown, to_plain, without_entities, without_unsafe_links
from loaders.model import url_problem

_BLANK = re.compile(r"[ \t\u00a0\u2007\u202f]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n|[\r\x85\u2028\u2029]")


def text(value: object) -> str:
    """Trims a string, converts special spaces and line ends to plain ones, and removes control characters."""
    if not isinstance(value, str):
        return _scalar(value)
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()  # a shortcut: most strings need only trimming
    return _BLANK.sub(" ", _clean(value)).strip()


def line(value: object) -> str:
    """Converts a title or a name to one line of plain text."""
    return " ".join(plain(value).split())


def plain(value: object) -> str:
    """Converts HTML to plain text, without tags and entities. Otherwise, replaces only entities."""
    source = text(value)
    if is_html(source):
        return re.sub(r" ?\n\s*", "\n", text(to_plain(source)))
    return text(without_entities(source))


def markdown(value: object) -> str:
    """Converts HTML to Markdown. If a text isn't HTML, replaces only entities and unsafe links."""
    source = _clean(value).strip() if isinstance(value, str) else _scalar(value)
    if not is_html(source):
        return without_unsafe_links(text(without_entities(text(source), escape=True)))
    converted = re.sub(r"[ \u00a0]+\n", "\n", to_markdown(source))
    return without_unsafe_links(re.sub(r"\n{3,}", "\n\n", converted).strip())


def url(value: object) -> str:
    """Reads an http or https URL."""
    return _checked(value, https_only=False)


def image_url(value: object) -> str:
    """Reads the URL of an image, which must be an https URL."""
    return _checked(value, https_only=True)


def _checked(value: object, *, https_only: bool) -> str:
    address = text(value).replace("&amp;", "&")  # the URL may have been copied from HTML
    if problem := url_problem(address, https_only=https_only):
        raise ValueError(problem)
    return address


def _clean(value: str) -> str:
    return _CONTROL.sub("", _LINE_END.sub("\n", value))


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("is a list or an object, not text")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("is not a finite number")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
