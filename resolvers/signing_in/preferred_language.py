"""The language that a client prefers, from its `Accept-Language` header (RFC 9110)."""

import re

_LONGEST = 200  # the number of bytes of the header that are read
_RANGE = re.compile(
    r"\s*([a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3})\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.ASCII
)


def preferred_language(header: bytes) -> str | None:
    """Returns a BCP 47 tag in lower case, or None if the header names no language."""
    ranges = map(_RANGE.fullmatch, header[:_LONGEST].decode("latin-1").lower().split(","))
    weights = {match[1]: float(match[2] or 1) for match in ranges if match}
    best = max(weights, key=lambda tag: weights[tag], default=None)
    return best if best and weights[best] else None
