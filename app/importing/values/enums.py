"""Reads words that stand for an enum value or a boolean, and places that stand for a delivery mode."""

import re
from collections.abc import Sequence
from typing import Literal, get_args

from app.importing.values.lists import items
from app.importing.values.texts import line, text
from app.importing.values.words import WORDS
from loaders.model import DeliveryMode, Level
from loaders.text import nfc

_MODES = WORDS["modes"]


def _words(*kinds: str, unspaced: Sequence[str] = ()) -> re.Pattern[str]:
    """Returns a pattern of the words for delivery modes: those between spaces, and those without."""
    spaced = "|".join(word for kind in kinds for word in _MODES[kind])
    return re.compile("|".join((rf"(?<!\w)(?:{spaced})(?!\w)", *unspaced)), re.IGNORECASE)


_OFFLINE = _words("onsite", unspaced=_MODES["unspaced_onsite"])
_ONLINE = _words("online", "services", unspaced=(r"\blive\b", *_MODES["unspaced_online"]))
_BOTH = _words("both")
_VIRTUAL_ROOM = re.compile(r"\b(virtual|digital|remote)\s+class\s?-?rooms?\b", re.IGNORECASE)
_LONGEST = 500  # characters that are looked at; a longer text is hardly a place
_DOMAIN = r"(?:com|org|net|edu|gov|info|app|io|eu|us|uk|de|fr|es|it|nl|pl|ch|at|cz|pt|br|ru|be|se|tv)"
_URL = re.compile(rf"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.{_DOMAIN}/\S*", re.IGNORECASE)
#: In a URL: the address of a map shows a room, and that of a service for meetings doesn't.
_MAP = re.compile(r"\bmaps?\b|mapy\.|openstreetmap|osm\.org|goo\.gl|2gis|w3w\.|what3words", re.IGNORECASE)
_MEETING = re.compile(r"\bmeet\.|\bteams\.|whereby\.|gotomeet", re.IGNORECASE)
_ONLINE_ROOM = re.compile(r"\b(virtual|online|digital)\s+(?:class\s?-?)?rooms?\b", re.IGNORECASE)
_ONLINE_PLACE = _words("online", "services", unspaced=_MODES["unspaced_online"])
_FILLERS = frozenset(_MODES["fillers"])

_LEVELS: tuple[tuple[re.Pattern[str], Level], ...] = tuple(
    (re.compile(rf"(?<!\w)(?:{'|'.join(WORDS['levels'][level])})", re.IGNORECASE), level)
    for level in get_args(Level)
)

Place = Literal["online", "onsite", "unclear"]


def modes(value: object) -> list[DeliveryMode]:
    """Reads delivery modes (ONLINE, ONSITE) from words such as "Online & Class Room" or "hybrid"."""
    words = "; ".join(_VIRTUAL_ROOM.sub("virtual", item) for item in items(value))
    words = nfc(words).replace("_", " ")
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


def kind_of_place(value: object) -> Place:
    """Returns whether a place is online, a place to go to, or unclear, such as "Room 5 / Zoom".

    It is online if it has only words such as "online" or "Zoom", the URLs of services for meetings, and
    fillers such as "via" or "link". Another URL alone is unclear, because it can be that of a hotel.
    """
    place = nfc(line(value)[:_LONGEST])
    urls = [url for url in _URL.findall(place) if not _MAP.search(url)]
    rest, words = _ONLINE_PLACE.subn(" ", _ONLINE_ROOM.sub("online", _URL.sub(" ", place)))
    if not urls and not words:
        return "onsite"
    if not words and not any(_MEETING.search(url) or _ONLINE_PLACE.search(url) for url in urls):
        return "unclear"
    others = {word.casefold() for word in re.findall(r"[^\W\d_]+", rest)} - _FILLERS
    return "unclear" if others or _MAP.search(place) else "online"


def level(value: object) -> Level:
    """Reads BEGINNER, INTERMEDIATE, ADVANCED or ALL_LEVELS. Several levels become ALL_LEVELS."""
    named = [name for pattern, name in _LEVELS if pattern.search(nfc(text(value)).replace("_", " "))]
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
