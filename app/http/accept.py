"""Content negotiation: the media type and the coding of an answer (RFC 9110, section 12.5)."""

import re
from collections.abc import Mapping, Sequence

# A separator within quotes separates nothing.
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
_PIECE = {separator: re.compile(rf'(?:[^{separator}"]|{_QUOTED})+') for separator in ",;"}

_WEIGHT = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)


def pieces(text: str, separator: str) -> list[str]:
    """The parts of a header field between commas or semicolons, without the empty ones."""
    parts = _PIECE[separator].findall(text) if '"' in text else text.split(separator)
    return [part.strip() for part in parts if not part.isspace() and part]


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type that the client likes best, the first of equals; None when it takes none.

    A client without an Accept header takes all. Parameters other than `q` are ignored.
    """
    if not (weights := _weights(accept)):
        return offered[0]
    best = max(offered, key=lambda media_type: _of_media_type(media_type, weights))
    return best if _of_media_type(best, weights) > 0 else None


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the client would rather have an answer compressed by gzip than as it is."""
    weights = _weights(accept_encoding)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weights(field: str) -> Mapping[str, float]:
    """The weight of each element; the highest where it occurs more than once."""
    weights: dict[str, float] = {}
    for element in pieces(field.lower(), ","):
        name, *parameters = pieces(element, ";") or [""]
        weights[name] = max(_weight(parameters), weights.get(name, 0.0))
    return weights


def _weight(parameters: Sequence[str]) -> float:
    """From 0 to 1: more than 1 is 1, and what is no number is 0."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            value = value.strip()
            return min(float(value), 1.0) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0


def _of_media_type(media_type: str, weights: Mapping[str, float]) -> float:
    """By the most specific range that matches."""
    for media_range in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0.0
