"""Slugs: made from a title, unique in their collection."""

import re
from collections.abc import Sequence

from loaders.mongo import Collection, find
from loaders.text.terms import words

_SIGNS = {"+": "p", "#": "sharp"}  # C++ and C# are two courses, and neither is C


def slugify(text: str) -> str:
    """ "Node.JS & Express" is "node-js-express"; letters of any script stay, accents go. May be empty."""
    return "-".join(re.sub(r"[+#]", lambda sign: _SIGNS[sign[0]], word) for word in words(text))[:80].strip(
        "-"
    )


async def unique_slugs(collection: Collection, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """A slug that nobody has for each (slug, suffix), in order.

    The slug itself where it is free; else with the suffix, which tells documents of one title apart and is
    the same whenever it is asked for; else with a number after it, up to 9.
    """
    candidates = [_candidates(slug, suffix) for slug, suffix in wanted]
    query = {"slug": {"$in": sorted({slug for choice in candidates for slug in choice})}}
    taken = {d["slug"] for d in await find(collection, query, size=len(wanted) * 10, projection={"slug": 1})}
    found = []
    for choice in candidates:
        found.append(next((slug for slug in choice if slug not in taken), choice[-1]))
        taken.add(found[-1])
    return found


def _candidates(slug: str, suffix: str) -> list[str]:
    base = "-".join(part for part in (slug, slugify(suffix)) if part) or "course"
    return [*([slug] if slug else []), base, *(f"{base}-{number}" for number in range(2, 10))]
