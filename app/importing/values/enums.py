"""Reads words that stand for an enum value or a boolean."""

import re

from app.importing.values.lists import items
from app.importing.values.texts import text
from loaders.model import DeliveryMode, Level

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


def mode(value: object) -> DeliveryMode:
    """Reads the delivery mode of a run, which has only one."""
    named = modes(value)
    if len(named) > 1:
        raise ValueError("names both delivery modes, but a run has only one")
    return named[0]


def level(value: object) -> Level:
    """Reads BEGINNER, INTERMEDIATE, ADVANCED or ALL_LEVELS. Several levels become ALL_LEVELS."""
    named = [name for pattern, name in _LEVELS if pattern.search(text(value).replace("_", " "))]
    if not named:
        raise ValueError("is not a level")
    return named[0] if len(named) == 1 else "ALL_LEVELS"


def boolean(value: object) -> bool:
    """Reads true (also t, yes, y, 1, on) or false (also f, no, n, 0, off)."""
    word = text(value).casefold()
    if word in ("true", "yes", "y", "1", "on", "t"):
        return True
    if word in ("false", "no", "n", "0", "off", "f"):
        return False
    raise ValueError("is neither true nor false")


def constant(value: object) -> str:
    """Converts words to the form of the schema's enum values: "in progress" becomes "IN_PROGRESS"."""
    return text(value).upper().replace(" ", "_").replace("-", "_")
