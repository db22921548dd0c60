"""Slugs: made from a title, unique in their collection."""

import re
from collections.abc import Sequence

from loaders.mongo import Collection, find
from loaders.terms import words

_SIGNS = {"+": "p", "#": "sharp"}  # C++ and C# are two courses, and neither is C


def slugify(text: str) -> str:
    """ "Node.JS & Express" is "node-js-express"; letters of any script stay, accents go. May be empty."""
    return "-".join(re.sub(r"[+#]", lambda sign: _SIGNS[sign[0]], word) for word in words(text))[:80].strip(
        "-"
    )


async def unique(collection: Collection, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """A slug that nobody has for each (slug, suffix), in order.

    The slug itself where it is free; else with the suffix, which tells documents of one title apart and is
    the same whenever it is asked for; else with a number after it.
    """
    candidates = {slug for pair in wanted for slug in (pair[0], _suffixed(*pair))}
    query = {"slug": {"$in": sorted(candidates)}}
    taken = {d["slug"] for d in await find(collection, query, size=len(candidates), projection={"slug": 1})}
    found = []
    for slug, suffix in wanted:
        free = next(c for c in _candidates(slug, suffix) if c and c not in taken)
        taken.add(free)
        found.append(free)
    return found


def _suffixed(slug: str, suffix: str) -> str:
    return "-".join(part for part in (slug, slugify(suffix)) if part)


def _candidates(slug: str, suffix: str):  # type: ignore[no-untyped-def]
    yield slug
    base = _suffixed(slug, suffix) or "course"
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1
