"""Tells from the place of a run whether it is online: "Zoom", "MS Teams", a URL."""

import re
from typing import Literal

from app.importing.values.texts import line
from app.importing.values.words import WORDS
from loaders.text import nfc

_WORDS = WORDS["modes"]
_LONGEST = 500  # characters that are looked at; a longer text is hardly a place
_URL = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/\S*", re.IGNORECASE)
_MAP = re.compile(r"\bmaps?\b|openstreetmap|goo\.gl|2gis", re.IGNORECASE)  # the address of a map shows a room
_VIRTUAL_ROOM = re.compile(r"\b(virtual|online|digital)\s+(?:class\s?-?)?rooms?\b", re.IGNORECASE)
_ONLINE = re.compile(
    rf"(?<!\w)(?:{'|'.join(_WORDS['online'] + _WORDS['services'])})(?!\w)|{'|'.join(_WORDS['unspaced_online'])}",
    re.IGNORECASE,
)
_FILLERS = frozenset(_WORDS["fillers"])

Place = Literal["online", "onsite", "unclear"]


def kind_of_place(value: object) -> Place:
    """Returns whether a place is online, a place to go to, or unclear, such as "Room 5 / Zoom".

    It is online if it has only URLs, words such as "online" or "Zoom", and fillers such as "via" or "link".
    """
    place = nfc(line(value)[:_LONGEST])
    urls = [url for url in _URL.findall(place) if not _MAP.search(url)]
    rest, words = _ONLINE.subn(" ", _VIRTUAL_ROOM.sub("online", _URL.sub(" ", place)))
    if not urls and not words:
        return "onsite"
    others = {word.casefold() for word in re.findall(r"[^\W\d_]+", rest)} - _FILLERS
    return "unclear" if others or _MAP.search(place) else "online"
