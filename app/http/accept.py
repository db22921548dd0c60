"""Content negotiation: the media type and the coding of an answer (RFC 9110, section 12.5).

Kept here because Starlette negotiates nothing, and sixty lines are no reason for a dependency.
"""

import re
from collections.abc import Mapping, Sequence

# A quoted separator does not separate.
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
_PIECE = {separator: re.compile(rf'(?:[^{separator}"]|{_QUOTED})+') for separator in ",;"}

_WEIGHT = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)


def pieces(text: str, separator: str) -> list[str]:
    """Splits a header field at commas or semicolons, and drops empty parts."""
    parts = _PIECE[separator].findall(text) if '"' in text else text.split(separator)
    return [part.strip() for part in parts if not part.isspace() and part]


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type that the client prefers; None if it accepts none.

    Of equally preferred types the first offered is chosen. A client without an Accept header accepts all.
    Parameters other than `q` are ignored.
    """
    if not (weights := _weights(accept)):
        return offered[0]
    best = max(offered, key=lambda media_type: _of_media_type(media_type, weights))
    return best if _of_media_type(best, weights) > 0 else None


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the client accepts gzip, and prefers it at least as much as an uncompressed answer."""
    weights = _weights(accept_encoding)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weights(field: str) -> Mapping[str, float]:
    """The weight of each element; the highest one if an element occurs more than once."""
    weights: dict[str, float] = {}
    for element in pieces(field.lower(), ","):
        name, *parameters = pieces(element, ";") or [""]
        weights[name] = max(_weight(parameters), weights.get(name, 0.0))
    return weights


def _weight(parameters: Sequence[str]) -> float:
    """The weight, from 0 to 1: a higher number counts as 1, and anything but a number as 0."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            value = value.strip()
            return min(float(value), 1.0) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0


def _of_media_type(media_type: str, weights: Mapping[str, float]) -> float:
    """The weight of a media type, by the most specific range that matches; 0 if none does."""
    for media_range in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0
