"""Slugs, derived from titles and unique within a collection."""

import re
from collections.abc import Sequence, Set

from loaders.mongo import Collection, find
from loaders.text.folding import spelt

_SIGNS = {"+": "p", "#": "sharp"}  # so that C, C++ and C# get different slugs
_LONGEST = 80  # maximum length of a slug in characters
# Hyphens and joiners, which are removed from the ends of a slug that was cut to its maximum length.
_STRIPPED = "-\u200c\u200d"
_FINAL_SIGMA = re.compile(r"(?<=\w)\N{GREEK SMALL LETTER SIGMA}(?=-|$)")


def slugify(text: str) -> str:
    """Converts a string to a slug: "Node.JS & Express" becomes "node-js-express".

    Letters of any script are kept with their marks, but Latin letters lose theirs. The slug is in
    NFC, has at most 80 characters, and can be empty.
    """
    joined = "-".join(re.sub(r"[+#]", lambda sign: _SIGNS[sign[0]], word) for word in spelt(text))
    return _FINAL_SIGMA.sub("\N{GREEK SMALL LETTER FINAL SIGMA}", joined[:_LONGEST].strip(_STRIPPED))


async def unique_slugs(collection: Collection, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """Returns an unused slug for each (slug, suffix) pair, in order.

    It tries the slug itself, then the slug with its suffix, then with its suffix and a number from 2 to 9.
    The suffix distinguishes documents with the same title; a given document must get the same suffix on every
    call.
    """
    candidates = [_candidates(slug, suffix) for slug, suffix in wanted]
    taken = await used_slugs(collection, {slug for options in candidates for slug in options})
    slugs = []
    for options in candidates:
        slugs.append(next((slug for slug in options if slug not in taken), options[-1]))
        taken.add(slugs[-1])
    return slugs


async def used_slugs(collection: Collection, slugs: Set[str]) -> set[str]:
    """Returns which slugs are in use, as the slug of a document or as a former slug (`oldSlugs`).

    slugs: the slugs to look up. The result may also contain other slugs of the documents that were found.
    Sends one command.
    """
    among = {"$in": sorted(slugs)}
    query = {"$or": [{"slug": among}, {"oldSlugs": among}]}
    found = await find(collection, query, size=2 * len(slugs), projection={"slug": 1, "oldSlugs": 1})
    # Other programs may have stored documents without a slug, or with null instead of a list of former slugs.
    return {s for document in found for s in (document.get("slug"), *(document.get("oldSlugs") or ())) if s}


def _candidates(slug: str, suffix: str) -> list[str]:
    base = "-".join(part for part in (slug, slugify(suffix)) if part) or "course"
    return [*([slug] if slug else []), base, *(f"{base}-{number}" for number in range(2, 10))]
