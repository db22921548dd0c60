"""Content negotiation: chooses the media type and encoding of a response (RFC 9110, section 12.5).

Implemented here because Starlette has no content negotiation, and sixty lines don't justify a dependency.
"""

import re
from collections.abc import Mapping, Sequence

# A separator within quotation marks does not split a header field.
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
_PIECE = {separator: re.compile(rf'(?:[^{separator}"]|{_QUOTED})+') for separator in ",;"}

_WEIGHT = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)


def pieces(text: str, separator: str) -> list[str]:
    """Splits a header field at a separator (comma or semicolon), and drops empty parts."""
    parts = _PIECE[separator].findall(text) if '"' in text else text.split(separator)
    return [part.strip() for part in parts if not part.isspace() and part]


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """Returns the offered media type that the client prefers; None if it accepts no offered type.

    If several types are equally preferred, the one offered first is chosen. A client without an Accept header
    accepts every type. Parameters other than `q` are ignored.
    """
    if not (weights := _weights(accept)):
        return offered[0]
    best = max(offered, key=lambda media_type: _of_media_type(media_type, weights))
    return best if _of_media_type(best, weights) > 0 else None


def takes_gzip(accept_encoding: str) -> bool:
    """Returns whether the client accepts gzip, and does not prefer an uncompressed response."""
    weights = _weights(accept_encoding)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weights(field: str) -> Mapping[str, float]:
    """Maps each element of a header field to its weight (`q`), or to its highest weight if it is repeated."""
    weights: dict[str, float] = {}
    for element in pieces(field.lower(), ","):
        name, *parameters = pieces(element, ";") or [""]
        weights[name] = max(_weight(parameters), weights.get(name, 0.0))
    return weights


def _weight(parameters: Sequence[str]) -> float:
    """Returns the weight `q`, from 0 to 1. Larger numbers count as 1, and invalid numbers as 0."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            value = value.strip()
            return min(float(value), 1.0) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0


def _of_media_type(media_type: str, weights: Mapping[str, float]) -> float:
    """Returns a media type's weight, given by the most specific range that matches; 0 if none matches."""
    for media_range in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0
