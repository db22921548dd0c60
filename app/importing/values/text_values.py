"""Normalises strings, lists of strings, and strings that name an enum value, a language or a country."""

import ast
import json
import re
from html import unescape

from bs4 import BeautifulSoup
from markdownify import markdownify

from loaders.model import DeliveryMode, Level

_TAG = re.compile(r"<(?:/?[a-z][a-z0-9]*\b[^<>]*|!--.*?--)>", re.IGNORECASE | re.DOTALL)
_ENTITY = re.compile(r"&(?:[a-z]+|#\d+|#x[0-9a-f]+);", re.IGNORECASE)
_BLANK = re.compile(r"[ \t\u00a0\u2007\u202f]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_OFFLINE = re.compile(
    r"off-?\s?line|class\s?-?room|on-?\s?site|in[\s-]person|face[\s-]to[\s-]face|campus", re.IGNORECASE
)
_ONLINE = re.compile(
    r"(?<!\w)on-?\s?line|virtual|remote|distance|e-?learning|self[\s-]paced|webinar|\blive\b", re.IGNORECASE
)
_BOTH = re.compile(r"blended|hybrid|\bboth\b|mixed", re.IGNORECASE)
_LEVELS: tuple[tuple[re.Pattern[str], Level], ...] = (
    (re.compile(r"\ball\b|mixed|\bany(?:one)?\b", re.IGNORECASE), "ALL_LEVELS"),
    (re.compile(r"begin|intro|basic|foundation|element|novice|starter|entry", re.IGNORECASE), "BEGINNER"),
    (re.compile(r"intermed|medium", re.IGNORECASE), "INTERMEDIATE"),
    (re.compile(r"advanc|expert|professional|master", re.IGNORECASE), "ADVANCED"),
)
_LANGUAGES = {
    "arabic": "ar", "bengali": "bn", "chinese": "zh", "dutch": "nl", "english": "en", "french": "fr",
    "german": "de", "hebrew": "he", "hindi": "hi", "indonesian": "id", "italian": "it", "japanese": "ja",
    "korean": "ko", "persian": "fa", "polish": "pl", "portuguese": "pt", "russian": "ru", "spanish": "es",
    "swedish": "sv", "tamil": "ta", "telugu": "te", "thai": "th", "turkish": "tr", "ukrainian": "uk",
    "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip
_TAG_BCP47 = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?", re.IGNORECASE)


def text(value: object) -> str:
    """Trims a string, converts special spaces and line ends to plain ones, and removes control characters."""
    if not isinstance(value, str):
        return _scalar(value)
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()  # a shortcut: most strings need only trimming
    value = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return _BLANK.sub(" ", value).strip()


def plain(value: object) -> str:
    """Converts HTML to plain text without tags and entities. Leaves other text unchanged."""
    source = text(value)
    if "<" in source and _TAG.search(source):
        return re.sub(r" ?\n\s*", "\n", text(_soup(source).get_text(" ")))
    return text(unescape(source)) if "&" in source and _ENTITY.search(source) else source


def markdown(value: object) -> str:
    """Converts HTML to Markdown. Leaves other text unchanged."""
    source = text(value)
    if "<" in source and _TAG.search(source):
        converted = markdownify(str(_soup(source)), heading_style="ATX", bullets="-")
        return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \u00a0]+\n", "\n", converted)).strip()
    return text(unescape(source)) if "&" in source and _ENTITY.search(source) else source


def items(value: object, *, separator: str | None = None) -> list[str]:
    """Reads a list of strings: a JSON or Python list, or a string split at `separator`.

    Without a `separator`, a string is split at the first of these that it contains: vertical bars,
    semicolons, commas, line ends. Empty and repeated items are omitted.
    """
    parts = value if isinstance(value, list | tuple | set) else _split(text(value), separator)
    return list(dict.fromkeys(item for part in parts if part is not None and (item := text(part))))


def modes(value: object) -> list[DeliveryMode]:
    """Reads delivery modes (ONLINE, ONSITE) from words such as "Online & Class Room" or "hybrid"."""
    words = " ".join(items(value))
    both = bool(_BOTH.search(words))
    named: list[DeliveryMode] = []
    if both or _ONLINE.search(words):
        named.append("ONLINE")
    if both or _OFFLINE.search(words):
        named.append("ONSITE")
    if not named:
        raise ValueError("does not name a delivery mode (online, offline, classroom, blended)")
    return named


def level(value: object) -> Level:
    """Reads BEGINNER, INTERMEDIATE, ADVANCED or ALL_LEVELS. Several levels become ALL_LEVELS."""
    named = [name for pattern, name in _LEVELS if pattern.search(text(value).replace("_", " "))]
    if not named:
        raise ValueError("is not a level")
    return named[0] if len(named) == 1 else "ALL_LEVELS"


def language(value: object) -> str:
    """Reads a BCP 47 tag or the English name of a language. Returns the tag."""
    word = text(value)
    if tag := _LANGUAGES.get(word.casefold()):
        return tag
    if not _TAG_BCP47.fullmatch(word.replace("_", "-")):
        raise ValueError("is not a language (a BCP 47 tag such as en or pt-BR)")
    first, *rest = word.replace("_", "-").split("-")
    return "-".join([first.lower(), *(p.title() if len(p) == 4 else p.upper() for p in rest)])


def country(value: object) -> str:
    """Reads an ISO 3166-1 alpha-2 code; UK is read as GB."""
    code = text(value).upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError("is not a two-letter country code")
    return "GB" if code == "UK" else code


def boolean(value: object) -> bool:
    """Reads true (also t, yes, y, 1, on) or false (also f, no, n, 0, off)."""
    word = text(value).casefold()
    if word in ("true", "yes", "y", "1", "on", "t"):
        return True
    if word in ("false", "no", "n", "0", "off", "f"):
        return False
    raise ValueError("is neither true nor false")


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("is a list or an object, not text")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _soup(html: str) -> BeautifulSoup:
    soup = BeautifulSoup(html, "html.parser")
    for invisible in soup(["script", "style"]):
        invisible.decompose()
    return soup


def _split(joined: str, separator: str | None) -> list[object]:
    if joined[:1] == "[" and joined[-1:] == "]":
        return _parse_list(joined)
    if separator:
        return [*joined.split(separator)]
    for mark in ("|", ";", ",", "\n"):
        if mark in joined:
            return [*joined.split(mark)]
    return [joined]


def _parse_list(literal: str) -> list[object]:
    for parse in (json.loads, ast.literal_eval):
        try:
            return list(parse(literal))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise ValueError("is not a list, although it is in brackets")
