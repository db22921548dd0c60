"""Texts, lists of texts, and the words that stand for one of a few values."""

import ast
import json
import re
from html import unescape
from typing import Any

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


def text(value: Any) -> str:
    """Trimmed, with plain spaces and line ends, and without control characters."""
    if not isinstance(value, str):
        return _scalar(value)
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()  # nothing else to do, as with most
    value = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return _BLANK.sub(" ", value).strip()


def plain(value: Any) -> str:
    """HTML to text: tags removed, entities resolved. What isn't HTML stays as it is."""
    found = text(value)
    if "<" in found and _TAG.search(found):
        found = _soup(found).get_text(" ")
        return re.sub(r" ?\n\s*", "\n", text(found))
    return text(unescape(found)) if "&" in found and _ENTITY.search(found) else found


def markdown(value: Any) -> str:
    """HTML to Markdown. What isn't HTML stays as it is."""
    found = text(value)
    if "<" in found and _TAG.search(found):
        made = markdownify(str(_soup(found)), heading_style="ATX", bullets="-")
        return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \u00a0]+\n", "\n", made)).strip()
    return text(unescape(found)) if "&" in found and _ENTITY.search(found) else found


def items(value: Any, *, separator: str | None = None) -> list[str]:
    """A list of texts: a JSON or Python list, or a text cut at `separator`; else at | ; or , or line ends.

    Empty and repeated ones are left out.
    """
    parts = value if isinstance(value, list | tuple | set) else _split(text(value), separator)
    return list(dict.fromkeys(found for part in parts if part is not None and (found := text(part))))


def modes(value: Any) -> list[DeliveryMode]:
    """ONLINE and ONSITE from words such as "Online & Class Room", "offline", "hybrid"."""
    words = " ".join(items(value))
    both = bool(_BOTH.search(words))
    found: list[DeliveryMode] = []
    if both or _ONLINE.search(words):
        found.append("ONLINE")
    if both or _OFFLINE.search(words):
        found.append("ONSITE")
    if not found:
        raise ValueError("names no delivery mode (online, offline, class room, blended)")
    return found


def level(value: Any) -> Level:
    """One of BEGINNER, INTERMEDIATE, ADVANCED, ALL_LEVELS; several of them are ALL_LEVELS."""
    found = [name for pattern, name in _LEVELS if pattern.search(text(value).replace("_", " "))]
    if not found:
        raise ValueError("is not a level")
    return found[0] if len(found) == 1 else "ALL_LEVELS"


def language(value: Any) -> str:
    """A BCP 47 tag, from a tag or from the English name of a language."""
    found = text(value)
    if named := _LANGUAGES.get(found.casefold()):
        return named
    if not _TAG_BCP47.fullmatch(found.replace("_", "-")):
        raise ValueError("is not a language (a BCP 47 tag such as en or pt-BR)")
    first, *rest = found.replace("_", "-").split("-")
    return "-".join([first.lower(), *(p.title() if len(p) == 4 else p.upper() for p in rest)])


def country(value: Any) -> str:
    """An ISO 3166-1 alpha-2 code."""
    code = text(value).upper()
    if not re.fullmatch(r"[A-Z]{2}", code):
        raise ValueError("is not a country code of two letters")
    return "GB" if code == "UK" else code


def boolean(value: Any) -> bool:
    """true, yes, y, 1 and on; false, no, n, 0 and off."""
    word = text(value).casefold()
    if word in ("true", "yes", "y", "1", "on", "t"):
        return True
    if word in ("false", "no", "n", "0", "off", "f"):
        return False
    raise ValueError("is neither true nor false")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("is a list or an object, not a text")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _soup(html: str) -> BeautifulSoup:
    soup = BeautifulSoup(html, "html.parser")
    for unseen in soup(["script", "style"]):
        unseen.decompose()
    return soup


def _split(found: str, separator: str | None) -> list[Any]:
    if found[:1] == "[" and found[-1:] == "]":
        return _literal(found)
    if separator:
        return found.split(separator)
    for mark in ("|", ";", ",", "\n"):
        if mark in found:
            return found.split(mark)
    return [found]


def _literal(found: str) -> list[Any]:
    for parse in (json.loads, ast.literal_eval):
        try:
            return list(parse(found))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise ValueError("is not a list, though it has the brackets of one")
