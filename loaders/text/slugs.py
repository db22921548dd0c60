"""Slugs, derived from titles and unique within a collection."""

import re
from collections.abc import Sequence, Set
from typing import Literal

from bson import ObjectId

from loaders.mongo import Collection, Filter, Transaction, Value, find
from loaders.text.folding import spelt

_SIGNS = {"+": "p", "#": "sharp"}  # so that C, C++ and C# get different slugs
_LONGEST = 80  # maximum length of a slug in characters
_LONGEST_BASE = 75  # maximum length of a slug in characters, before `free_slug` appends a number
# Hyphens and joiners, which are removed from the ends of a slug that was cut to its maximum length.
_STRIPPED = "-\u200c\u200d"
_FINAL_SIGMA = re.compile(r"(?<=\w)\N{GREEK SMALL LETTER SIGMA}(?=-|$)")


def slugify(text: str, longest: int = _LONGEST) -> str:
    """Converts a string to a slug: "Node.JS & Express" becomes "node-js-express".

    Letters of any script are kept with their marks, but Latin letters lose theirs. The slug is in
    NFC, has at most `longest` characters, and can be empty. The slug of a slug is the slug itself.
    """
    joined = _joined(text)
    if len(joined) > longest:  # what the cut has left of a word can be no word, or spelt differently
        joined = _joined(joined[:longest])
    return _FINAL_SIGMA.sub("\N{GREEK SMALL LETTER FINAL SIGMA}", joined.strip(_STRIPPED))


def _joined(text: str) -> str:
    return "-".join(re.sub(r"[+#]", lambda sign: _SIGNS[sign[0]], word) for word in spelt(text))


async def unique_slugs(
    collection: Collection, wanted: Sequence[tuple[str, str]], default: str = "course"
) -> list[str]:
    """Returns an unused slug for each (slug, suffix) pair, in order.

    It tries the slug itself, then the slug with its suffix, then with its suffix and a number from 2 on. The
    suffix distinguishes documents with the same title; a given document must get the same suffix on every
    call. default: the slug of a document whose slug and suffix are both empty.

    Sends one command, and another one each time that all numbers with so many digits are taken.
    """
    chosen: dict[int, str] = {}  # by index into `wanted`
    taken: set[str] = set()
    numbers = range(2, 10)
    while len(chosen) < len(wanted):
        options = {
            index: _candidates(slug, suffix, default, numbers)
            for index, (slug, suffix) in enumerate(wanted)
            if index not in chosen
        }
        taken |= await used_slugs(collection, {slug for slugs in options.values() for slug in slugs})
        for index, slugs in options.items():
            if free := next((slug for slug in slugs if slug not in taken), None):
                chosen[index] = free
                taken.add(free)
        numbers = range(numbers.stop, 10 * numbers.stop)
    return [chosen[index] for index in range(len(wanted))]


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


def _candidates(slug: str, suffix: str, default: str, numbers: Sequence[int]) -> list[str]:
    base = "-".join(part for part in (slug, slugify(suffix)) if part) or default
    return [*([slug] if slug else []), base, *(f"{base}-{number}" for number in numbers)]


async def slug_is_taken(
    tx: Transaction, collection: str, slug: str, own_id: Value = None
) -> Literal["now", "formerly"] | None:
    """Returns "now" if another document has the slug, "formerly" if another one had it, otherwise None.

    The `_id` of another document counts as a former slug: old links to instructors have it.

    own_id: the `_id` of the document to ignore; None if all documents are checked. Sends one command.
    """
    ways: list[Filter] = [{"slug": slug}, {"oldSlugs": slug}]
    if ObjectId.is_valid(slug):
        ways.append({"_id": ObjectId(slug)})
    other = {"_id": {"$ne": own_id}, "$or": ways}
    found = await tx.find(collection, other, size=2, projection={"slug": 1})
    if any(document.get("slug") == slug for document in found):
        return "now"
    return "formerly" if found else None


async def free_slug(tx: Transaction, collection: str, text: str, default: str) -> str:
    """Converts a title to a slug that no document of the collection has or formerly had.

    Appends a number if needed. default: the slug of a title without letters and digits.
    """
    base = slugify(text, _LONGEST_BASE) or default
    numbered_base = {"$regex": f"^{base}(-[0-9]+)?$"}
    taken = await tx.find(
        collection,
        {"$or": [{"slug": numbered_base}, {"oldSlugs": numbered_base}]},
        size=10_000,
        projection={"_id": 0, "slug": 1, "oldSlugs": 1},
    )
    # Other programs may have stored null instead of a list of former slugs.
    slugs = {s for document in taken for s in (document.get("slug"), *(document.get("oldSlugs") or ()))}
    numbered = (f"{base}-{number}" for number in range(2, len(slugs) + 3))
    return base if base not in slugs else next(slug for slug in numbered if slug not in slugs)
